"""How many statements PostgreSQL runs for each request."""

from collections.abc import Callable

from apis.contract.checks.context import Context
from apis.contract.checks.expect import expect, expect_equal
from apis.contract.checks.model import check
from apis.contract.checks.multipart import PNG, Part
from apis.contract.checks.users import NOBODY

_CONTENT = {"title": "t", "body": "b"}


def _expect_statements(context: Context, what: str, action: Callable[[], object], *allowed: int) -> None:
    count = context.statements_of(action, expected=allowed[0])
    expect(count in allowed, f"Statements for {what}: expected {' or '.join(map(str, allowed))}, saw {count}.")


@check("database")
def users_take_one_statement_each(context: Context) -> None:
    """Registration, login, me, user and readiness: 1, also where they find nothing or are refused."""
    alice = context.alice
    login = {"email": alice.email, "password": alice.password}
    _expect_statements(context, "a registration", context.new_member, 1)
    _expect_statements(context, "a login", lambda: context.post("/api/auth/login", login), 1)
    wrong = login | {"password": "a wrong password"}
    _expect_statements(context, "a login refused", lambda: context.post("/api/auth/login", wrong), 1)
    _expect_statements(context, "me", lambda: context.get("/api/users/me", token=alice.token), 1)
    _expect_statements(context, "a user", lambda: context.get(f"/api/users/{alice.id}"), 1)
    _expect_statements(context, "a missing user", lambda: context.get(f"/api/users/{NOBODY}"), 1)
    _expect_statements(context, "HEAD of a user", lambda: context.send("HEAD", f"/api/users/{alice.id}"), 1)
    nobody = login | {"email": f"{context.new_name()}@example.test"}
    _expect_statements(context, "a login of nobody", lambda: context.post("/api/auth/login", nobody), 1)
    taken = {"username": alice.username, "email": alice.email, "password": alice.password}
    # The INSERT fails, which `pg_stat_statements` doesn't count; a question before it would be.
    _expect_statements(context, "a registration refused", lambda: context.post("/api/users", taken), 0)
    _expect_statements(context, "readiness", lambda: context.get("/readyz"), 1)


@check("database", attempts=3)
def posts_take_one_statement_on_a_miss_and_none_on_a_hit(context: Context) -> None:
    """Reading a post or a page: 1, or 0 where Redis has it; the author comes with it."""
    post = context.new_post()
    path = f"/api/posts/{post.id}"
    _expect_statements(context, "a post on a miss", lambda: context.get(path), 1)
    _expect_statements(context, "a post on a hit", lambda: context.get(path), 0)
    _expect_statements(context, "a 304 on a hit", lambda: context.get(path, headers={"If-None-Match": "*"}), 0)
    _expect_statements(context, "HEAD of a page", lambda: context.send("HEAD", "/api/posts?limit=50"), 1)
    _expect_statements(context, "a missing post", lambda: context.get(f"/api/posts/{NOBODY}"), 1)
    _expect_statements(context, "a page of 50", lambda: context.get("/api/posts?limit=50"), 1)
    _expect_statements(context, "a page before an id", lambda: context.get("/api/posts?before=51"), 1)
    context.get("/api/posts")
    _expect_statements(context, "the first page on a hit", lambda: context.get("/api/posts"), 0)


@check("database")
def writes_take_one_statement_or_two_to_tell_why_not(context: Context) -> None:
    """Create 1; update and delete 1, or 2 where they are refused."""
    token = context.alice.token
    _expect_statements(context, "a creation", lambda: context.post("/api/posts", _CONTENT, token=token), 1)
    post = context.new_post()
    for path, who, allowed in (
        (f"/api/posts/{NOBODY}", token, (2, 1)),
        (f"/api/posts/{post.id}", context.bob.token, (2, 1)),
        (f"/api/posts/{post.id}", token, (1,)),
    ):
        update = f"an update of {path} ({'own' if who == token else 'not own'})"
        _expect_statements(context, update, lambda path=path, who=who: context.put(path, _CONTENT, token=who), *allowed)
        deletion = update.replace("an update", "a deletion")
        _expect_statements(
            context, deletion, lambda path=path, who=who: context.send("DELETE", path, token=who), *allowed
        )


@check("database")
def files_take_one_statement_each(context: Context) -> None:
    """Upload and download: 1."""
    stored = context.new_file(Part(PNG))
    _expect_statements(context, "an upload", lambda: context.upload(Part(PNG)), 1)
    _expect_statements(context, "a file", lambda: context.get(f"/api/files/{stored.id}"), 1)


@check("database")
def refusals_take_no_statement(context: Context) -> None:
    """Health, unknown paths, wrong methods, bad tokens and bad bodies: 0."""
    token = context.alice.token
    cases: tuple[tuple[str, Callable[[], object]], ...] = (
        ("/healthz", lambda: context.get("/healthz")),
        ("an unknown path", lambda: context.get("/api/nothing")),
        ("a wrong method", lambda: context.send("PATCH", "/api/posts")),
        ("no token", lambda: context.get("/api/users/me")),
        ("a bad token", lambda: context.post("/api/posts", _CONTENT, token=token[:-5])),
        ("a missing field", lambda: context.post("/api/posts", {"title": "t"}, token=token)),
        ("a bad registration", lambda: context.post("/api/users", {})),
        ("a bad limit", lambda: context.get("/api/posts?limit=0")),
        ("an upload of text", lambda: context.upload(Part(b"text"))),
        ("an upload of two files", lambda: context.upload(Part(PNG), Part(PNG))),
        ("an upload without a token", lambda: context.send("POST", "/api/files", content=b"")),
        ("an id of another form", lambda: context.get("/api/users/01")),
        ("no JSON", lambda: context.send("PUT", "/api/posts/1", token=token, content=b"x")),
        ("a login refused at once", lambda: context.post("/api/auth/login", {"email": "x"})),
    )
    for what, action in cases:
        _expect_statements(context, what, action, 0)


@check("database", attempts=3)
def no_more_rows_than_needed_are_read(context: Context) -> None:
    """One row for a thing, `limit` + 1 for a page, none where nothing is found."""
    alice, limit = context.alice, 7
    post, stored = context.new_post(), context.new_file(Part(PNG))
    path = f"/api/posts/{post.id}"
    login = {"email": alice.email, "password": alice.password}
    cases: tuple[tuple[str, Callable[[], object], int], ...] = (
        ("a registration", context.new_member, 1),
        ("a login", lambda: context.post("/api/auth/login", login), 1),
        ("me", lambda: context.get("/api/users/me", token=alice.token), 1),
        ("a user", lambda: context.get(f"/api/users/{alice.id}"), 1),
        ("a missing user", lambda: context.get(f"/api/users/{NOBODY}"), 0),
        (f"a page of {limit}", lambda: context.get(f"/api/posts?limit={limit}"), limit + 1),
        ("the page before id 1", lambda: context.get("/api/posts?before=1"), 0),
        ("a post", lambda: context.get(path), 1),
        ("a creation", lambda: context.post("/api/posts", _CONTENT, token=alice.token), 1),
        ("an update", lambda: context.put(path, _CONTENT, token=alice.token), 1),
        ("another's update", lambda: context.put(path, _CONTENT, token=context.bob.token), 1),
        ("a deletion", lambda: context.send("DELETE", path, token=alice.token), 1),
        ("an upload", lambda: context.upload(Part(PNG)), 1),
        ("a file", lambda: context.get(f"/api/files/{stored.id}"), 1),
    )
    for what, action, expected in cases:
        expect_equal(context.rows_of(action, expected=expected), expected, f"rows for {what}")
