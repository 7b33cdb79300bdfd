"""The containers of a run's variants: created from the declared ones, switched for PostgreSQL's, and removed.

If a run is killed, its variants' containers stay. The next run then first runs the lab's own PostgreSQL again, gives
the services their CPUs, and removes these containers. So does `lab up`, which removes every container that carries the
lab's label and isn't on record, and starts those that are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TypeVar

from pydantic import TypeAdapter

from documents.lab import STACK_LABEL, VARIED_LABEL, CoreLayout, Inventory, PostgresService
from provision.payload import HOME, call
from provision.services.readiness import wait_for_postgres
from provision.services.settings import means, read_postgres
from provision.ssh import COUNT, Connection

_Answer = TypeVar("_Answer")

LOCK = f"{HOME}/variants.lock"
"""The lock file on the host that makes requests wait for each other."""

_DEADLINE_SECONDS = 300
"""For one whole request; PostgreSQL may take 30 s to end."""


@dataclass(frozen=True)
class VariantContainer:
    """A container to create: its name, the declared one that it is copied from, and its differences.

    `settings` are those of PostgreSQL's server, empty for an API. `cpus` is a list such as ``0,1``.
    """

    name: str
    of: str
    cpus: str
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    settings: Mapping[str, str] = field(default_factory=dict[str, str])


def make(connection: Connection, wanted: Sequence[VariantContainer]) -> None:
    """Create copies of the declared containers with the given differences; none is started.

    Raises:
        HostError: a declared one is missing, a container of that name exists, or the engine refuses.
    """
    request = {"action": "make", "label": VARIED_LABEL, "containers": [asdict(one) for one in wanted]}
    _call(connection, request, COUNT, what="the number of containers that it made")


def switch_postgres(connection: Connection, postgres: PostgresService, instead_of: Sequence[str]) -> None:
    """Run one PostgreSQL instead of others over the same data, and wait until it takes connections.

    If it runs already, it is restarted.

    Raises:
        HostError: another one doesn't end, or this one doesn't start; says what it wrote last.
    """
    stopped = sorted({*instead_of, postgres.container})
    request = {"action": "switch", "stop": stopped, "start": postgres.container}
    _call(connection, request, COUNT, what="the number of containers that it started")
    wait_for_postgres(
        connection,
        postgres,
        remedy=f"Fix the variant's settings; `docker logs {postgres.container}` on the host shows more.",
    )


def set_container_cpus(connection: Connection, cpus: Mapping[str, str]) -> bool:
    """Give containers CPUs, by their names; returns whether one had others.

    Raises:
        HostError: a container is missing, or the host lacks a CPU.
    """
    request = {"action": "confine", "cpus": dict(cpus)}
    return _call(connection, request, COUNT, what="the number of containers that have other CPUs now") > 0


def remove(connection: Connection, inventory: Inventory) -> bool:
    """Remove the containers of all variants, and run the lab's own PostgreSQL and Redis on their own CPUs.

    Without any variant nothing is changed.

    Returns:
        Whether there was any.

    Raises:
        HostError: the engine refuses, or PostgreSQL doesn't start.
    """
    request = {
        "action": "remove",
        "labels": [f"{STACK_LABEL}={inventory.stack}", VARIED_LABEL],
        "cpus": cpus_of_services(inventory.postgres, inventory, inventory.cores),
        "start": inventory.postgres.container,
    }
    if not _call(connection, request, tuple[str, ...], what="the containers that it removed"):
        return False
    wait_for_postgres(connection, inventory.postgres)
    return True


def cpus_of_services(postgres: PostgresService, inventory: Inventory, layout: CoreLayout) -> dict[str, str]:
    """The CPUs of PostgreSQL's and of Redis's container under a layout."""
    services = inventory.model_copy(update={"postgres": postgres}).services
    return {service.container: layout.cpu_list(name) for name, service in services.items()}


def wrong_settings(connection: Connection, postgres: PostgresService) -> list[str]:
    """The settings in which the running PostgreSQL differs from what it should have, a sentence for each.

    Raises:
        HostError: it doesn't answer.
    """
    state = read_postgres(connection, postgres)
    found: list[str] = []
    for name, wanted in sorted(postgres.settings.items()):
        setting = state.settings.get(name)
        if setting is None:
            found.append(f"PostgreSQL knows no setting {name}.")
        elif not means(wanted, setting):
            found.append(f"PostgreSQL's {name} is {setting.shown} instead of {wanted}.")
    found += [
        f"PostgreSQL's {one.name} is {one.value} for a role or a database of its own."
        for one in state.overrides
        if one.name in postgres.settings
    ]
    return found


def _call(
    connection: Connection, request: Mapping[str, object], answer: type[_Answer] | TypeAdapter[_Answer], *, what: str
) -> _Answer:
    return call(
        connection,
        "variants",
        {**request, "lock": LOCK},
        answer,
        what=what,
        failure=f"The containers of variants on {connection} can't be made, changed or removed",
        remedy="Run `lab up`, which also removes what a run left of them.",
        deadline_seconds=_DEADLINE_SECONDS,
    )
