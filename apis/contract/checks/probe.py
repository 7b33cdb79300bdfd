"""Twenty questions with known answers, asked before each measured cell."""

from collections.abc import Callable

from apis.contract.checks import expect
from apis.contract.checks.answers import AccessToken, Account, Author, Health, Post, PostPage, Readiness, User
from apis.contract.checks.context import NOBODY, Context
from apis.contract.checks.model import CheckResult, Target
from apis.contract.checks.run import attempt, open_context
from apis.contract.checks.wire import Part
from apis.contract.seed import POST_COUNT, USER_COUNT, author_of, seeded_post, seeded_user
from apis.contract.tokens import mint_token
from documents.base import Document

_MIDDLE = POST_COUNT // 2

_TOKEN_SECONDS = 86_400
"""So long that neither clock has to be right: a run goes on for hours, and one of them may be set in the meantime."""

Question = Callable[[Context], object]


def probe(target: Target) -> list[CheckResult]:
    """Ask twenty things of a target with a seeded database, and compare the answers in full.

    It takes some tenths of a second, writes nothing to PostgreSQL and needs neither of the target's service URLs. What
    it leaves is three posts and the first page in the cache. There is a result for each question, named `probe.…`.
    """
    with open_context(target) as context:
        return [attempt(context, f"probe.{name}", question) for name, question in _QUESTIONS.items()]


def _token(context: Context, user_id: int) -> str:
    return mint_token(context.target.jwt_secret, user_id, seeded_user(user_id).username, lifetime=_TOKEN_SECONDS)


def _seeded(post_id: int) -> Post:
    post = seeded_post(post_id)
    author = Author(id=post.author_id, username=seeded_user(post.author_id).username)
    times = {"created_at": post.created_at, "updated_at": post.created_at}
    return Post(id=post.id, author=author, title=post.title, body=post.body, version=1, **times)


def _seeded_page(newest: int, oldest: int) -> PostPage:
    items = tuple(_seeded(post_id) for post_id in range(newest, oldest - 1, -1))
    return PostPage(items=items, next_before=oldest if oldest > 1 else None)


def _account(user_id: int) -> Account:
    user = seeded_user(user_id)
    return Account(id=user.id, username=user.username, email=user.email, created_at=user.created_at)


def _user(user_id: int) -> User:
    return User.model_validate(_account(user_id).model_dump(exclude={"email"}))


def _is(path: str, expected: Callable[[], Document], *, user_id: int | None = None) -> Question:
    """The path is answered with that, to a user if one is given."""

    def ask(context: Context) -> None:
        answer = context.get(path, token=None if user_id is None else _token(context, user_id))
        content = expected()
        expect.equal(expect.json(answer, 200, type(content)), content, f"the content of {path}")

    return ask


def _login(context: Context) -> None:
    user = seeded_user(2)
    expect.json(context.post("/api/auth/login", {"email": user.email, "password": user.password}), 200, AccessToken)


def _not_modified(context: Context) -> None:
    post = _seeded(POST_COUNT)
    answer = context.get(f"/api/posts/{post.id}", headers={"If-None-Match": post.tag})
    expect.status(answer, 304)
    expect.tagged(answer, post)


def _not_owner(context: Context) -> None:
    token = _token(context, author_of(_MIDDLE) % USER_COUNT + 1)
    expect.problem(context.put(f"/api/posts/{_MIDDLE}", {"title": "A title", "body": "A body"}, token=token), 403)


def _bad_content(context: Context) -> None:
    answer = context.post("/api/posts", {"title": ""}, token=_token(context, 1))
    expect.problem(answer, 422, 400, fields=["title", "body"])


_QUESTIONS: dict[str, Question] = {
    "health": _is("/healthz", lambda: Health(status="ok")),
    "readiness": _is("/readyz", lambda: Readiness(postgres="up", redis="up")),
    "first_user": _is("/api/users/1", lambda: _user(1)),
    "last_user": _is(f"/api/users/{USER_COUNT}", lambda: _user(USER_COUNT)),
    "missing_user": lambda context: expect.problem(context.get(f"/api/users/{NOBODY}"), 404),
    "me": _is("/api/users/me", lambda: _account(1), user_id=1),
    "no_token": lambda context: expect.unauthorized(context.get("/api/users/me")),
    "login": _login,
    "first_post": lambda context: expect.post(context.get("/api/posts/1"), _seeded(1)),
    "middle_post": lambda context: expect.post(context.get(f"/api/posts/{_MIDDLE}"), _seeded(_MIDDLE)),
    "last_post": lambda context: expect.post(context.get(f"/api/posts/{POST_COUNT}"), _seeded(POST_COUNT)),
    "not_modified": _not_modified,
    "missing_post": lambda context: expect.problem(context.get(f"/api/posts/{NOBODY}"), 404),
    "first_page": _is("/api/posts", lambda: _seeded_page(POST_COUNT, POST_COUNT - 19)),
    "last_page": _is("/api/posts?limit=10&before=6", lambda: _seeded_page(5, 1)),
    "bad_limit": lambda context: expect.problem(context.get("/api/posts?limit=0"), 422, 400, fields=["limit"]),
    "bad_content": _bad_content,
    "not_owner": _not_owner,
    "text_upload": lambda context: expect.problem(context.upload(Part(b"text"), token=_token(context, 1)), 415),
    "bad_method": lambda context: expect.problem(context.send("PATCH", "/api/posts"), 405, 404),
}
