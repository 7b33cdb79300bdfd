"""Waiting for a service that is starting."""

import logging

from tenacity import Retrying, before_sleep_log, retry_if_exception_type, stop_before_delay, wait_fixed

from documents.errors import HostError, RemoteCommandError
from documents.inventory import PostgresService
from provision.connection import Connection

_logger = logging.getLogger(__name__)

_ASK_SECONDS = 20


def wait_for_postgres(connection: Connection, postgres: PostgresService, *, deadline_seconds: float = 120) -> None:
    """Wait until PostgreSQL takes connections over TCP; a first start makes its cluster before it does.

    While the cluster is made a server answers on the local socket alone, so that one isn't asked.

    Raises:
        HostError: it didn't by the deadline.
    """
    retrying = Retrying(
        retry=retry_if_exception_type(RemoteCommandError),
        stop=stop_before_delay(deadline_seconds),
        wait=wait_fixed(0.25),
        before_sleep=before_sleep_log(_logger, logging.INFO),
        reraise=True,
    )
    command = ["docker", "exec", postgres.container, "pg_isready", "--host=127.0.0.1", f"--port={postgres.port}"]
    try:
        retrying(connection.run, command, deadline_seconds=_ASK_SECONDS)
    except RemoteCommandError as error:
        raise HostError(
            f"PostgreSQL on {connection} took no connection within {deadline_seconds:g} s: {error} "
            "Look at its log: `lab logs postgres`."
        ) from error
