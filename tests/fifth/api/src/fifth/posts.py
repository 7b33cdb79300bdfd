"""Posts, one by one and page by page."""

from starlette.requests import Request
from starlette.responses import Response

from fifth.answers import json_answer, to_json
from fifth.cache import Cache
from fifth.fields import POST, page_query
from fifth.problems import Problem, bad_token, not_owner, nothing
from fifth.requests import read_fields, require_bearer
from fifth.store import NoSuchUserError, Store
from fifth.tokens import Tokens

_FIRST_PAGE = (20, None)


class Posts:
    """The routes below `/api/posts`."""

    def __init__(self, store: Store, cache: Cache, tokens: Tokens) -> None:
        self._store = store
        self._cache = cache
        self._tokens = tokens

    async def page(self, request: Request) -> Response:
        """GET /api/posts."""
        limit, before = page_query(request.scope["query_string"].decode("latin-1"))
        if (limit, before) != _FIRST_PAGE:
            return json_answer(await self._read_page(limit, before))
        content = await self._cache.first_page()
        if content is None:
            content = await self._read_page(limit, before)
            await self._cache.keep_first_page(content)
        return json_answer(content)

    async def create(self, request: Request) -> Response:
        """POST /api/posts."""
        author = require_bearer(request, self._tokens)
        fields = await read_fields(request, POST)
        try:
            post = await self._store.add_post(author, fields["title"], fields["body"])
        except NoSuchUserError as error:
            raise bad_token() from error
        return json_answer(to_json(post.document()), 201, {"Location": f"/api/posts/{post.id}"})

    async def read(self, request: Request) -> Response:
        """GET /api/posts/{id}."""
        identifier: int = request.path_params["id"]
        cached = await self._cache.post(identifier)
        tag, content = cached or await self._read_post(identifier)
        headers = {"ETag": tag, "X-Cache": "MISS" if cached is None else "HIT"}
        if _matches(request, tag):
            return Response(status_code=304, headers=headers)
        return json_answer(content, headers=headers)

    async def update(self, request: Request) -> Response:
        """PUT /api/posts/{id}."""
        identifier: int = request.path_params["id"]
        author = require_bearer(request, self._tokens)
        fields = await read_fields(request, POST)
        post = await self._store.change_post(identifier, author, fields["title"], fields["body"])
        if post is None:
            raise await self._refusal(identifier)
        await self._cache.drop_post(identifier)
        return json_answer(to_json(post.document()))

    async def delete(self, request: Request) -> Response:
        """DELETE /api/posts/{id}."""
        identifier: int = request.path_params["id"]
        if not await self._store.remove_post(identifier, require_bearer(request, self._tokens)):
            raise await self._refusal(identifier)
        await self._cache.drop_post(identifier)
        return Response(status_code=204)

    async def _read_page(self, limit: int, before: int | None) -> bytes:
        posts = await self._store.newest_posts(limit + 1, before)
        items = posts[:limit]
        next_before = items[-1].id if len(posts) > limit else None
        return to_json({"items": [post.document() for post in items], "next_before": next_before})

    async def _read_post(self, identifier: int) -> tuple[str, bytes]:
        post = await self._store.post(identifier)
        if post is None:
            raise nothing("post")
        content = to_json(post.document())
        await self._cache.keep_post(identifier, post.tag, content)
        return post.tag, content

    async def _refusal(self, identifier: int) -> Problem:
        """Why the post can't be changed by who wants to."""
        return not_owner() if await self._store.is_post(identifier) else nothing("post")


def _matches(request: Request, tag: str) -> bool:
    """Whether `If-None-Match` has the tag, in its weak form or its strong one."""
    value = ",".join(request.headers.getlist("if-none-match")).strip(" \t")
    return value == "*" or tag in (element.strip(" \t").removeprefix("W/") for element in value.split(","))
