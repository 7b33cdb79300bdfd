"""Instruments behind the API: what PostgreSQL ran and waits for, and what Redis was asked."""

import re
import secrets
import time
from collections.abc import Callable, Collection, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, LiteralString, NamedTuple, cast

from apis.contract.checks import expect
from apis.contract.checks.context import Context
from apis.contract.checks.wire import Answer

_SETTLED = 1.0
"""Seconds within which PostgreSQL's statistics have a statement after its answer was seen: a driver may answer
between a statement's completion and the end of its portal, at which it is counted."""

_TABLES = ["users", "posts", "files"]
_COLUMN = re.compile(
    r"\*|\b(?:id|username|email|password_hash|created_at|author_id|title|body|version|updated_at|owner_id|filename"
    r"|content_type|size|sha256|storage_name)\b"
)
_CLAUSES = {
    "read": r"^select\b(.*?)\bfrom\b",
    "inserted": r"\binto\s+\w+\s*\((.*?)\)",
    "set": r"\bset\b(.*?)(?:\bwhere\b|$)",
    "where": r"\bwhere\b(.*?)(?:\breturning\b|\border by\b|\blimit\b|$)",
    "returned": r"\breturning\b(.*)$",
    "the database's time": r"\bupdated_at\s*=\s*(now\(\)|current_timestamp)",
}

# A pool's pings name no table: they are the library's own cost.
_STATEMENTS: LiteralString = r"""
    SELECT query, calls, rows FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid
    WHERE datname = current_database() AND toplevel
      AND query ~* '\m(from|into|update)\M' AND query NOT LIKE '%pg_stat_statements%'
"""

_SLOW_COMMITS: LiteralString = """
    CREATE FUNCTION fairground_checks_wait() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(0.6); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER fairground_checks_wait AFTER UPDATE OR DELETE ON posts
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fairground_checks_wait();
"""

_END_SESSIONS: LiteralString = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""

_HANDSHAKE = frozenset({"AUTH", "CLIENT", "COMMAND", "HELLO", "PING", "SELECT"})
"""What a client library sends on a connection of its own accord."""


class Statement(NamedTuple):
    """A statement that PostgreSQL ran: its text with `$1` for each value, and how often and on how many rows."""

    text: str
    calls: int
    rows: int


def work_of(
    context: Context, action: Callable[[], object], *, calls: Collection[int]
) -> tuple[list[Statement], list[list[str]]]:
    """The statements and the commands to Redis of an action, without what libraries send of their own accord.

    One of the numbers of `calls` is waited for, and then a moment for one too many; if it never comes, what there is
    after a second is returned. Statements that fail aren't counted.
    """
    context.database.execute("SELECT pg_stat_statements_reset()")
    commands = _commands_of(context, action)
    deadline = time.monotonic() + _SETTLED
    while sum(one.calls for one in _ran(context)) not in calls and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    return _ran(context), commands


def outline(text: str) -> dict[str, set[str]]:
    """A statement's verb, its tables, and the columns of each of its clauses."""
    sql = text.replace('"', "").lower().strip()
    clauses = {name: re.search(pattern, sql, re.DOTALL) for name, pattern in _CLAUSES.items()}
    columns = {name: set(_COLUMN.findall(match[1])) for name, match in clauses.items() if match}
    return {"verb": {sql.split()[0]}, "tables": {name for name in _TABLES if re.search(rf"\b{name}\b", sql)}, **columns}


def end_sessions(context: Context) -> None:
    """End all sessions of the database but the checks' own."""
    context.database.execute(_END_SESSIONS)


@contextmanager
def slow_commits(context: Context) -> Generator[None]:
    """Have each commit that updates or deletes a post take 0.6 s while the context is open."""
    remove = "DROP FUNCTION IF EXISTS fairground_checks_wait CASCADE"
    # What a killed check left.
    context.database.execute(remove)
    context.database.execute(_SLOW_COMMITS)
    try:
        yield
    finally:
        context.database.execute(remove)


@contextmanager
def locked_tables(context: Context) -> Generator[Callable[[int], list[int]]]:
    """Lock all tables; yields a function that waits until so many sessions wait for them, and gives their pids."""
    # Unlike `pg_stat_activity`, `pg_locks` isn't cached for the length of a transaction.
    query = "SELECT DISTINCT pid FROM pg_locks WHERE relation = ANY(%s::regclass[]) AND NOT granted"

    def waiting(count: int) -> list[int]:
        deadline = time.monotonic() + 4
        found: list[int] = []
        while len(found) < count:
            expect.that(time.monotonic() < deadline, f"Sessions that wait for a table: expected {count}, saw {found}.")
            time.sleep(0.01)
            found = [int(row[0]) for row in context.database.execute(query, (_TABLES,)).fetchall()]
        return found

    with context.database.transaction():
        context.database.execute("LOCK TABLE users, posts, files IN ACCESS EXCLUSIVE MODE")
        yield waiting


def while_waiting(
    context: Context, request: Callable[[], Answer], act: Callable[[int, Future[Answer]], object]
) -> Answer:
    """Send a request, act on the session whose statement waits for locked tables, unlock them; gives the answer."""
    with ThreadPoolExecutor(1) as pool:
        with locked_tables(context) as waiting:
            answer = pool.submit(request)
            act(waiting(1)[0], answer)
        return answer.result()


def _commands_of(context: Context, action: Callable[[], object]) -> list[list[str]]:
    mark, commands = secrets.token_hex(8), list[list[str]]()
    with context.redis.monitor() as monitor:  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        action()
        context.redis.echo(mark)  # pyright: ignore[reportUnknownMemberType]
        for event in cast("Iterator[dict[str, Any]]", monitor.listen()):  # pyright: ignore[reportUnknownMemberType]
            name, *words = str(event["command"]).split(" ")
            if words == [mark]:
                break
            if name.upper() == "SET":
                # Without the value, which is compared with the answer elsewhere.
                words = [words[0], *(option.upper() for option in words[-2:])]
            if name.upper() not in _HANDSHAKE:
                commands.append([name.upper(), *words])
    return commands


def _ran(context: Context) -> list[Statement]:
    return [Statement(*row) for row in context.database.execute(_STATEMENTS).fetchall()]
