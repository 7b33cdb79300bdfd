"""PostgreSQL: the pool, and what its failures mean to a request."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

import asyncpg

from fifth.configuration import Postgres

_WAIT_SECONDS = 2
"""How long a request waits for a connection, the making of a new one included."""

_AWAY = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
)
"""What says that PostgreSQL can't be reached, or has ended the connection."""


class Row(Protocol):
    """A row: its columns by name, and one after the other."""

    def __getitem__(self, name: str) -> Any: ...  # noqa: ANN401 - whatever a column holds
    def __iter__(self) -> Iterator[Any]: ...


class UnavailableError(Exception):
    """PostgreSQL is away, or no connection became free in time."""


class _Session(asyncpg.Connection):
    """A connection that is given back as it is: nothing that the API does leaves a trace on it."""

    def get_reset_query(self) -> str:
        """No statement at all; asyncpg's own would count as one of each request."""
        return ""


class Database:
    """The pool. Connections are made when they are needed, are kept, and aren't tested before their use."""

    def __init__(self, postgres: Postgres, size: int) -> None:
        self._pool = asyncpg.create_pool(
            host=postgres.host,
            port=postgres.port,
            user=postgres.user,
            password=postgres.password,
            database=postgres.database,
            ssl=False,
            connection_class=_Session,
            min_size=0,
            max_size=size,
            max_queries=2**62,
            max_inactive_connection_lifetime=0,
            max_cached_statement_lifetime=0,
            # A statement that is under way has no limit, and none that would end it is sent.
            command_timeout=None,
        )

    async def open(self) -> None:
        """Begin to serve; PostgreSQL need not be there."""
        await self._pool

    async def row(self, statement: str, *values: Any) -> Row | None:  # noqa: ANN401 - whatever a column takes
        """The first row of a statement's result.

        Raises:
            UnavailableError: PostgreSQL is away.
        """
        async with self._session() as session:
            row: Row | None = await session.fetchrow(statement, *values)
            return row

    async def rows(self, statement: str, *values: Any) -> list[Row]:  # noqa: ANN401 - whatever a column takes
        """All rows of a statement's result.

        Raises:
            UnavailableError: PostgreSQL is away.
        """
        async with self._session() as session:
            rows: list[Row] = await session.fetch(statement, *values)
            return rows

    def close(self) -> None:
        """End all connections, whatever is under way on them."""
        self._pool.terminate()

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[_Session]:
        try:
            session = await self._pool.acquire(timeout=_WAIT_SECONDS)
        except (*_AWAY, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresError) as error:
            raise UnavailableError(f"no connection to PostgreSQL ({cause_of(error)})") from error
        try:
            yield session
        except _AWAY as error:
            raise UnavailableError(f"PostgreSQL ended the connection ({cause_of(error)})") from error
        except asyncpg.InternalClientError as error:
            # So asyncpg fails where PostgreSQL's last words have come, and the connection's end has not.
            session.terminate()
            raise UnavailableError(f"the connection to PostgreSQL was dead ({cause_of(error)})") from error
        except asyncpg.InterfaceError as error:
            if not session.is_closed():
                raise
            raise UnavailableError(f"the connection to PostgreSQL was dead ({cause_of(error)})") from error
        finally:
            await self._pool.release(session)


def cause_of(error: BaseException) -> str:
    """An error for the log. What PostgreSQL tells in detail has values of the request, and is left out."""
    text = error.args[0] if isinstance(error, asyncpg.PostgresError) and error.args else error
    return f"{type(error).__name__}: {text}".rstrip(": ")
