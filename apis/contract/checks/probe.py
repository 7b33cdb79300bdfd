"""Twenty questions with known answers, asked before each measured cell."""

import time
from collections.abc import Callable

import httpx

from apis.contract.checks import problems
from apis.contract.checks.answers import AccessToken, Account, Author, Health, Post, PostPage, Readiness, User
from apis.contract.checks.context import Context
from apis.contract.checks.expect import expect_answer, expect_equal, expect_invalid, expect_json, expect_problem
from apis.contract.checks.model import CheckFailedError, CheckResult, Target
from apis.contract.checks.multipart import Part
from apis.contract.checks.users import NOBODY
from apis.contract.seed import POST_COUNT, USER_COUNT, author_of, seeded_post, seeded_user
from apis.contract.tokens import mint_token

_CONTENT = {"title": "A title", "body": "A body"}
_MIDDLE = POST_COUNT // 2

_TOKEN_SECONDS = 86_400
"""So long that neither clock has to be right: a run goes on for hours, and one of them may be set meanwhile."""


def probe(target: Target) -> list[CheckResult]:
    """Ask twenty things of a target with a seeded database, and compare the answers in full.

    It takes some tenths of a second, writes nothing to PostgreSQL and needs neither of the target's service URLs. What
    it leaves is three posts and the first page in the cache.

    Returns:
        A result for each question, named `probe.…`.
    """
    context = Context(target)
    try:
        return [_ask(context, name, question) for name, question in _QUESTIONS.items()]
    finally:
        context.close()


def _ask(context: Context, name: str, question: Callable[[Context], None]) -> CheckResult:
    start = time.monotonic()
    detail = ""
    try:
        question(context)
    except (CheckFailedError, httpx.HTTPError) as error:
        detail = str(error) or type(error).__name__
    return CheckResult(
        target=context.target.name,
        check=f"probe.{name}",
        outcome="failed" if detail else "passed",
        detail=detail,
        seconds=time.monotonic() - start,
    )


def _token(context: Context, user_id: int) -> str:
    return mint_token(context.target.jwt_secret, user_id, seeded_user(user_id).username, lifetime=_TOKEN_SECONDS)


def _seeded(post_id: int) -> Post:
    post = seeded_post(post_id)
    return Post(
        id=post.id,
        author=Author(id=post.author_id, username=seeded_user(post.author_id).username),
        title=post.title,
        body=post.body,
        version=1,
        created_at=post.created_at,
        updated_at=post.created_at,
    )


def _health(context: Context) -> None:
    expect_json(context.get("/healthz"), 200, Health)


def _readiness(context: Context) -> None:
    expected = Readiness(postgres="up", redis="up")
    expect_equal(expect_json(context.get("/readyz"), 200, Readiness), expected, "readiness")


def _user(user_id: int) -> Callable[[Context], None]:
    def ask(context: Context) -> None:
        user = seeded_user(user_id)
        expected = User(id=user.id, username=user.username, created_at=user.created_at)
        expect_equal(expect_json(context.get(f"/api/users/{user_id}"), 200, User), expected, f"user {user_id}")

    return ask


def _missing_user(context: Context) -> None:
    expect_problem(context.get(f"/api/users/{NOBODY}"), problems.NO_USER)


def _me(context: Context) -> None:
    user = seeded_user(1)
    answer = context.get("/api/users/me", token=_token(context, user.id))
    expected = Account(id=user.id, username=user.username, email=user.email, created_at=user.created_at)
    expect_equal(expect_json(answer, 200, Account), expected, "the user of the token")


def _no_token(context: Context) -> None:
    expect_problem(context.get("/api/users/me"), problems.BAD_TOKEN)


def _login(context: Context) -> None:
    user = seeded_user(2)
    expect_json(context.post("/api/auth/login", {"email": user.email, "password": user.password}), 200, AccessToken)


def _post(post_id: int) -> Callable[[Context], None]:
    def ask(context: Context) -> None:
        answer = context.get(f"/api/posts/{post_id}")
        headers = {"etag": f'"{post_id}-1"', "x-cache": answer.header("x-cache")}
        expect_equal(expect_json(answer, 200, Post, headers=headers), _seeded(post_id), f"post {post_id}")

    return ask


def _not_modified(context: Context) -> None:
    tag = f'"{POST_COUNT}-1"'
    answer = context.get(f"/api/posts/{POST_COUNT}", headers={"If-None-Match": tag})
    expect_answer(answer, 304, content_type=None, headers={"etag": tag, "x-cache": answer.header("x-cache")})


def _missing_post(context: Context) -> None:
    expect_problem(context.get(f"/api/posts/{NOBODY}"), problems.NO_POST)


def _page(query: str, newest: int, oldest: int) -> Callable[[Context], None]:
    def ask(context: Context) -> None:
        items = tuple(_seeded(post_id) for post_id in range(newest, oldest - 1, -1))
        expected = PostPage(items=items, next_before=oldest if oldest > 1 else None)
        page = expect_json(context.get(f"/api/posts{query}"), 200, PostPage)
        ids = [item.id for item in page.items]
        expect_equal(ids, [item.id for item in items], f"ids of the posts of ?{query}")
        expect_equal(page, expected, f"the page of {query or 'no query'}")

    return ask


def _bad_limit(context: Context) -> None:
    expect_invalid(context.get("/api/posts?limit=0"), ("limit", problems.LIMIT_RULE))


def _bad_content(context: Context) -> None:
    token = _token(context, 1)
    expect_invalid(
        context.post("/api/posts", {"title": ""}, token=token),
        ("title", problems.TITLE_RULE),
        ("body", problems.REQUIRED),
    )


def _not_owner(context: Context) -> None:
    other = author_of(_MIDDLE) % USER_COUNT + 1
    answer = context.put(f"/api/posts/{_MIDDLE}", _CONTENT, token=_token(context, other))
    expect_problem(answer, problems.NOT_OWNER)


def _text_upload(context: Context) -> None:
    expect_problem(context.upload(Part(b"text"), token=_token(context, 1)), problems.BAD_FILE_TYPE)


def _bad_method(context: Context) -> None:
    expect_problem(context.send("PATCH", "/api/posts"), problems.BAD_METHOD, headers={"allow": "GET, HEAD, POST"})


_QUESTIONS: dict[str, Callable[[Context], None]] = {
    "health": _health,
    "readiness": _readiness,
    "first_user": _user(1),
    "last_user": _user(USER_COUNT),
    "missing_user": _missing_user,
    "me": _me,
    "no_token": _no_token,
    "login": _login,
    "first_post": _post(1),
    "middle_post": _post(_MIDDLE),
    "last_post": _post(POST_COUNT),
    "not_modified": _not_modified,
    "missing_post": _missing_post,
    "first_page": _page("", POST_COUNT, POST_COUNT - 19),
    "last_page": _page("?limit=10&before=6", 5, 1),
    "bad_limit": _bad_limit,
    "bad_content": _bad_content,
    "not_owner": _not_owner,
    "text_upload": _text_upload,
    "bad_method": _bad_method,
}
