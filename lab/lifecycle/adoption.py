"""`lab down --adopt`: what carries a lab's labels, on record or not, found, shown and removed."""

from dataclasses import dataclass

from documents.errors import HostUnreachableError
from documents.stack import ExistingHost, SshHost, Stack, as_cloud_host, cloud_tags, keeps_images
from lab.lifecycle.engine import Engine, Progress
from lab.lifecycle.existing_host import reach_host
from lab.lifecycle.lifecycle import Receipt, take_down
from lab.lifecycle.reconciliation import forget_claim, uses_controller
from lab.lifecycle.state import State, is_recorded, read_state
from provision.claim import find_things, release
from provision.containers import LOCAL_DOCKER, find_labelled
from provision.ssh import Connection, connect
from provision.system import HostChanges, find_labelled_on_host, read_changes


@dataclass(frozen=True)
class Adoptable:
    """What there is of a lab, as phrases for whoever is asked whether all of it is to go.

    Attributes:
        found: a phrase for each thing.
        gone: the addresses of hosts that don't answer; they go off the record, and what was on them stays with them.
        answering: the existing hosts of the document that do.
    """

    found: tuple[str, ...]
    gone: tuple[str, ...] = ()
    answering: tuple[ExistingHost, ...] = ()


def look_around(engine: Engine, stack: Stack) -> Adoptable:
    """Find what there is of a lab: on record, on the controller's engine, and on the hosts that its document names.

    Raises:
        LabError: the engine, or the controller's Docker engine, doesn't answer.
        HostError: a host is there and can't be used, as where it shows another key than the pinned one.
    """
    state = read_state(engine) if is_recorded(engine) else State.empty()
    found: list[str] = []
    if state.resources:
        found.append(f"{len(state.resources)} resources on record")
    if uses_controller(stack, state):
        found += [f"{thing} on this machine" for thing in find_labelled(LOCAL_DOCKER, engine.stack)]
    gone: list[str] = []
    answering: list[ExistingHost] = []
    named = {host.address: host for host in stack.existing_hosts}
    for address in [*named, *(state.claims.keys() - named)]:
        host = named.get(address)
        try:
            # One that the document no longer names is reached as it was on record.
            with reach_host(host, engine.private) if host else connect(state.claims[address].host) as connection:
                found += _describe(connection, stack, read_changes(connection))
        except HostUnreachableError as error:
            gone.append(address)
            found.append(f"whatever is on {address}, which stays there, for it doesn't answer: {error}")
        else:
            if host is not None:
                answering.append(host)
    if (cloud := as_cloud_host(stack.host)) is not None and not state.resources:
        tags = ", ".join(f"{name}={value}" for name, value in cloud_tags(stack.name, cloud).items())
        found.append(f"whatever is at the cloud with the tags {tags}, which only the cloud itself can show and remove")
    return Adoptable(tuple(found), gone=tuple(gone), answering=tuple(answering))


def adopt(engine: Engine, stack: Stack, found: Adoptable, *, progress: Progress) -> Receipt:
    """Remove what `look_around` found.

    Raises:
        LabError: the engine refused to destroy.
        HostError: what was changed on a host can't be undone.
    """
    state = read_state(engine) if is_recorded(engine) else State.empty()
    kept: tuple[str, ...] = ()
    for host in found.answering:
        with reach_host(host, engine.private) as connection:
            changes = read_changes(connection)
            own = changes is not None and changes.lab == state.lab
            keeps = own and isinstance(host, SshHost) and keeps_images(host)
            kept += release(connection, keep_images=keeps)
    # Those that answer as well: over the way on record they may not, as after they were set up anew.
    for address in (*found.gone, *(host.address for host in found.answering)):
        forget_claim(engine, state, address)
    receipt = take_down(engine, stack, progress=progress)
    unasked = set(found.gone).difference(host.address for host in stack.existing_hosts)
    left = tuple(f"whatever is on {address}, which doesn't answer" for address in sorted(unasked))
    return Receipt(made=receipt.made, kept=(*kept, *receipt.kept), left=(*receipt.left, *left))


def _describe(connection: Connection, stack: Stack, changes: HostChanges | None) -> list[str]:
    if changes is None:
        return [f"{thing} on the host" for thing in find_labelled_on_host(connection, stack.name)]
    state = "stands" if changes.held else "left its images"
    told = [f"the claim of the lab {changes.stack}, which {state}, on {connection}"]
    told += [f"{thing} on the host" for thing in find_things(connection, changes)]
    if changes.packages:
        told.append(f"{len(changes.packages)} packages that were installed for it: {', '.join(changes.packages)}")
    told += [f"the membership of a user in a group, {membership}" for membership in changes.memberships]
    if changes.drop_in:
        told.append("its limits for sshd")
    return told
