"""Correct Pulumi's record by what exists: a host that was stopped or lost, and containers that nobody recorded.

Pulumi compares them only in a refresh, which calls the Docker engine on the host and fails without it.
"""

from collections.abc import Collection

from documents.errors import HostAuthenticationError, HostError, HostKeyError, LabError
from documents.lab import Host
from documents.stack import Stack
from lab.hosts import LOAD_HOST
from lab.lifecycle.drift import differing_aspects
from lab.lifecycle.engine import Engine, Progress
from lab.lifecycle.state import DeclaredContainer, State, read_declared
from provision.containers import LOCAL_DOCKER, find_labelled, read_running, remove_labelled
from provision.ssh import Connection, connect
from provision.system import read_changes, wait_for_engine

_BOOT_SECONDS = 60
_DEADLINE_SECONDS = 60
_STOP_SECONDS = 180
"""For all containers, one after the other; PostgreSQL has 30 s to stop, an API 15 s."""

_STOPPED = frozenset({"created", "exited", "dead"})
"""Docker's states of a container that `docker start` starts."""


def reconcile(engine: Engine, stack: Stack, state: State, *, killed: bool, progress: Progress) -> bool:
    """Correct what a refresh can't; returns whether a refresh has to correct the rest.

    A stopped host or container is started, and a host that is gone is forgotten with all that was on it. A container
    whose limits somebody changed is removed, so that it is recreated: Pulumi doesn't restore them all. After an
    engine was `killed`, containers with the stack's label that aren't on record are its own, which it had no time
    to record, and are removed: they would block their names. Otherwise they are somebody else's.

    Raises:
        LabError: a lab of that name is up that isn't on record here, the Docker engine doesn't answer, or the host
            is there but can't be used; says why.
    """
    on_controller = uses_controller(stack, state)
    if on_controller and not _reconcile_controller(engine, state, killed=killed):
        return False
    if state.host is None:
        return False
    try:
        with _reach(engine, state, state.host, progress) as connection:
            if state.host.kind == "ssh" and not _is_reserved(connection, state):
                forget_host(engine, state)
                return False
            if not state.is_ready:
                # It was reserved and its preparation failed: it may have no engine yet.
                return False
            wait_for_engine(connection, deadline_seconds=_BOOT_SECONDS)
            return _reconcile_containers(connection, engine.stack, read_declared(engine).containers)
    except HostKeyError as error:
        raise LabError(str(error)) from error
    except HostError as error:
        raise LabError(f"{error} {remedy(state.host)}") from error


def uses_controller(stack: Stack | None, state: State) -> bool:
    """Whether the lab's host is a container on the controller's Docker engine, by its document or by the record.

    Without a readable document the record decides; with an empty record the answer is yes.
    """
    recorded = state.host is not None and state.host.kind == "container"
    if stack is None:
        return recorded or state.host is None
    return recorded or stack.host.kind == "container"


def _reconcile_controller(engine: Engine, state: State, *, killed: bool) -> bool:
    """Correct the controller's part; returns whether the recorded host exists, which then runs."""
    recorded = {resource.id for resource in state.resources}
    containers = {thing.id: thing for thing in find_labelled(LOCAL_DOCKER, engine.stack) if thing.kind == "container"}
    for identity in containers.keys() - recorded:
        if not killed:
            raise LabError(
                f"The {containers[identity]} is of a lab {engine.stack} that isn't on record here. Another checkout "
                "probably made it. Take that down from there, or remove it by `lab down` from here, or choose another "
                "name."
            )
        remove_labelled(LOCAL_DOCKER, containers[identity])
    if state.host is None or state.host_id is None or state.host.kind != "container":
        return state.host is not None
    if state.host_id not in containers:
        forget_host(engine, state)
        return False
    LOCAL_DOCKER.run("start", state.host_id)
    for resource in state.containers:
        if not resource.name.startswith(LOAD_HOST):
            continue
        if resource.id in containers:
            LOCAL_DOCKER.run("start", resource.id)
        else:
            engine.query("state", "delete", resource.urn, "--target-dependents", "--yes")
    return True


def _is_reserved(connection: Connection, state: State) -> bool:
    """Whether the host still has this lab's reservation, and wasn't installed again since."""
    changes = read_changes(connection)
    return changes is not None and changes.held and changes.lab == state.lab


def remedy(host: Host) -> str:
    """What to do if a recorded host can't be used."""
    if host.kind == "ssh":
        return "If the host is gone for good, `lab down --adopt` takes it off the record."
    if host.kind != "container":
        # Only its cloud knows whether it still exists, and a forgotten machine would go on costing money.
        return (
            "It stays on record, because it may cost money. See at its cloud whether it runs, start it or remove it "
            "there, and try again."
        )
    return "To recreate the host, run `lab down` and `lab up`."


def forget_host(engine: Engine, state: State) -> None:
    """Take a host that is gone off the record, with all that was on it.

    Raises:
        LabError: Pulumi refused.
    """
    # Its container; or, if a refresh already took that off the record, its ReadyHost, which has the same id.
    for resource in state.resources:
        if resource.id == state.host_id:
            engine.query("state", "delete", resource.urn, "--target-dependents", "--yes")
            return


def forget_reservation(engine: Engine, state: State, address: str) -> None:
    """Take an existing host that is gone off the record, with all that was on it; one not on record is fine.

    Raises:
        LabError: Pulumi refused.
    """
    if (reservation := state.reservations.get(address)) is not None:
        engine.query("state", "delete", reservation.urn, "--target-dependents", "--yes")


def _reach(engine: Engine, state: State, host: Host, progress: Progress) -> Connection:
    """A connection to the host; if its SSH files may be wrong, they are written again before a second attempt."""
    try:
        return connect(host, deadline_seconds=_BOOT_SECONDS)
    except (HostAuthenticationError, HostKeyError):
        for resource in state.resources:
            if resource.kind.endswith(":SshFiles"):
                engine.operate(
                    "up", "--yes", "--skip-preview", "--refresh", "--target", resource.urn, progress=progress
                )
        return connect(host, deadline_seconds=_BOOT_SECONDS)


def _reconcile_containers(connection: Connection, stack: str, declared: Collection[DeclaredContainer]) -> bool:
    recorded = {one.id for one in declared}
    there = {one.id: one for one in read_running(connection, stack, names=[], images=[]).containers}
    changed = {one.id for one in declared if one.id in there and differing_aspects(one.state({}), there[one.id])}
    if changed:
        # PostgreSQL's data survives its container, so it has to stop cleanly.
        connection.run(["docker", "stop", *sorted(changed)], deadline_seconds=_STOP_SECONDS)
    if unwanted := (there.keys() - recorded) | changed:
        connection.run(["docker", "rm", "--force", "--volumes", *sorted(unwanted)], deadline_seconds=_DEADLINE_SECONDS)
    if stopped := {id_ for id_ in there.keys() & (recorded - changed) if there[id_].status in _STOPPED}:
        connection.run(["docker", "start", *sorted(stopped)], deadline_seconds=_DEADLINE_SECONDS)
    return bool(changed) or not recorded <= there.keys()
