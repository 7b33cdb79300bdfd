"""Up and down: the operations behind `lab up` and `lab down`, also of what isn't on record, and of what has expired."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from documents.errors import FairgroundError, HostUnreachableError, LabError
from documents.lab import Inventory, Secrets
from documents.stack import CloudHost, ExistingHost, SshHost, Stack, cloud_tags, keeps_images
from lab.lifecycle.engine import Engine, Progress, read_outputs, require_docker_plugin
from lab.lifecycle.existing_host import KEPT_BY_DOCUMENT, leave_host, reach_host
from lab.lifecycle.preflight import check_cloud, check_machine
from lab.lifecycle.reconciliation import forget_host, forget_reservation, reconcile, remedy, uses_controller
from lab.lifecycle.state import State, ensure_stack, is_recorded, read_state, release_stale_lock, require_own_code
from lab.resources import take_kept
from provision.containers import LOCAL_DOCKER, Labelled, find_labelled, remove_labelled
from provision.reservation import find_things, release
from provision.services import wait_for_lab
from provision.ssh import Connection, connect
from provision.system import HostChanges, find_labelled_on_host, read_changes


@dataclass(frozen=True)
class Receipt:
    """The result of `lab down`: the number of resources on record, and what was kept or is left, with the reasons."""

    made: int
    kept: tuple[str, ...]
    left: tuple[str, ...]


def stand_up(engine: Engine, stack: Stack, *, progress: Progress) -> tuple[Inventory, Secrets]:
    """Stand the lab up, or bring it up to its document; repeatable, also after an engine that was killed.

    Raises:
        LabError: it failed; what was created stays on record, and the next call continues from there. Or another
            release of Fairground stood the lab up, and nothing was changed.
    """
    if isinstance(stack.host, CloudHost):
        check_cloud(stack.host, environment=engine.environment, now=datetime.now(UTC))
    require_docker_plugin(engine.environment)
    check_machine(stack, engine.root)
    ensure_stack(engine)
    released = release_stale_lock(engine)
    state = read_state(engine)
    require_own_code(engine, state)
    killed = released or state.pending
    if reconcile(engine, stack, state, killed=killed, progress=progress) or killed:
        engine.operate("refresh", "--yes", "--skip-preview", "--clear-pending-creates", progress=progress)
    engine.operate("up", "--yes", "--skip-preview", progress=progress)
    return read_lab(engine)


def await_services(inventory: Inventory) -> None:
    """Wait until all services of the lab answer; Docker reports no failure for a container that ends at its start.

    Raises:
        HostError: one of them doesn't; says which, why it ended and what it wrote last.
    """
    with connect(inventory.host) as connection:
        wait_for_lab(connection, inventory)


def read_lab(engine: Engine) -> tuple[Inventory, Secrets]:
    """The current lab.

    Raises:
        LabError: it isn't up.
        DocumentError: another release of Fairground exported it.
    """
    if not is_recorded(engine):
        raise LabError(
            f"There is no lab {engine.stack}: nothing of it is on record. If there is a stacks/{engine.stack}.yaml, "
            f"this stands it up: lab up --stack {engine.stack}"
        )
    outputs = read_outputs(engine)
    if "inventory" not in outputs or "secrets" not in outputs:
        raise LabError(f"The lab {engine.stack} isn't up; run `lab up`.")
    return (
        Inventory.from_json(json.dumps(outputs["inventory"]), name=f"the inventory of {engine.stack}"),
        Secrets.from_json(json.dumps(outputs["secrets"]), name=f"the secrets of {engine.stack}"),
    )


def take_down(engine: Engine, stack: Stack | None, *, progress: Progress) -> Receipt:
    """Remove the lab, and then all else with its label, except the cache that its document keeps.

    Works after a half-failed or killed up, and without a readable stack document (None: the cache is then kept).

    Raises:
        LabError: Pulumi refused to destroy, and nothing else was removed; or there is no such lab, or another
            release of Fairground stood it up.
    """
    state = State()
    if is_recorded(engine):
        release_stale_lock(engine)
        state = read_state(engine)
        require_own_code(engine, state)
        take_kept(engine.stack_folder)
        if state.resources:
            require_docker_plugin(engine.environment)
            _destroy(engine, progress)
        if state.pending:
            # What these operations created carries the label.
            engine.operate("refresh", "--yes", "--skip-preview", "--clear-pending-creates", progress=progress)
    elif stack is None and not find_labelled(LOCAL_DOCKER, engine.stack):
        raise LabError(f"There is no lab {engine.stack}: nothing is on record, and nothing carries its label.")
    keeps = stack is None or keeps_images(stack.host)
    kept, left = clear_controller(engine, keeps=keeps) if uses_controller(stack, state) else ((), ())
    kept = (*kept, *take_kept(engine.stack_folder))
    if stack is not None:
        for host in stack.existing_hosts:
            kept_there, left_there = leave_host(engine, stack, host, lab=state.lab)
            kept, left = (*kept, *kept_there), (*left, *left_there)
    return Receipt(made=len(state.resources), kept=kept, left=left)


def clear_controller(engine: Engine, *, keeps: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Remove what carries the stack's label from the controller's engine; returns what is kept, and what is left."""
    kept: list[Labelled] = []
    refusals: dict[Labelled, str] = {}
    for thing in find_labelled(LOCAL_DOCKER, engine.stack):
        if keeps and thing.kind in {"image", "volume"} and not thing.is_unfinished:
            kept.append(thing)
            continue
        try:
            remove_labelled(LOCAL_DOCKER, thing)
        except LabError as error:
            refusals[thing] = f" ({error})"
    left = [
        f"{thing}{refusals.get(thing, '')}" for thing in find_labelled(LOCAL_DOCKER, engine.stack) if thing not in kept
    ]
    return tuple(f"{thing} ({KEPT_BY_DOCUMENT})" for thing in kept), tuple(left)


def _destroy(engine: Engine, progress: Progress) -> None:
    """Destroy all that is on record; if that fails, without the host, which is removed as a whole.

    Pulumi itself doesn't contact a host that it removes, unless a refresh took a missing host off the record. Only a
    container host can be found and removed without Pulumi: a forgotten machine of a cloud would go on costing money,
    and nobody would know of it.
    """
    arguments = ("destroy", "--yes", "--skip-preview")
    try:
        engine.operate(*arguments, progress=progress)
    except LabError as error:
        state = read_state(engine)
        if state.host is not None and state.host.kind != "container":
            raise LabError(f"{error} {remedy(state.host)}") from error
        if state.host_id is None:
            raise
        for thing in find_labelled(LOCAL_DOCKER, engine.stack):
            if thing.id == state.host_id:
                remove_labelled(LOCAL_DOCKER, thing)
        forget_host(engine, state)
        engine.operate(*arguments, progress=progress)


@dataclass(frozen=True)
class Adoptable:
    """What exists of a lab, as phrases for the question whether to remove it.

    Attributes:
        found: a phrase for each thing.
        gone: the addresses of hosts that don't answer; they are taken off the record, and their content stays.
        answering: the existing hosts of the document that do.
    """

    found: tuple[str, ...]
    gone: tuple[str, ...] = ()
    answering: tuple[ExistingHost, ...] = ()


def look_around(engine: Engine, stack: Stack) -> Adoptable:
    """Find what exists of a lab: on record, on the controller's engine, and on the hosts that its document names.

    Raises:
        LabError: Pulumi, or the controller's Docker engine, doesn't answer.
        HostError: a host answers and can't be used, for instance because it shows another key than the pinned one.
    """
    state = read_state(engine)
    found: list[str] = []
    if state.resources:
        found.append(f"{len(state.resources)} resources on record")
    if uses_controller(stack, state):
        found += [f"{thing} on the controller" for thing in find_labelled(LOCAL_DOCKER, engine.stack)]
    gone: list[str] = []
    answering: list[ExistingHost] = []
    named = {host.address: host for host in stack.existing_hosts}
    for address in dict.fromkeys((*named, *state.reservations)):
        host = named.get(address)
        try:
            # A host that the document no longer names is reached as recorded.
            reached = reach_host(host, engine.stack_folder) if host else connect(state.reservations[address].host)
            with reached as connection:
                found += _describe(connection, stack, read_changes(connection))
        except HostUnreachableError as error:
            gone.append(address)
            found.append(f"everything on {address}, which stays there because it doesn't answer: {error}")
        else:
            if host is not None:
                answering.append(host)
    if isinstance(stack.host, CloudHost) and not state.resources:
        tags = ", ".join(f"{name}={value}" for name, value in cloud_tags(stack.name, stack.host).items())
        found.append(f"everything at the cloud with the tags {tags}, which only the cloud itself can show and remove")
    return Adoptable(tuple(found), gone=tuple(gone), answering=tuple(answering))


def adopt(engine: Engine, stack: Stack, found: Adoptable, *, progress: Progress) -> Receipt:
    """Remove what `look_around` found.

    Raises:
        LabError: Pulumi refused to destroy, or another release of Fairground stood the lab up.
        HostError: what was changed on a host can't be undone.
    """
    state = read_state(engine)
    require_own_code(engine, state)
    kept: tuple[str, ...] = ()
    for host in found.answering:
        with reach_host(host, engine.stack_folder) as connection:
            changes = read_changes(connection)
            own = changes is not None and changes.lab == state.lab
            keeps = own and isinstance(host, SshHost) and keeps_images(host)
            kept += release(connection, keep_images=keeps)
    # Also those that answer: at their recorded address they may not, as after a new installation.
    for address in (*found.gone, *(host.address for host in found.answering)):
        forget_reservation(engine, state, address)
    receipt = take_down(engine, stack, progress=progress)
    unasked = set(found.gone).difference(host.address for host in stack.existing_hosts)
    left = tuple(f"everything on {address}, which doesn't answer" for address in sorted(unasked))
    return Receipt(made=receipt.made, kept=(*kept, *receipt.kept), left=(*receipt.left, *left))


def _describe(connection: Connection, stack: Stack, changes: HostChanges | None) -> list[str]:
    if changes is None:
        return [f"{thing} on the host" for thing in find_labelled_on_host(connection, stack.name)]
    state = "is up" if changes.held else "left its images"
    found = [f"the reservation of the lab {changes.stack}, which {state}, on {connection}"]
    found += [f"{thing} on the host" for thing in find_things(connection, changes)]
    if changes.packages:
        found.append(f"{len(changes.packages)} packages that were installed for it: {', '.join(changes.packages)}")
    found += [f"the membership of a user in a group, {membership}" for membership in changes.memberships]
    if changes.drop_in:
        found.append("its limits for sshd")
    return found


@dataclass(frozen=True)
class Ended:
    """An expired lab: the receipt, or why it couldn't be taken down."""

    stack: str
    receipt: Receipt | None
    failure: str | None

    @property
    def left_nothing(self) -> bool:
        """Whether nothing is left of it that costs money."""
        return self.receipt is not None and not self.receipt.left


def take_down_expired(
    stacks: Iterable[Stack],
    recorded: Iterable[str],
    now: datetime,
    *,
    unreadable: Collection[str],
    engine_of: Callable[[str], Engine],
    progress: Progress,
) -> Iterator[Ended]:
    """Take down each expired lab that is on record, one after the other; a failure doesn't stop the next.

    A lab expires at the time in its document. If the document is gone, as on another branch, or has another kind of
    host by now, the machine of the last `up` still costs money: then the time on record counts.

    Args:
        stacks: the stacks that are described.
        recorded: the names of all stacks on record.
        now: the moment.
        unreadable: the names of those whose document can't be read; they are left alone.
        engine_of: returns the Pulumi engine of a stack, by its name.
        progress: is called with each operation of the engines.
    """
    documents = {stack.name: stack for stack in stacks}
    for name in dict.fromkeys((*documents, *recorded)):
        if name in unreadable:
            continue
        document = documents.get(name)
        try:
            engine = engine_of(name)
            if is_recorded(engine) and _has_expired(engine, document, now):
                yield Ended(name, take_down(engine, document, progress=progress), None)
        except FairgroundError as error:
            yield Ended(name, None, str(error))


def _has_expired(engine: Engine, document: Stack | None, now: datetime) -> bool:
    """Whether the lab has resources at a cloud and has expired."""
    cloud = document.host if document is not None and isinstance(document.host, CloudHost) else None
    if cloud is not None and cloud.expires > now:
        return False
    state = read_state(engine)
    expires = cloud.expires if cloud is not None else state.bill and state.bill.expires
    return bool(state.resources) and expires is not None and expires <= now
