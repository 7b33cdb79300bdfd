"""What checks put into PostgreSQL for a moment, to see from inside what the API has it do."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime
from typing import LiteralString

from apis.contract.checks.context import Context

_SLOW_COMMITS: LiteralString = """
    CREATE FUNCTION fairground_checks.wait() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(TG_ARGV[0]::float); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER fairground_checks_wait AFTER UPDATE OR DELETE ON posts
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fairground_checks.wait(0.4);
"""

_TIMES: LiteralString = """
    CREATE TABLE fairground_checks.times (relation text, operation text, id bigint, at timestamptz(3));
    CREATE FUNCTION fairground_checks.record() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN
            INSERT INTO fairground_checks.times VALUES (TG_TABLE_NAME, TG_OP, NEW.id, now());
            RETURN NULL;
        END $$;
    CREATE TRIGGER fairground_checks_record AFTER INSERT ON users
        FOR EACH ROW EXECUTE FUNCTION fairground_checks.record();
    CREATE TRIGGER fairground_checks_record AFTER INSERT OR UPDATE ON posts
        FOR EACH ROW EXECUTE FUNCTION fairground_checks.record();
    CREATE TRIGGER fairground_checks_record AFTER INSERT ON files
        FOR EACH ROW EXECUTE FUNCTION fairground_checks.record();
"""

_WRITTEN: LiteralString = """
    SELECT at FROM fairground_checks.times WHERE relation = %s AND operation = %s AND id = %s ORDER BY at LIMIT 1
"""

_END_OTHER_SESSIONS: LiteralString = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""

_OTHER_SESSIONS: LiteralString = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""

_PLANS: LiteralString = """
    SELECT coalesce(sum(statements.plans), 0)::bigint
    FROM pg_stat_statements AS statements
    JOIN pg_database ON pg_database.oid = statements.dbid
    WHERE pg_database.datname = current_database() AND statements.toplevel
      AND statements.query NOT LIKE '%pg_stat_%'
"""


@contextmanager
def slow_commits(context: Context) -> Generator[None]:
    """Have each commit that updates or deletes a post take 0.4 s while the context is open."""
    with _installed(context, _SLOW_COMMITS):
        yield


@contextmanager
def times_written(context: Context) -> Generator[Callable[[str, str, int], datetime | None]]:
    """Have PostgreSQL record `now()` of each transaction that writes a row while the context is open.

    Returns:
        A context manager that yields a function: from a table, `INSERT` or `UPDATE`, and a row's id to that time.
    """

    def written(relation: str, operation: str, identifier: int) -> datetime | None:
        row = context.database.execute(_WRITTEN, (relation, operation, identifier)).fetchone()
        return None if row is None else row[0]

    with _installed(context, _TIMES):
        yield written


@contextmanager
def plans_counted(context: Context) -> Generator[None]:
    """Have PostgreSQL count the plans that it makes in all sessions that begin while the context is open."""
    with _installed(context, "ALTER ROLE CURRENT_USER SET pg_stat_statements.track_planning = on"):
        end_other_sessions(context)
        yield


def plans_of(context: Context, action: Callable[[], object]) -> int:
    """How many plans PostgreSQL made for an action."""
    before = _number(context, _PLANS)
    action()
    return _number(context, _PLANS) - before


def count_sessions(context: Context) -> int:
    """How many sessions the database has beside the checks' own."""
    return _number(context, _OTHER_SESSIONS)


def end_other_sessions(context: Context) -> None:
    """End all sessions of the database but the checks' own."""
    context.database.execute(_END_OTHER_SESSIONS)


def _number(context: Context, query: LiteralString) -> int:
    row = context.database.execute(query).fetchone()
    return 0 if row is None else int(row[0])


@contextmanager
def _installed(context: Context, statements: LiteralString) -> Generator[None]:
    """Create something in a schema of the checks' own, or set something for the role.

    Both go at the end, and before that goes what a killed check left.
    """
    _remove(context)
    context.database.execute("CREATE SCHEMA fairground_checks")
    try:
        context.database.execute(statements)
        yield
    finally:
        _remove(context)


def _remove(context: Context) -> None:
    context.database.execute("SET client_min_messages = warning")
    context.database.execute("DROP SCHEMA IF EXISTS fairground_checks CASCADE")
    context.database.execute("ALTER ROLE CURRENT_USER RESET pg_stat_statements.track_planning")
