"""An existing host that is reached by its stack document alone, and released without a record."""

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from documents.errors import HostError
from documents.lab import Host, JumpHost
from documents.stack import ExistingHost, SshHost, Stack, keeps_images
from lab.hosts import describe_host, describe_unverified_host, known_key
from lab.lifecycle.engine import Engine
from lab.resources import KNOWN_HOSTS_NAME, list_known_hosts
from provision.reservation import release
from provision.ssh import Connection, connect, fetch_host_key
from provision.system import HostChanges, find_labelled_on_host, read_changes
from provision.system import engine as engine_service


def unknown_hosts(document: ExistingHost, folder: Path) -> tuple[ExistingHost | JumpHost, ...]:
    """The host and its jump host, if their keys are neither given nor confirmed; the jump host comes first."""
    route = (document,) if document.jump_host is None else (document.jump_host, document)
    return tuple(host for host in route if known_key(host, folder) is None)


def ask_for_key(document: ExistingHost, folder: Path, target: ExistingHost | JumpHost) -> str:
    """The key that an unknown host shows; the key of its jump host must be known by then.

    Raises:
        HostUnreachableError: nothing that speaks SSH answered.
        HostKeyError: the jump host showed another key than the pinned one, or its key isn't known.
        HostAuthenticationError: the jump host refused the login.
    """
    if isinstance(target, JumpHost):
        alone = ExistingHost(kind="ssh", address=target.address, port=target.port, user=target.user)
        return fetch_host_key(describe_unverified_host(alone, folder, ""))
    with _with_known_hosts(describe_unverified_host(document, folder, "")) as host:
        return fetch_host_key(host)


@contextmanager
def reach_host(document: ExistingHost, folder: Path) -> Generator[Connection]:
    """A connection to the host of a stack document, also where the lab's own SSH files are gone.

    Raises:
        HostError: a key isn't known, or the host can't be reached.
    """
    with _with_known_hosts(describe_host(document, folder)) as host, connect(host) as connection:
        yield connection


@contextmanager
def _with_known_hosts(host: Host) -> Generator[Host]:
    """The host, with a file of known hosts of its own while the context is open."""
    with tempfile.TemporaryDirectory(prefix="fairground-ssh-") as folder:
        path = Path(folder) / KNOWN_HOSTS_NAME
        path.write_text(list_known_hosts(host), encoding="ascii")
        yield host.model_copy(update={"known_hosts_path": str(path)})


KEPT_BY_DOCUMENT = "build_cache: keep"
"""The reason why a cache is kept."""


def leave_host(
    engine: Engine, stack: Stack, host: ExistingHost, *, lab: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Look at the host once the lab is off the record, and release what a reservation of its own left there.

    Args:
        engine: of the lab.
        stack: its document.
        host: one of the document's.
        lab: the identity that distinguishes this lab from another of its name; None where it wasn't on record.

    Returns:
        What is kept on purpose, and what is left, each a phrase that names it.
    """
    still_needed: tuple[str, ...] = ()
    keeps = isinstance(host, SshHost) and keeps_images(host)
    try:
        with reach_host(host, engine.stack_folder) as connection:
            changes = read_changes(connection)
            if changes is not None and _is_to_go(changes, stack.name, lab, keeps=keeps):
                still_needed = release(connection, keep_images=keeps)
                changes = read_changes(connection)
            # An engine that its administrator stopped isn't started if nothing is left to do.
            held = changes is not None and changes.held
            asleep = not held and not engine_service.is_at_work(connection)
            there = () if asleep else find_labelled_on_host(connection, stack.name)
    except HostError as error:
        return still_needed, (f"everything on {host.address}, which can't be read: {error}",)
    kept = tuple(f"{thing} on the host ({KEPT_BY_DOCUMENT})" for thing in there if keeps and thing.kind == "image")
    if asleep and changes is not None:
        kept = (f"the images on {host.address}, whose engine is stopped as it was found ({KEPT_BY_DOCUMENT})",)
    left = tuple(f"{thing} on the host" for thing in there if not (keeps and thing.kind == "image"))
    if held and changes is not None:
        reservation = f"the reservation of a lab {changes.stack} on {host.address}, which isn't on record here"
        left += (f"{reservation}: `lab down --adopt --stack {stack.name}` shows it and removes it",)
    return (*still_needed, *kept), left


def _is_to_go(changes: HostChanges, stack: str, lab: str | None, *, keeps: bool) -> bool:
    """Whether the journal is of this lab and never came on record, or lists images that the lab no longer keeps."""
    if changes.held:
        return lab is not None and changes.lab == lab
    return changes.stack == stack and not keeps
