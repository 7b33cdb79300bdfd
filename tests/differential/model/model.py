"""The contract as a function: what an implementation must answer to a request, given what it holds."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import psycopg

from apis.contract.checks import problems
from apis.contract.seed import POST_COUNT, USER_COUNT, seeded_post, seeded_user
from tests.differential.model import database, upload, users
from tests.differential.model.access import Caller, caller_of, is_id
from tests.differential.model.conditional import matches
from tests.differential.model.expectation import JSON, Expected, Refusal, invalid, problem
from tests.differential.model.head import before_routing, read_raw
from tests.differential.model.json_body import POST
from tests.differential.model.json_request import read_json
from tests.differential.model.page_query import read_query
from tests.differential.model.upload import BreachError
from tests.differential.request import RawRequest, Request
from tests.differential.world import KnownFile, KnownPost, World, written

_ALLOWED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("/healthz", ("GET", "HEAD")),
    ("/readyz", ("GET", "HEAD")),
    ("/api/users", ("POST",)),
    ("/api/users/me", ("GET", "HEAD")),
    ("/api/users/{id}", ("GET", "HEAD")),
    ("/api/auth/login", ("POST",)),
    ("/api/posts", ("GET", "HEAD", "POST")),
    ("/api/posts/{id}", ("DELETE", "GET", "HEAD", "PUT")),
    ("/api/files", ("POST",)),
    ("/api/files/{id}", ("GET", "HEAD")),
)

_TIME = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
_NEW_ID = rb"[1-9]\d{0,18}"

_WITH_TOKEN = {("POST", "/api/posts"), ("PUT", "/api/posts/{id}"), ("DELETE", "/api/posts/{id}")} | {
    ("POST", "/api/files"),
    *((method, "/api/users/me") for method in ("GET", "HEAD")),
}


class Model:
    """Answers what the contract says, for one implementation."""

    def __init__(self, world: World, database: "psycopg.Connection[tuple[Any, ...]]") -> None:
        self.world = world
        self._database = database

    def expect(self, request: Request | RawRequest) -> Expected | Refusal:
        """What the answer must be.

        Raises:
            NotComparedError: the contract leaves it open.
        """
        if isinstance(request, RawRequest):
            read = read_raw(request.sent)
            return read if isinstance(read, Refusal) else self.expect(read)
        refusal = before_routing(request)
        if refusal is not None:
            return refusal
        route, number = _route(request.path)
        if route is None:
            return problem(problems.NO_PATH)
        allowed = dict(_ALLOWED)[route]
        method = request.method.decode("latin-1")
        if method not in allowed:
            return problem(problems.BAD_METHOD, headers={"allow": ", ".join(allowed)})
        caller = None
        if (method, route) in _WITH_TOKEN:
            caller = caller_of(request.values(b"authorization"), self.world.secret)
            if caller is None:
                return problem(problems.BAD_TOKEN)
        return self._answer(request, "GET" if method == "HEAD" else method, route, number, caller)

    def _answer(self, request: Request, method: str, route: str, number: int, caller: Caller | None) -> Expected:
        open_to_all: dict[tuple[str, str], Callable[[], Expected]] = {
            ("GET", "/healthz"): lambda: Expected(200, JSON, b'{"status":"ok"}'),
            ("GET", "/readyz"): lambda: Expected(200, JSON, b'{"postgres":"up","redis":"up"}'),
            ("POST", "/api/users"): lambda: users.register(self.world, request),
            ("POST", "/api/auth/login"): lambda: users.log_in(self.world, request),
            ("GET", "/api/users/{id}"): lambda: self._user(number),
            ("GET", "/api/posts"): lambda: self._page(request),
            ("GET", "/api/posts/{id}"): lambda: self._post(request, number),
            ("GET", "/api/files/{id}"): lambda: self._file(number),
        }
        if caller is None:
            return open_to_all[method, route]()
        with_token: dict[tuple[str, str], Callable[[], Expected]] = {
            ("GET", "/api/users/me"): lambda: self._self(caller),
            ("POST", "/api/posts"): lambda: self._write(request, number, caller),
            ("PUT", "/api/posts/{id}"): lambda: self._write(request, number, caller),
            ("DELETE", "/api/posts/{id}"): lambda: self._delete(number, caller),
            ("POST", "/api/files"): lambda: self._upload(request, caller),
        }
        return with_token[method, route]()

    def _self(self, caller: Caller) -> Expected:
        user = self.world.user(caller.user_id)
        if user is not None:
            return Expected(200, JSON, user.own())
        return problem(problems.BAD_TOKEN) if _is_nobody(caller.user_id) else _seeded_self(caller.user_id)

    def _page(self, request: Request) -> Expected:
        errors, limit, before = read_query(request.query)
        return invalid(errors) if errors else Expected(200, JSON, database.page(self._database, limit, before))

    def _user(self, number: int) -> Expected:
        user = self.world.user(number)
        if user is not None:
            return Expected(200, JSON, user.public())
        if number <= USER_COUNT:
            seeded = seeded_user(number)
            return Expected(
                200, JSON, written({"id": number, "username": seeded.username, "created_at": seeded.created_at})
            )
        return problem(problems.NO_USER)

    def _post(self, request: Request, number: int) -> Expected:
        post = self.world.post(number)
        if number <= POST_COUNT:
            return _post_answer(request, _seeded(number), any_cache=True)
        if post is None or post.is_deleted:
            return problem(problems.NO_POST)
        return _post_answer(request, post)

    def _write(self, request: Request, number: int, caller: Caller) -> Expected:
        read = read_json(request, POST)
        if isinstance(read, Expected):
            return read
        title, body = read["title"], read["body"]
        if request.method == b"POST":
            return self._create(title, body, caller)
        post = self.world.post(number)
        refused = self._not_owned(number, caller)
        if refused is not None or post is None:
            return refused or problem(problems.NO_POST)
        pattern = _pattern({**post.shown(), "title": title, "body": body, "version": post.version + 1}, updated=True)

        def learn(groups: Mapping[str, bytes]) -> None:
            post.title, post.body, post.version = title, body, post.version + 1
            post.updated_at, post.is_cached = groups["updated"].decode(), False

        def inspect(groups: Mapping[str, bytes]) -> str | None:
            if groups["updated"].decode() < post.updated_at:
                return f"expected an updated_at not before {post.updated_at}, saw {groups['updated'].decode()}"
            return None

        return Expected(200, JSON, pattern, learn=learn, inspect=inspect)

    def _create(self, title: str, body: str, caller: Caller) -> Expected:
        if _is_nobody(caller.user_id) and self.world.user(caller.user_id) is None:
            return problem(problems.BAD_TOKEN)
        draft = KnownPost(0, caller.user_id, caller.username, title, body, 1, "", "")

        def learn(groups: Mapping[str, bytes]) -> None:
            draft.id, draft.created_at = int(groups["id"]), groups["created"].decode()
            draft.updated_at = draft.created_at
            self.world.posts.append(draft)

        return Expected(
            201,
            JSON,
            _pattern(draft.shown()),
            headers={"location": "/api/posts/{id}"},
            learn=learn,
        )

    def _delete(self, number: int, caller: Caller) -> Expected:
        refused = self._not_owned(number, caller)
        post = self.world.post(number)
        if refused is not None or post is None:
            return refused or problem(problems.NO_POST)

        def learn(_: object) -> None:
            post.is_deleted, post.is_cached = True, False

        return Expected(204, None, b"", learn=learn)

    def _not_owned(self, number: int, caller: Caller) -> Expected | None:
        if number <= POST_COUNT:
            return problem(problems.NOT_OWNER) if _seeded(number).author_id != caller.user_id else _seeded_write()
        post = self.world.post(number)
        if post is None or post.is_deleted:
            return problem(problems.NO_POST)
        return problem(problems.NOT_OWNER) if post.author_id != caller.user_id else None

    def _upload(self, request: Request, caller: Caller) -> Expected:
        types = request.values(b"content-type")
        if len(types) != 1 or types[0].partition(b";")[0].strip(b" \t").lower() != b"multipart/form-data":
            return problem(problems.NOT_MULTIPART)
        try:
            taken = upload.read_upload(types[0], request.body or b"", declared=request.cuts is None)
        except BreachError as breach:
            return problem(breach.problem)
        if _is_nobody(caller.user_id) and self.world.user(caller.user_id) is None:
            return problem(problems.BAD_TOKEN)

        def learn(groups: Mapping[str, bytes]) -> None:
            file = KnownFile(int(groups["id"]), taken.filename, taken.content_type, taken.content)
            self.world.files.append(file)

        return Expected(201, JSON, users.file_pattern(taken), learn=learn)

    def _file(self, number: int) -> Expected:
        file = self.world.file(number)
        if file is None:
            return problem(problems.NO_FILE)
        disposition = f'attachment; filename="{file.filename}"'
        return Expected(200, file.content_type, file.content, headers={"content-disposition": disposition})


def _route(path: bytes) -> tuple[str | None, int]:
    text = path.decode("latin-1")
    if text in dict(_ALLOWED) and "{" not in text:
        return text, 0
    folder, _, last = text.rpartition("/")
    route = f"{folder}/{{id}}"
    if route in dict(_ALLOWED) and is_id(last):
        return route, int(last)
    return None, 0


def _is_nobody(user_id: int) -> bool:
    return user_id > USER_COUNT


def _seeded_self(user_id: int) -> Expected:
    user = seeded_user(user_id)
    return Expected(
        200,
        JSON,
        written({"id": user_id, "username": user.username, "email": user.email, "created_at": user.created_at}),
    )


def _seeded_write() -> Expected:
    raise AssertionError("Seeded posts belong to all implementations and aren't written to.")


def _seeded(number: int) -> KnownPost:
    post = seeded_post(number)
    author = seeded_user(post.author_id)
    return KnownPost(
        number, author.id, author.username, post.title, post.body, 1, post.created_at, post.created_at, is_cached=True
    )


def _post_answer(request: Request, post: KnownPost, *, any_cache: bool = False) -> Expected:
    headers = {"etag": post.tag, "x-cache": "HIT" if post.is_cached else "MISS"}
    any_cache = any_cache or post.is_cached is None

    def learn(_: object) -> None:
        post.is_cached = True

    if matches(request.values(b"if-none-match"), post.tag.encode()):
        return Expected(304, None, b"", headers, learn=learn, any_cache=any_cache)
    return Expected(200, JSON, written(post.shown()), headers, learn=learn, any_cache=any_cache)


def _pattern(members: dict[str, object], *, updated: bool = False) -> "re.Pattern[bytes]":
    """A post whose id and times only the implementation knows; `updated`, only the last of them."""
    if updated:
        text = written({**members, "updated_at": "@"})
        return re.compile(re.escape(text[: -len(b'"@"}')]) + rb'"(?P<updated>' + _TIME + rb')"\}')
    text = written(members)
    middle = text.removeprefix(b'{"id":0').removesuffix(b'"created_at":"","updated_at":""}')
    return re.compile(
        rb'\{"id":(?P<id>'
        + _NEW_ID
        + rb")"
        + re.escape(middle)
        + rb'"created_at":"(?P<created>'
        + _TIME
        + rb')","updated_at":"(?P=created)"\}'
    )
