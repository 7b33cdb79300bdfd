"""What a lab left on a host that exists, seen without its record: after a half-failed up, or a record that is lost."""

from documents.errors import HostError
from documents.host_kinds import SshHost, keeps_images
from documents.stack import Stack
from lab.hosts.kept import take_kept
from lab.lifecycle.engine import Engine
from lab.lifecycle.ssh_access import reach_host
from provision import engine as engine_service
from provision.claim import release
from provision.host_changes import read_changes
from provision.labelled import find_labelled

KEPT_BY_DOCUMENT = "build_cache: keep"
"""Why a cache is still there."""


def leave_host(
    engine: Engine, stack: Stack, host: SshHost, *, lab: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Look at the host once the lab is off the record, and release a claim of its own that never came on record.

    Args:
        engine: of the lab.
        stack: its document.
        host: the document's host.
        lab: what tells this lab from another of its name; None where it wasn't on record.

    Returns:
        What is kept on purpose, and what is left, each a phrase that names it.
    """
    needed = take_kept(engine.private)
    try:
        with reach_host(host, engine.private) as connection:
            changes = read_changes(connection)
            if changes is not None and changes.held and lab is not None and changes.lab == lab:
                needed += release(connection, keep_images=keeps_images(host))
                changes = read_changes(connection)
            # What was released is gone, and an engine that its administrator stopped stays so.
            asleep = changes is None and not engine_service.is_at_work(connection)
            there = () if asleep else find_labelled(connection, stack.name)
    except HostError as error:
        return needed, (f"whatever is on the host, which can't be asked: {error}",)
    keeps = keeps_images(host)
    kept = tuple(f"{thing} ({KEPT_BY_DOCUMENT})" for thing in there if keeps and thing.kind == "image")
    left = tuple(str(thing) for thing in there if not (keeps and thing.kind == "image"))
    if changes is not None and changes.held:
        claim = f"the claim of a lab {changes.stack} on the host, which isn't on record here"
        left += (f"{claim}: `lab down --adopt --stack {stack.name}` shows it and takes it away",)
    return (*needed, *kept), left
