"""Up and down: the operations behind `lab up` and `lab down`."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from documents.errors import LabError
from documents.lab import Inventory, Secrets
from documents.stack import Stack, as_cloud_host, keeps_images
from lab.lifecycle.engine import Engine, Progress, read_outputs, require_docker_plugin
from lab.lifecycle.existing_host import KEPT_BY_DOCUMENT, leave_host
from lab.lifecycle.preflight import check_cloud, check_machine
from lab.lifecycle.reconciliation import forget_host, reconcile, remedy, uses_controller
from lab.lifecycle.state import State, ensure_stack, is_recorded, read_state, release_stale_lock
from lab.resources import take_kept
from provision.containers import LOCAL_DOCKER, Labelled, find_labelled, remove_labelled
from provision.services import wait_for_services
from provision.ssh import connect


@dataclass(frozen=True)
class Receipt:
    """What `lab down` did: how many resources were on record, what was kept and why, and what is left and why."""

    made: int
    kept: tuple[str, ...]
    left: tuple[str, ...]


def stand_up(engine: Engine, stack: Stack, *, progress: Progress) -> tuple[Inventory, Secrets]:
    """Stand the lab up, or bring it up to its document; repeatable, also after an engine that was killed.

    Raises:
        LabError: it failed; what was made stays on record and the next call goes on from there.
    """
    if (cloud := as_cloud_host(stack.host)) is not None:
        check_cloud(cloud, environment=engine.environment, now=datetime.now(UTC))
    require_docker_plugin(engine.environment)
    check_machine(stack, engine.root)
    ensure_stack(engine)
    released = release_stale_lock(engine)
    state = read_state(engine)
    killed = released or state.pending
    if reconcile(engine, stack, state, killed=killed, progress=progress) or killed:
        engine.operate("refresh", "--yes", "--skip-preview", "--clear-pending-creates", progress=progress)
    engine.operate("up", "--yes", "--skip-preview", progress=progress)
    return read_lab(engine)


def await_services(inventory: Inventory) -> None:
    """Wait until all that the lab runs on its host answers; to Docker a container that ends at its start is no failure.

    Raises:
        HostError: one of them doesn't; says which, why it ended and what it wrote last.
    """
    with connect(inventory.host) as connection:
        wait_for_services(connection, inventory)


def read_lab(engine: Engine) -> tuple[Inventory, Secrets]:
    """The lab as it stands.

    Raises:
        LabError: it isn't up.
        DocumentError: another release of Fairground exported it.
    """
    if not is_recorded(engine):
        raise LabError(
            f"There is no lab {engine.stack}: nothing of it is on record. If there is a stacks/{engine.stack}.yaml, "
            f"this stands it up: lab up --stack {engine.stack}"
        )
    outputs = dict(read_outputs(engine))
    if "inventory" not in outputs or "secrets" not in outputs:
        raise LabError(f"The lab {engine.stack} isn't up; run `lab up`.")
    return (
        Inventory.from_json(json.dumps(outputs["inventory"]), name=f"the inventory of {engine.stack}"),
        Secrets.from_json(json.dumps(outputs["secrets"]), name=f"the secrets of {engine.stack}"),
    )


def take_down(engine: Engine, stack: Stack | None, *, progress: Progress) -> Receipt:
    """Remove the lab, and then whatever else carries its label, but for the cache that its document keeps.

    Works after a half-failed or killed up, and without a readable stack document (None: the cache is then kept).

    Raises:
        LabError: the engine refused to destroy, and nothing else was removed; or there is no such lab at all.
    """
    state = State.empty()
    if is_recorded(engine):
        release_stale_lock(engine)
        state = read_state(engine)
        take_kept(engine.private)
        if state.resources:
            require_docker_plugin(engine.environment)
            _destroy(engine, progress)
        if state.pending:
            # What they made carries the label.
            engine.operate("refresh", "--yes", "--skip-preview", "--clear-pending-creates", progress=progress)
    elif stack is None and not find_labelled(LOCAL_DOCKER, engine.stack):
        raise LabError(f"There is no lab {engine.stack}: nothing is on record, and nothing carries its label.")
    keeps = stack is None or keeps_images(stack.host)
    kept, left = clear_controller(engine, keeps=keeps) if uses_controller(stack, state) else ((), ())
    if stack is not None:
        kept = (*kept, *take_kept(engine.private))
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
    """Destroy all that is on record; where that fails, without asking the host, which goes as a whole.

    Pulumi itself spares the host the question, unless a refresh took a host that is gone off the record. Only a host
    that is a container can be looked for and removed without Pulumi: a machine of a cloud that was forgotten would go
    on costing money, and nobody would know of it.
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
