"""An image carried from one host's engine to another's: the same bytes, and so the same id."""

from documents.errors import HostError
from provision.connection import Connection
from provision.images import find_image

_ANSWER_SECONDS = 60
_CARRY_SECONDS = 900
"""A gigabyte over a line of some 10 Mbit/s."""

_SAVE = 'docker save -- "$0" | gzip -1'
"""Compressed, for a line between hosts, and Paramiko, are slower than gzip."""


def carry_image(source: Connection, target: Connection, name: str, image_id: str) -> None:
    """Have an image of one host on another; it goes through this machine's memory, a little at a time.

    Args:
        source: the host that has it.
        target: the host that is to have it; one that has it already is left as it is.
        name: the image's, on both.
        image_id: its id, on both.

    Raises:
        HostError: it can't be carried; says why. What of it reached the target has no use, and may be built over.
    """
    if find_image(target, name) == image_id:
        return
    if find_image(source, name) != image_id:
        raise HostError(f"{source} no longer has the image {name} as it was made there.")
    made_for = _ask(source, "image", "inspect", "--format={{.Os}}/{{.Architecture}}", name)
    wanted = _ask(target, "version", "--format={{.Server.Os}}/{{.Server.Arch}}")
    if made_for != wanted:
        raise HostError(f"The image {name} on {source} is for {made_for}, and {target} is {wanted}.")
    save = ["bash", "-o", "pipefail", "-c", _SAVE, name]
    with source.stream(save, deadline_seconds=_CARRY_SECONDS) as archive:
        loaded = target.run(["docker", "load", "--quiet"], input=archive, deadline_seconds=_CARRY_SECONDS, check=False)
        archive.check()
    if loaded.exit_status:
        raise HostError(f"{target} didn't take the image {name}: {' '.join(loaded.stderr.split())}")
    if (found := find_image(target, name)) != image_id:
        raise HostError(f"The image {name} has the id {found} on {target}, and {image_id} on {source}.")


def _ask(connection: Connection, *arguments: str) -> str:
    return connection.run(["docker", *arguments], deadline_seconds=_ANSWER_SECONDS).stdout.strip()
