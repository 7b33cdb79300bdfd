"""The contract's checks against an API of the lab."""

from collections.abc import Collection, Generator, Iterable
from contextlib import ExitStack, contextmanager

from apis.contract.checks import CheckResult, Target, run_checks
from documents.inventory import LOOPBACK, ApiService, Inventory, Secrets
from experiment.readiness import wait_until_ready
from provision.connection import Connection
from provision.database import reset
from provision.statements import count_statements

_READY_SECONDS = 20


def verify_api(
    connection: Connection,
    inventory: Inventory,
    secrets: Secrets,
    service: ApiService,
    only: Collection[str] | None = None,
) -> list[CheckResult]:
    """Run the checks against one API and put the database back to its seeded state afterwards.

    Args:
        connection: to the host.
        inventory: the lab.
        secrets: its secrets.
        service: the API.
        only: names of checks or of groups of checks; all unless told.

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
    """APIs of the lab, by name, and its services as the checks reach them, through tunnels, with statements counted.

    At the end the database is as it was seeded, and statements are no longer counted. Whatever reset the database last
    ended the APIs' connections to it, and one may notice that at their next use only: each is asked whether it is ready
    until it is.

    Raises:
        HostError: the host or one of its services can't be reached.
    """
    postgres, redis = inventory.postgres, inventory.redis
    with ExitStack() as stack:
        stack.callback(reset, connection, inventory)
        stack.enter_context(count_statements(connection, inventory))

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
                pool_size=int(service.environment.get("DB_POOL_SIZE", "32")),
            )
            for service in services
        }
        for target in targets.values():
            # One that doesn't become ready fails its checks.
            wait_until_ready(target.base_url, deadline_seconds=_READY_SECONDS)
        yield targets
