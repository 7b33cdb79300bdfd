"""How PostgreSQL is asked: parameters, prepared statements, its own clock; and what becomes of a failed statement."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import LiteralString

from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from apis.contract.checks import problems
from apis.contract.checks.answers import Post, User
from apis.contract.checks.context import Context
from apis.contract.checks.expect import expect, expect_equal, expect_json, expect_problem
from apis.contract.checks.instruments import count_sessions, plans_counted, plans_of, times_written
from apis.contract.checks.model import CheckFailedError, check
from apis.contract.checks.multipart import PNG, Part
from apis.contract.checks.wire import Answer

UNUSUAL = 8_765_432_101_234_567_890
"""An id that nothing has, and that is in no text by chance."""

_PLANS_OF_A_PREPARED_STATEMENT = 6
"""PostgreSQL plans a prepared statement for its first five values, then once for all. Source: PREPARE, "Notes"."""

_CALLS_BEYOND = 60
"""Calls beyond the last at which a prepared statement may be planned."""

_ANSWERED = 3.0
"""Seconds in which a request is answered whose statement failed."""

_WAITING = "SELECT pid FROM pg_locks WHERE relation = ANY(%s::regclass[]) AND NOT granted"
_TABLES = ["users", "posts", "files"]


@retry(retry=retry_if_exception_type(CheckFailedError), stop=stop_after_delay(4), wait=wait_fixed(0.01), reraise=True)
def _waiting_session(context: Context, what: str) -> int:
    row = context.database.execute(_WAITING, (_TABLES,)).fetchone()
    if row is None:
        raise CheckFailedError(f"{what}: expected a statement that waits for the locked table, saw none.")
    return int(row[0])


def _while_waiting(
    context: Context, what: str, request: Callable[[], Answer], act: Callable[[int, Future[Answer]], None]
) -> Answer:
    """Send a request, act on the session whose statement waits for the locked tables, and unlock them.

    Returns:
        The answer.
    """
    with ThreadPoolExecutor(1) as pool:
        with context.database.transaction():
            context.database.execute("LOCK TABLE users, posts, files IN ACCESS EXCLUSIVE MODE")
            answer = pool.submit(request)
            act(_waiting_session(context, what), answer)
        return answer.result()


@check("database")
def values_are_parameters(context: Context) -> None:
    """The text that PostgreSQL has of a statement shows none of the request's values."""
    alice, name = context.alice, context.new_name()
    post, path = context.new_post(), f"/api/posts/{UNUSUAL}"
    title, body = f"title of {name}", f"body of {name}"
    content = {"title": title, "body": body}
    registration = {"username": name, "email": f"{name}@example.test", "password": "a good password"}
    login = {"email": f"{name}@example.test", "password": "a good password"}
    cases: tuple[tuple[str, Callable[[], Answer]], ...] = (
        ("a user", lambda: context.get(f"/api/users/{UNUSUAL}")),
        ("a registration", lambda: context.post("/api/users", registration)),
        ("a login", lambda: context.post("/api/auth/login", login)),
        ("a page", lambda: context.get(f"/api/posts?before={UNUSUAL}")),
        ("a post", lambda: context.get(path)),
        ("a creation", lambda: context.post("/api/posts", content, token=alice.token)),
        ("an update", lambda: context.put(f"/api/posts/{post.id}", content, token=alice.token)),
        ("an update of a missing post", lambda: context.put(path, content, token=alice.token)),
        ("a deletion", lambda: context.send("DELETE", path, token=alice.token)),
        ("an upload", lambda: context.upload(Part(PNG, f'form-data; name="file"; filename="{name}.png"'))),
        ("a file", lambda: context.get(f"/api/files/{UNUSUAL}")),
    )
    texts: dict[str, str] = {}

    def look(what: str, session: int) -> None:
        context.database.execute("SELECT pg_stat_clear_snapshot()")
        row = context.database.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", (session,)).fetchone()
        texts[what] = "" if row is None else str(row[0])

    for what, request in cases:
        _while_waiting(context, what, request, lambda session, _, what=what: look(what, session))
    for what, text in texts.items():
        expect(text, f"The statement for {what}: expected its text, saw none.")
        for value in (str(UNUSUAL), name):
            expect(value not in text, f"The statement for {what}: expected parameters, saw the text {text!r}.")


@check("database", attempts=3)
def statements_are_prepared_once_for_each_connection(context: Context) -> None:
    """A statement is planned for the first values that a connection sees, and then no more."""
    token, post, content = context.alice.token, context.new_post(), {"title": "t", "body": "b"}
    path = f"/api/users/{context.alice.id}"
    # Nothing keeps a post that isn't there: each of its reads is a miss. A page isn't among these: where its limit is a
    # value, PostgreSQL expects much more of a plan for all values, and plans for each.
    cases: tuple[tuple[str, int, Callable[[], Answer]], ...] = (
        ("a user", 200, lambda: context.get(path)),
        ("me", 200, lambda: context.get("/api/users/me", token=token)),
        ("a post", 404, lambda: context.get(f"/api/posts/{UNUSUAL}")),
        ("a creation", 201, lambda: context.post("/api/posts", content, token=token)),
        ("an update", 200, lambda: context.put(f"/api/posts/{post.id}", content, token=token)),
        ("a file", 404, lambda: context.get(f"/api/files/{UNUSUAL}")),
    )
    with plans_counted(context):
        _await_user(context, path)
        for what, status, request in cases:
            _expect_prepared(context, what, status, request)


def _expect_prepared(context: Context, what: str, status: int, request: Callable[[], Answer]) -> None:
    calls = _PLANS_OF_A_PREPARED_STATEMENT * count_sessions(context) + _CALLS_BEYOND
    statuses: set[int] = set()
    plans = plans_of(context, lambda: statuses.update(request().status for _ in range(calls)))
    most = _PLANS_OF_A_PREPARED_STATEMENT * count_sessions(context)
    expect_equal(statuses, {status}, f"statuses of {what}")
    expect(
        plans <= most,
        f"Plans of {what} for {calls} times the same statement: expected {most} or fewer, as of a prepared one, "
        f"saw {plans}.",
    )


@retry(retry=retry_if_exception_type(CheckFailedError), stop=stop_after_delay(3), wait=wait_fixed(0.05), reraise=True)
def _await_user(context: Context, path: str) -> None:
    expect_json(context.get(path), 200, User)


@check("database")
def times_come_from_the_database(context: Context) -> None:
    """`created_at` and `updated_at` are `now()` of the transaction that wrote them, to the last digit."""
    with times_written(context) as written:
        member = context.new_member()
        post = context.new_post(member)
        answer = context.put(f"/api/posts/{post.id}", {"title": "t", "body": "b"}, token=member.token)
        expect_json(answer, 200, Post)
        stored = context.new_file(Part(PNG))
        cases: tuple[tuple[str, tuple[str, str], LiteralString, int], ...] = (
            ("created_at of a user", ("users", "INSERT"), "SELECT created_at FROM users WHERE id = %s", member.id),
            ("created_at of a post", ("posts", "INSERT"), "SELECT created_at FROM posts WHERE id = %s", post.id),
            ("updated_at of a post", ("posts", "UPDATE"), "SELECT updated_at FROM posts WHERE id = %s", post.id),
            ("created_at of a file", ("files", "INSERT"), "SELECT created_at FROM files WHERE id = %s", stored.id),
        )
        for what, expected, query, identifier in cases:
            row = context.database.execute(query, (identifier,)).fetchone()
            seen = None if row is None else row[0]
            expect_equal(seen, written(*expected, identifier), f"{what}: now() of its transaction")


@check("database")
def a_statement_that_fails_is_an_internal_error(context: Context) -> None:
    """500 with the fixed text where PostgreSQL refuses a statement and stays; the next request is answered."""
    path = f"/api/users/{context.alice.id}"

    def cancel(session: int, answer: Future[Answer]) -> None:
        context.database.execute("SELECT pg_cancel_backend(%s)", (session,))
        _await_answer(answer, "a request whose statement was cancelled")

    expect_problem(_while_waiting(context, "a user", lambda: context.get(path), cancel), problems.INTERNAL)
    expect_json(context.get(path), 200, User)


@check("database")
def a_statement_that_lost_its_connection_is_not_repeated(context: Context) -> None:
    """503 at once, for reads and writes; nothing of it is done."""
    post = context.new_post()
    path, content = f"/api/posts/{post.id}", {"title": "New", "body": "New"}

    def end(session: int, answer: Future[Answer]) -> None:
        context.database.execute("SELECT pg_terminate_backend(%s)", (session,))
        _await_answer(answer, "a request whose session was ended")

    requests: tuple[tuple[str, Callable[[], Answer]], ...] = (
        ("a page", lambda: context.get("/api/posts?limit=3")),
        ("an update", lambda: context.put(path, content, token=context.alice.token)),
    )
    for what, request in requests:
        expect_problem(_while_waiting(context, what, request, end), problems.UNAVAILABLE)
    row = context.database.execute("SELECT version FROM posts WHERE id = %s", (post.id,)).fetchone()
    expect_equal(row, (1,), "the version of a post whose update was answered with 503")


def _await_answer(answer: Future[Answer], what: str) -> None:
    """Wait for the answer while the tables are still locked: a statement sent again would wait for them."""
    start = time.monotonic()
    while not answer.done():
        expect(time.monotonic() - start < _ANSWERED, f"{what}: expected an answer, saw none in {_ANSWERED:.0f} s.")
        time.sleep(0.01)
