"""Waiting for a service that is starting."""

import http.client
import logging
from collections.abc import Sequence

from tenacity import Retrying, before_sleep_log, retry_if_exception_type, stop_before_delay, wait_fixed

from documents.errors import DeadlineExceededError, HostError, RemoteCommandError
from documents.lab import ApiService, Inventory, PostgresService, RedisService
from provision.containers import control
from provision.ssh import Connection

_logger = logging.getLogger(__name__)

_ASK_SECONDS = 20
_POSTGRES_SECONDS = 120
_REDIS_SECONDS = 60
_API_SECONDS = 60

_NO_ANSWER = (RemoteCommandError, DeadlineExceededError)
"""What asking in a container ends with if the service refuses, or says nothing."""

_LAST_LINES = 5
"""PostgreSQL and Redis write the cause of their end on one of these."""


def wait_for_lab(connection: Connection, inventory: Inventory) -> None:
    """Wait until PostgreSQL, Redis and every API answer.

    Raises:
        HostError: one of them doesn't; says which, why it ended and what it wrote last.
    """
    wait_for_postgres(connection, inventory.postgres)
    wait_for_redis(connection, inventory.redis)
    for api in inventory.apis:
        wait_for_api(connection, api, inventory.api_address)


def wait_for_api(connection: Connection, api: ApiService, address: str) -> None:
    """Wait until an API answers `GET /healthz` at an address of the host; one that has ended is an error at once.

    Docker restarts a container that ends at its start, and reports no failure.

    Raises:
        HostError: its container doesn't run, or it gave no answer by the deadline.
    """
    retrying = Retrying(
        retry=retry_if_exception_type((OSError, http.client.HTTPException)),
        stop=stop_before_delay(_API_SECONDS),
        wait=wait_fixed(0.25),
        before_sleep=before_sleep_log(_logger, logging.INFO),
        reraise=True,
    )

    def ask(port: int) -> None:
        _require_running(connection, api.name, api.container)
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=_ASK_SECONDS)
        try:
            client.request("GET", "/healthz")
            client.getresponse()
        finally:
            client.close()

    with connection.forward(api.port, address) as port:
        try:
            retrying(ask, port)
        except (OSError, http.client.HTTPException) as error:
            raise HostError(
                f"The API {api.name} on {connection} runs, but gave no answer at its port {api.port} within "
                f"{_API_SECONDS} s ({error or type(error).__name__}). Look at its log: `lab logs {api.name}`."
            ) from error


def wait_for_postgres(
    connection: Connection, postgres: PostgresService, *, may_restart: bool = False, remedy: str | None = None
) -> None:
    """Wait until PostgreSQL takes connections over TCP; one that has ended is an error at once.

    At its first start it creates its cluster, which takes seconds. During that, a server answers on the local socket
    only, so the check uses TCP.

    Args:
        connection: to the host.
        postgres: the service.
        may_restart: whether its container may be down, because Docker starts it again.
        remedy: what to do about a server that has ended, as a sentence, if it isn't the lab's own.

    Raises:
        HostError: its container doesn't run, or it took no connection by the deadline.
    """
    command = ["pg_isready", "--host=127.0.0.1", f"--port={postgres.port}"]
    try:
        _repeat(
            connection,
            "postgres",
            postgres.container,
            command,
            seconds=_POSTGRES_SECONDS,
            may_restart=may_restart,
            remedy=remedy,
        )
    except _NO_ANSWER as error:
        raise HostError(
            f"PostgreSQL on {connection} took no connection within {_POSTGRES_SECONDS} s: {error} "
            f"Look at its log: `docker logs {postgres.container}` on the host."
        ) from error


def wait_for_redis(connection: Connection, redis: RedisService, *, may_restart: bool = False) -> None:
    """Wait until Redis answers, if only that it wants a password; the arguments are those of `wait_for_postgres`.

    Raises:
        HostError: its container doesn't run, or it gave no answer by the deadline.
    """
    command = ["redis-cli", "-p", str(redis.port), "PING"]
    try:
        _repeat(connection, "redis", redis.container, command, seconds=_REDIS_SECONDS, may_restart=may_restart)
    except _NO_ANSWER as error:
        raise HostError(
            f"Redis on {connection} gave no answer within {_REDIS_SECONDS} s: {error} "
            "Look at its log: `lab logs redis`."
        ) from error


def _repeat(
    connection: Connection,
    name: str,
    container: str,
    command: Sequence[str],
    *,
    seconds: float,
    may_restart: bool,
    remedy: str | None = None,
) -> None:
    """Repeat a command in a container until it succeeds, or until the container has ended unless it may restart."""

    def ask() -> None:
        if not may_restart:
            _require_running(connection, name, container, lines=_LAST_LINES, remedy=remedy)
        control.execute(connection, container, command, deadline_seconds=_ASK_SECONDS)

    retrying = Retrying(
        retry=retry_if_exception_type(_NO_ANSWER),
        stop=stop_before_delay(seconds),
        wait=wait_fixed(0.25),
        before_sleep=before_sleep_log(_logger, logging.INFO),
        reraise=True,
    )
    retrying(ask)


def _require_running(
    connection: Connection, name: str, container: str, *, lines: int = 1, remedy: str | None = None
) -> None:
    status, exit_status = control.state(connection, container)
    if status != "running":
        last = control.logs(connection, container, lines=lines).strip().replace("\n", " / ") or "nothing"
        raise HostError(
            f"{name} on {connection} doesn't run: its container ended with the status {exit_status}. The last that it "
            f"wrote: {last.rstrip('.')}. {remedy or f'Fix that and run `lab up`; `lab logs {name}` shows more.'}"
        )
