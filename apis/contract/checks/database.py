"""What each request has PostgreSQL and Redis do, and what happens while PostgreSQL can't."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from apis.contract.checks import expect
from apis.contract.checks.answers import User
from apis.contract.checks.context import NOBODY, Context
from apis.contract.checks.instruments import end_sessions, locked_tables, outline, while_waiting, work_of
from apis.contract.checks.model import check
from apis.contract.checks.wire import PNG, Part, request_octets

_PLANS_OF_A_PREPARED_STATEMENT = 6
"""PostgreSQL plans a prepared statement for its first five values, then once for all. Source: PREPARE, "Notes"."""

_CONTENT = {"title": "t", "body": "b"}

Request = Callable[[], object]
Work = tuple[str, Request, str, int, *tuple[list[str], ...]]
"""A request: its name, what sends it, its statement or nothing, the statement's rows, and its commands to Redis."""


def _expect_work(context: Context, *requests: Work) -> None:
    for what, request, statement, rows, *expected in requests:
        ran, commands = work_of(context, request, calls={1 if statement else 0})
        seen = [(one.calls, one.rows) for one in ran]
        expect.equal(seen, [(1, rows)] if statement else [], f"calls and rows of the statements for {what}")
        expect.equal(commands, expected, f"commands to Redis for {what}")
        for one in ran:
            contract, found = outline(statement), outline(one.text)
            if not contract.get("read", True):
                # It names no columns here.
                contract["read"] = found.get("read", set[str]()) - {"*", "email", "password_hash"}
            expect.equal(found, contract, f"the statement for {what}")


@check("database", "redis", attempts=3)
def users_and_files_take_one_statement_each(context: Context) -> None:
    """With the contract's columns, also where they find nothing, and again when repeated; none asks Redis."""
    alice, stored = context.alice, context.new_file(Part(PNG))
    login = {"email": alice.email, "password": alice.password}
    nobody = login | {"email": f"{context.new_name()}@example.test"}
    insert = "INSERT INTO users (username, email, password_hash) RETURNING id, created_at"
    by_email = "SELECT id, username, password_hash FROM users WHERE email"
    me = "SELECT id, username, email, created_at FROM users WHERE id"
    by_id = "SELECT id, username, created_at FROM users WHERE id"
    upload = "INSERT INTO files (owner_id, filename, content_type, size, sha256, storage_name) RETURNING id"
    file = "SELECT filename, content_type, size, storage_name FROM files WHERE id"
    requests: tuple[Work, ...] = (
        ("a registration", context.new_member, insert, 1),
        ("a login", lambda: context.post("/api/auth/login", login), by_email, 1),
        ("a login of nobody", lambda: context.post("/api/auth/login", nobody), by_email, 0),
        ("me", lambda: context.get("/api/users/me", token=alice.token), me, 1),
        ("a user", lambda: context.get(f"/api/users/{alice.id}"), by_id, 1),
        ("a missing user", lambda: context.get(f"/api/users/{NOBODY}"), by_id, 0),
        ("an upload", lambda: context.upload(Part(PNG)), upload, 1),
        ("a file", lambda: context.get(f"/api/files/{stored.id}"), file, 1),
        ("/healthz and /readyz", lambda: (context.get("/healthz"), context.get("/readyz")), "", 0),
    )
    _expect_work(context, *requests, *requests)


@check("database", "redis", attempts=3)
def posts_take_one_statement_and_none_on_a_hit(context: Context) -> None:
    """With the author, a page's `limit` + 1 rows, the contract's columns; GET, SET … EX of a miss, DEL of a write."""
    token, post = context.alice.token, context.new_post()
    path, missing, key = f"/api/posts/{post.id}", f"/api/posts/{NOBODY}", f"post:{post.id}"
    read, page = "SELECT FROM posts JOIN users WHERE id", "SELECT FROM posts JOIN users ORDER BY id DESC LIMIT"
    create = "INSERT INTO posts (author_id, title, body) RETURNING id, version, created_at, updated_at"
    update = """
        UPDATE posts SET title, body, version = version + 1, updated_at = now() WHERE id AND author_id
        RETURNING version, created_at, updated_at
    """
    delete = "DELETE FROM posts WHERE id AND author_id"
    get, first = ["GET", key], ["GET", "posts:first"]
    pages: tuple[Work, ...] = (
        ("a page of 7", lambda: context.get("/api/posts?limit=7"), page, 8),
        ("a page before an id", lambda: context.get("/api/posts?before=51&limit=20"), read, 21),
        ("the page before id 1", lambda: context.get("/api/posts?before=1"), read, 0),
    )
    context.redis.delete("posts:first")
    _expect_work(
        context,
        ("a post on a miss", lambda: context.get(path), read, 1, get, ["SET", key, "EX", "600"]),
        ("a post on a hit", lambda: context.get(path), "", 0, get),
        ("a 304 on a hit", lambda: context.get(path, headers={"If-None-Match": post.tag}), "", 0, get),
        ("a missing post", lambda: context.get(missing), read, 0, ["GET", f"post:{NOBODY}"]),
        ("the first page on a miss", lambda: context.get("/api/posts"), page, 21, first, ["SET", first[1], "EX", "5"]),
        ("the first page on a hit", lambda: context.get("/api/posts?limit=20"), "", 0, first),
        *pages,
        *pages,
        ("a creation", lambda: context.post("/api/posts", _CONTENT, token=token), create, 1),
        ("an update", lambda: context.put(path, _CONTENT, token=token), update, 1, ["DEL", key]),
        ("a deletion", lambda: context.delete(path, token=token), delete, 1, ["DEL", key]),
    )


@check("database", "redis", attempts=3)
def refused_requests_ask_nothing(context: Context) -> None:
    """No statement and no command for what is refused before; at most two statements, to say why, for a write."""
    alice, bob, post = context.alice, context.bob, context.new_post()
    path, missing = f"/api/posts/{post.id}", f"/api/posts/{NOBODY}"
    # Its INSERT fails, which isn't counted; a question before it would be.
    taken = {"username": alice.username, "email": alice.email, "password": alice.password}
    _expect_work(
        context,
        ("a registration of a taken name", lambda: context.post("/api/users", taken), "", 0),
        ("an unknown path", lambda: context.get("/api/nothing"), "", 0),
        ("no token", lambda: context.get("/api/users/me"), "", 0),
        ("a bad token", lambda: context.post("/api/posts", _CONTENT, token=alice.token[:-5]), "", 0),
        ("a missing field", lambda: context.post("/api/posts", {"title": "t"}, token=alice.token), "", 0),
        ("a bad registration", lambda: context.post("/api/users", {}), "", 0),
        ("a bad limit", lambda: context.get("/api/posts?limit=0"), "", 0),
        ("an upload of text", lambda: context.upload(Part(b"text")), "", 0),
        ("an id that isn't a number", lambda: context.get("/api/posts/x"), "", 0),
        ("a body that isn't JSON", lambda: context.send_json("PUT", path, b"x", token=alice.token), "", 0),
    )
    writes: dict[str, Request] = {
        "an update of a missing post": lambda: context.put(missing, _CONTENT, token=alice.token),
        "another's update": lambda: context.put(path, _CONTENT, token=bob.token),
        "a deletion of a missing post": lambda: context.delete(missing, token=alice.token),
        "another's deletion": lambda: context.delete(path, token=bob.token),
    }
    for what, request in writes.items():
        ran, commands = work_of(context, request, calls={1, 2})
        expect.that(sum(one.calls for one in ran) in {1, 2}, f"Statements for {what}: expected 1 or 2, saw {ran}.")
        expect.equal(commands, [], f"commands to Redis for {what}")


@check("database", attempts=3)
def statements_are_prepared_once_for_each_connection(context: Context) -> None:
    """A statement is planned for the first values that a connection sees, which are parameters, and then no more."""
    # Not a page: where its limit is a value, PostgreSQL expects much more of a plan for all values, and plans for each.
    headers = {"Authorization": f"Bearer {context.alice.token}", "Content-Type": "application/json"}
    content = json.dumps(_CONTENT).encode()
    lines = {
        "a user": f"GET /api/users/{context.alice.id}",
        "a missing post": f"GET /api/posts/{NOBODY}",
        "a creation": "POST /api/posts",
        "an update": f"PUT /api/posts/{context.new_post().id}",
        "a missing file": f"GET /api/files/{NOBODY}",
    }

    def ask(line: str, count: int) -> None:
        octets = request_octets(line, headers=headers, body=b"" if line.startswith("GET ") else content)
        with context.connect() as wire:
            for _ in range(count):
                wire.send_if_open(octets)
                wire.require_answer(line)

    most = _PLANS_OF_A_PREPARED_STATEMENT * context.target.pool_size
    # More than there are connections, so that each is used: a few clients may always be given the same few.
    clients = 2 * context.target.pool_size
    plans = "SELECT sum(plans)::bigint FROM pg_stat_statements WHERE toplevel AND query NOT LIKE '%%pg_stat_%%'"
    context.database.execute("ALTER SYSTEM SET pg_stat_statements.track_planning = on")
    try:
        context.database.execute("SELECT pg_reload_conf()")
        for what, line in lines.items():
            [(before,)] = context.database.execute(plans).fetchall()
            with ThreadPoolExecutor(clients) as pool:
                for asked in [pool.submit(ask, line, 2 * most // clients) for _ in range(clients)]:
                    asked.result()
            [(after,)] = context.database.execute(plans).fetchall()
            expect.that(after - before <= most, f"Plans of {what}: expected {most} or fewer, saw {after - before}.")
    finally:
        context.database.execute("ALTER SYSTEM RESET pg_stat_statements.track_planning")
        context.database.execute("SELECT pg_reload_conf()")


def _many(context: Context, path: str, *statuses: int) -> set[int]:
    """Ask for a user four times on each of many connections at once; the statuses, which must be among those given."""
    line, octets = f"GET {path}", request_octets(f"GET {path}")

    def ask(_: int) -> int:
        with context.connect() as wire:
            for _ in range(4):
                wire.send_if_open(octets)
                answer = wire.require_answer(line)
                if answer.status != 200:
                    # The server may close the connection then.
                    expect.problem(answer, *statuses)
                    return answer.status
                expect.json(answer, 200, User)
        return 200

    with ThreadPoolExecutor(context.target.pool_size) as pool:
        return set(pool.map(ask, range(context.target.pool_size)))


def _until_well(context: Context, path: str, *statuses: int) -> None:
    """Ask until all of many requests are answered with 200; until then they may also get one of the statuses."""
    since = time.monotonic()
    while (seen := _many(context, path, 200, 503, *statuses)) != {200}:
        seconds = time.monotonic() - since
        expect.that(seconds < 5, f"Expected all well within 5 s, saw {seen} after {seconds:.1f} s.")
    _many(context, path, 200)


@check("database", attempts=3)
def connections_are_kept(context: Context) -> None:
    """Many requests, with pauses, are seen on no more new sessions than the pool has connections."""
    [(since,)] = context.database.execute("SELECT now()").fetchall()
    sessions = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_start > %s"
    seen: set[tuple[int]] = set()
    with ThreadPoolExecutor(1) as beside:
        for _ in range(4):
            asked = beside.submit(_many, context, f"/api/users/{context.alice.id}", 200)
            while not asked.done():
                seen.update(context.database.execute(sessions, (since,)).fetchall())
                time.sleep(0.01)
            asked.result()
    most = context.target.pool_size
    expect.that(len(seen) <= most, f"New sessions of many requests: expected {most} or fewer, saw {len(seen)}.")


@check("database", attempts=3)
def ended_sessions_are_replaced(context: Context) -> None:
    """When PostgreSQL ended all sessions, requests are answered with 200 or 503, and within 5 s all with 200."""
    path = f"/api/users/{context.alice.id}"
    _many(context, path, 200)
    end_sessions(context)
    _until_well(context, path)
    ended = while_waiting(context, lambda: context.get(path), lambda _, __: end_sessions(context))
    expect.status(ended, 200, 503)
    _until_well(context, path)


@check("database", attempts=3)
def plans_that_a_migration_made_invalid_are_replaced(context: Context) -> None:
    """After a column got another type, and got its own back, requests are answered with 200 again within 5 s."""
    path = f"/api/users/{context.alice.id}"
    _many(context, path, 200)
    try:
        context.database.execute("ALTER TABLE users ALTER COLUMN username TYPE varchar(64)")
        _until_well(context, path, 500)
    finally:
        context.database.execute("ALTER TABLE users ALTER COLUMN username TYPE text")
        context.database.execute("ANALYZE users")
    _until_well(context, path, 500)


@check("database", attempts=3)
def a_full_pool_gives_503_within_three_seconds(context: Context) -> None:
    """With all of the pool's connections in use, further requests get 503, and `/healthz` is answered at once."""
    size, path = context.target.pool_size, f"/api/users/{context.alice.id}"

    def timed(_: int) -> float:
        start = time.monotonic()
        expect.problem(context.get(path), 503)
        return time.monotonic() - start

    with ThreadPoolExecutor(size + 8) as pool:
        with locked_tables(context) as waiting:
            first = [pool.submit(context.get, path) for _ in range(size)]
            waiting(size)
            beyond = [pool.submit(timed, number) for number in range(8)]
            start = time.monotonic()
            expect.status(context.get("/healthz"), 200)
            expect.that(time.monotonic() - start < 1, "/healthz: expected an answer at once while the pool is full.")
            # Before the first statement times out, after which its connection is replaced.
            time.sleep(0.5)
            expect.equal(len(waiting(size)), size, "sessions of a pool that is full")
            slowest = max(one.result() for one in beyond)
        for one in first:
            expect.status(one.result(), 200, 503)
    expect.that(slowest < 3, f"A request beyond the pool: expected 503 within 3 s, saw it after {slowest:.2f} s.")
    _until_well(context, path)
