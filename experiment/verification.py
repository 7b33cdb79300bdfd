"""The contract's checks against an API of the lab."""

from collections.abc import Collection, Generator
from contextlib import ExitStack, contextmanager

from apis.contract.checks import CheckResult, Target, run_checks
from documents.inventory import ApiService, Inventory, Secrets
from provision.connection import Connection
from provision.database import reset
from provision.statements import count_statements


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
    with reach_api(connection, inventory, secrets, service) as target:
        return run_checks(target, only)


@contextmanager
def reach_api(connection: Connection, inventory: Inventory, secrets: Secrets, service: ApiService) -> Generator[Target]:
    """An API of the lab and its services as the checks reach them, through tunnels, with its statements counted.

    At the end the database is as it was seeded, and statements are no longer counted.

    Raises:
        HostError: the host or one of its services can't be reached.
    """
    postgres, redis = inventory.postgres, inventory.redis
    with ExitStack() as stack:
        stack.callback(reset, connection, inventory)
        stack.enter_context(count_statements(connection, inventory))
        api_port, postgres_port, redis_port = (
            stack.enter_context(connection.forward(port)) for port in (service.port, postgres.port, redis.port)
        )
        yield Target(
            name=service.name,
            base_url=f"http://127.0.0.1:{api_port}",
            jwt_secret=secrets.jwt_secret,
            database_url=(
                f"postgres://{postgres.user}:{secrets.postgres_password}@127.0.0.1:{postgres_port}/{postgres.database}"
            ),
            redis_url=f"redis://:{secrets.redis_password}@127.0.0.1:{redis_port}/0",
            pool_size=int(service.environment.get("DB_POOL_SIZE", "32")),
        )
