"""What a lab left on a host that exists, seen without its record: after a half-failed up, or a record that is lost."""

from documents.errors import HostError
from documents.host_kinds import ExistingHost, SshHost, keeps_images
from documents.stack import Stack
from lab.lifecycle.engine import Engine
from lab.lifecycle.ssh_access import reach_host
from provision import engine as engine_service
from provision.claim import release
from provision.host_changes import HostChanges, read_changes
from provision.labelled import find_labelled

KEPT_BY_DOCUMENT = "build_cache: keep"
"""Why a cache is still there."""


def leave_host(
    engine: Engine, stack: Stack, host: ExistingHost, *, lab: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Look at the host once the lab is off the record, and release what a claim of its own left there nevertheless.

    Args:
        engine: of the lab.
        stack: its document.
        host: one of the document's.
        lab: what tells this lab from another of its name; None where it wasn't on record.

    Returns:
        What is kept on purpose, and what is left, each a phrase that names it.
    """
    still_needed: tuple[str, ...] = ()
    keeps = isinstance(host, SshHost) and keeps_images(host)
    try:
        with reach_host(host, engine.private) as connection:
            changes = read_changes(connection)
            if changes is not None and _is_to_go(changes, stack.name, lab, keeps=keeps):
                still_needed = release(connection, keep_images=keeps)
                changes = read_changes(connection)
            # An engine that its administrator stopped stays so where nothing is left to be done.
            held = changes is not None and changes.held
            asleep = not held and not engine_service.is_at_work(connection)
            there = () if asleep else find_labelled(connection, stack.name)
    except HostError as error:
        return still_needed, (f"whatever is on {host.address}, which can't be asked: {error}",)
    kept = tuple(f"{thing} ({KEPT_BY_DOCUMENT})" for thing in there if keeps and thing.kind == "image")
    if asleep and changes is not None:
        kept = (f"the images on {host.address}, whose engine is stopped as it was found ({KEPT_BY_DOCUMENT})",)
    left = tuple(str(thing) for thing in there if not (keeps and thing.kind == "image"))
    if held and changes is not None:
        claim = f"the claim of a lab {changes.stack} on {host.address}, which isn't on record here"
        left += (f"{claim}: `lab down --adopt --stack {stack.name}` shows it and takes it away",)
    return (*still_needed, *kept), left


def _is_to_go(changes: HostChanges, stack: str, lab: str | None, *, keeps: bool) -> bool:
    """Whether a journal is this lab's that never came on record, or tells what one kept that is to keep nothing now."""
    if changes.held:
        return lab is not None and changes.lab == lab
    return changes.stack == stack and not keeps
