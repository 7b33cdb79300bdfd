"""The record against what is really there: a host that was stopped or lost, and containers that nobody recorded.

Pulumi looks at the real things only in a refresh, which asks the engine on the host: with the host away it fails.
"""

from collections.abc import Collection

from documents.errors import HostAuthenticationError, HostError, HostKeyError, LabError
from documents.host import Host
from documents.labels import STACK_LABEL
from lab.lifecycle.engine import Engine, Progress
from lab.lifecycle.leftovers import find_labelled, remove_labelled, run_docker
from lab.lifecycle.state import State
from provision.connection import Connection, connect
from provision.preparation import wait_for_engine

_BOOT_SECONDS = 60
_DEADLINE_SECONDS = 60


def reconcile(engine: Engine, state: State, *, killed: bool, progress: Progress) -> bool:
    """Bring the record and what is really there together as far as a refresh can't; whether it has to do the rest.

    A stopped host or container is started, and a host that is gone is forgotten with all that was on it. After an
    engine was `killed`, containers with the stack's label that aren't on record are its own, which it didn't come to
    record, and are removed: their names would stand in the way. Else they are somebody else's.

    Raises:
        LabError: a lab of that name stands that isn't on record here, the Docker engine doesn't answer, or the host
            is there but can't be used; says why.
    """
    recorded = {resource.id for resource in state.resources}
    containers = {thing.id: thing for thing in find_labelled(engine.stack) if thing.kind == "container"}
    for identity in containers.keys() - recorded:
        if not killed:
            raise LabError(
                f"The {containers[identity]} is of a lab {engine.stack} that isn't on record here: another checkout's "
                "maybe. Take that down from there, or whatever it is by `lab down` from here, or choose another name."
            )
        remove_labelled(containers[identity])
    if state.host is None or state.host_id is None:
        return False
    if state.host.kind != "container":
        # Whether it is still there, only its cloud knows: a machine that was forgotten would go on costing money.
        return False
    if state.host_id not in containers:
        forget_host(engine, state)
        return False
    run_docker("start", state.host_id)
    on_host = {resource.id for resource in state.containers if resource.id != state.host_id}
    try:
        with _reach(engine, state, state.host, progress) as connection:
            wait_for_engine(connection, deadline_seconds=_BOOT_SECONDS)
            return _reconcile_containers(connection, engine.stack, on_host)
    except HostKeyError as error:
        raise LabError(str(error)) from error
    except HostError as error:
        raise LabError(f"{error} To have the host made anew, run `lab down` and `lab up`.") from error


def forget_host(engine: Engine, state: State) -> None:
    """Take a host that is gone off the record, and with it all that was on it.

    Raises:
        LabError: the engine refused.
    """
    # Its container; where a refresh took that off the record already, its readiness, which bears the same id.
    for resource in state.resources:
        if resource.id == state.host_id:
            engine.query("state", "delete", resource.urn, "--target-dependents", "--yes")
            return


def _reach(engine: Engine, state: State, host: Host, progress: Progress) -> Connection:
    """A connection to the host, once more after its SSH files were written anew where they may be at fault."""
    try:
        return connect(host, deadline_seconds=_BOOT_SECONDS)
    except (HostAuthenticationError, HostKeyError):
        for resource in state.resources:
            if resource.kind.endswith(":SshFiles"):
                engine.operate(
                    "up", "--yes", "--skip-preview", "--refresh", "--target", resource.urn, progress=progress
                )
        return connect(host, deadline_seconds=_BOOT_SECONDS)


def _reconcile_containers(connection: Connection, stack: str, recorded: Collection[str]) -> bool:
    def listed(*filters: str) -> set[str]:
        words = [word for text in (f"label={STACK_LABEL}={stack}", *filters) for word in ("--filter", text)]
        command = ["docker", "ps", "--all", "--quiet", "--no-trunc", *words]
        return set(connection.run(command, deadline_seconds=_DEADLINE_SECONDS).stdout.split())

    there = listed()
    if unrecorded := there.difference(recorded):
        connection.run(["docker", "rm", "--force", *unrecorded], deadline_seconds=_DEADLINE_SECONDS)
    if stopped := listed("status=created", "status=exited", "status=dead").intersection(recorded):
        connection.run(["docker", "start", *stopped], deadline_seconds=_DEADLINE_SECONDS)
    return not there.issuperset(recorded)
