"""Waiting for a service that is starting."""

import http.client
import logging
from collections.abc import Sequence

from tenacity import Retrying, before_sleep_log, retry_if_exception_type, stop_before_delay, wait_fixed

from documents.errors import HostError, RemoteCommandError
from documents.lab import ApiService, Inventory, PostgresService, RedisService
from provision.containers import control
from provision.ssh import Connection

_logger = logging.getLogger(__name__)

_ASK_SECONDS = 20


def wait_for_services(connection: Connection, inventory: Inventory) -> None:
    """Wait until PostgreSQL, Redis and every API answer.

    Raises:
        HostError: one of them doesn't; says which, why it ended and what it wrote last.
    """
    wait_for_postgres(connection, inventory.postgres)
    _require_running(connection, "redis", inventory.redis.container)
    wait_for_redis(connection, inventory.redis)
    for api in inventory.apis:
        wait_for_api(connection, api, inventory.api_address)


def wait_for_api(connection: Connection, api: ApiService, address: str, *, deadline_seconds: float = 60) -> None:
    """Wait until an API answers `GET /healthz` at an address of the host; one that has ended is an error at once.

    Docker restarts a container that ends at its start, and reports no failure.

    Raises:
        HostError: its container doesn't run, or it gave no answer by the deadline.
    """
    retrying = Retrying(
        retry=retry_if_exception_type((OSError, http.client.HTTPException)),
        stop=stop_before_delay(deadline_seconds),
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
                f"{deadline_seconds:g} s ({error or type(error).__name__}). Look at its log: `lab logs {api.name}`."
            ) from error


def _require_running(connection: Connection, name: str, container: str) -> None:
    status, exit_status = control.state(connection, container)
    if status != "running":
        last = (control.logs(connection, container, lines=1).strip() or "nothing").rstrip(".")
        raise HostError(
            f"{name} on {connection} doesn't run: its container ended with the status {exit_status}. The last that it "
            f"wrote: {last}. Fix that and run `lab up`; `lab logs {name}` shows more."
        )


def wait_for_postgres(connection: Connection, postgres: PostgresService, *, deadline_seconds: float = 120) -> None:
    """Wait until PostgreSQL takes connections over TCP; its first start creates its cluster before.

    During that, a server answers on the local socket only, so the check uses TCP.

    Raises:
        HostError: it didn't by the deadline.
    """
    command = ["pg_isready", "--host=127.0.0.1", f"--port={postgres.port}"]
    try:
        _repeat(connection, postgres.container, command, deadline_seconds)
    except RemoteCommandError as error:
        raise HostError(
            f"PostgreSQL on {connection} took no connection within {deadline_seconds:g} s: {error} "
            "Look at its log: `lab logs postgres`."
        ) from error


def wait_for_redis(connection: Connection, redis: RedisService, *, deadline_seconds: float = 60) -> None:
    """Wait until Redis answers, if only that it wants a password.

    Raises:
        HostError: it didn't by the deadline.
    """
    try:
        _repeat(connection, redis.container, ["redis-cli", "-p", str(redis.port), "PING"], deadline_seconds)
    except RemoteCommandError as error:
        raise HostError(
            f"Redis on {connection} gave no answer within {deadline_seconds:g} s: {error} "
            "Look at its log: `lab logs redis`."
        ) from error


def _repeat(connection: Connection, container: str, command: Sequence[str], deadline_seconds: float) -> None:
    """Repeat a command in a container until it succeeds; the container, or its engine, may not run yet."""
    retrying = Retrying(
        retry=retry_if_exception_type(RemoteCommandError),
        stop=stop_before_delay(deadline_seconds),
        wait=wait_fixed(0.25),
        before_sleep=before_sleep_log(_logger, logging.INFO),
        reraise=True,
    )
    retrying(control.execute, connection, container, command, deadline_seconds=_ASK_SECONDS)
