"""Counting statements: pg_stat_statements, which is off while anything is measured."""

from collections.abc import Generator
from contextlib import contextmanager

from documents.inventory import Inventory
from provision.connection import Connection
from provision.database import run_sql

# A role's setting goes before the server's, and holds from a session's start: the pools' sessions are ended, and
# the APIs open new ones.
_END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid();
"""
_ON = "ALTER ROLE CURRENT_USER SET pg_stat_statements.track = 'top';" + _END_SESSIONS
_OFF = "ALTER ROLE CURRENT_USER RESET pg_stat_statements.track;" + _END_SESSIONS

_DEADLINE_SECONDS = 30


@contextmanager
def count_statements(connection: Connection, inventory: Inventory) -> Generator[None]:
    """Have PostgreSQL count the statements of every session that begins while the context is open.

    Raises:
        HostError: PostgreSQL doesn't answer.
    """
    run_sql(connection, inventory.postgres, "postgres", _ON, deadline_seconds=_DEADLINE_SECONDS)
    try:
        yield
    finally:
        run_sql(connection, inventory.postgres, "postgres", _OFF, deadline_seconds=_DEADLINE_SECONDS)
