"""Wait until an API of the lab is ready, and run the contract's checks against it."""

from collections.abc import Collection, Generator, Iterable
from contextlib import ExitStack, contextmanager
from itertools import islice

import httpx
from tenacity import RetryError, Retrying, retry_if_result, stop_before_delay, wait_fixed

from apis.contract.checks import CheckResult, Target, run_checks
from documents.lab import LOOPBACK, POOL_SIZE, ApiService, Inventory, Secrets
from provision.services import count_statements, reset
from provision.ssh import Connection, checkpoint

CHECK_READY_SECONDS = 20
"""How long a started API may take to be ready for its checks."""

_PERIOD_SECONDS = 0.02
_ANSWER_SECONDS = 2
_MOST_CHUNKS = 2
"""How much of an answer is read: one chunk and the end of the body, so that a body without an end isn't waited for."""


def wait_until_ready(base_url: str, *, deadline_seconds: float = CHECK_READY_SECONDS) -> str | None:
    """Ask `/readyz` until it is answered with 200.

    Returns:
        None when it is ready, else its last answer in words.
    """
    seen = ""

    def look(client: httpx.Client) -> bool:
        nonlocal seen
        try:
            with checkpoint(), client.stream("GET", "/readyz") as answer:
                body = b"".join(islice(answer.iter_bytes(), _MOST_CHUNKS))
        except httpx.HTTPError as error:
            seen = f"GET /readyz wasn't answered ({type(error).__name__}: {error})."
            return False
        seen = f"GET /readyz was answered with {answer.status_code}: {body.decode(errors='replace')[:200]}"
        return answer.status_code == 200

    retrying = Retrying(
        retry=retry_if_result(lambda ready: not ready),
        stop=stop_before_delay(deadline_seconds),
        wait=wait_fixed(_PERIOD_SECONDS),
    )
    with httpx.Client(base_url=base_url, timeout=_ANSWER_SECONDS, trust_env=False) as client:
        try:
            retrying(look, client)
        except RetryError:
            return seen
    return None


def verify_api(
    connection: Connection,
    inventory: Inventory,
    secrets: Secrets,
    service: ApiService,
    only: Collection[str] | None = None,
) -> list[CheckResult]:
    """Run the checks against one API, then reset the database to its seed.

    `only` has names of checks or of groups of checks; all run unless given.

    Raises:
        HostError: the host or one of its services can't be reached.
        ValueError: `only` names neither a check nor a group.
    """
    with reach_apis(connection, inventory, secrets, [service]) as targets:
        return run_checks(targets[service.name], only)


@contextmanager
def reach_apis(
    connection: Connection, inventory: Inventory, secrets: Secrets, services: Iterable[ApiService]
) -> Generator[dict[str, Target]]:
    """The targets of the checks, by API name: APIs and services through tunnels, with statements counted.

    At the end the database is reset to its seed, and statements are no longer counted. A reset ends the APIs'
    connections to the database, which an API may notice only at their next use, so each is first asked until it is
    ready.

    Raises:
        HostError: the host or one of its services can't be reached.
    """
    postgres, redis = inventory.postgres, inventory.redis
    with ExitStack() as stack:
        stack.callback(reset, connection, inventory)
        count_statements(connection, postgres)

        def forward(port: int, address: str = LOOPBACK) -> int:
            return stack.enter_context(connection.forward(port, address))

        login = f"{postgres.user}:{secrets.postgres_password}"
        database_url = f"postgres://{login}@127.0.0.1:{forward(postgres.port)}/{postgres.database}"
        redis_url = f"redis://:{secrets.redis_password}@127.0.0.1:{forward(redis.port)}/0"
        targets = {
            service.name: Target(
                name=service.name,
                base_url=f"http://127.0.0.1:{forward(service.port, inventory.api_address)}",
                jwt_secret=secrets.jwt_secret,
                database_url=database_url,
                redis_url=redis_url,
                pool_size=int(service.environment.get("DB_POOL_SIZE", POOL_SIZE)),
            )
            for service in services
        }
        for target in targets.values():
            # An API that doesn't become ready fails its checks.
            wait_until_ready(target.base_url)
        yield targets
