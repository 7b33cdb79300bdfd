"""Images carried from one host to another, and the record of which was made where."""

import sys
from collections.abc import Iterator
from pathlib import Path

from documents.base import Document
from documents.errors import HostError
from documents.files import replace_file
from documents.lab import Host
from provision.images.build import find_image
from provision.ssh import Connection, connect

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


_CONNECT_SECONDS = 10
"""An earlier host may be gone for good, and its images can be built again."""


class MadeImage(Document):
    """An image that stands on a host.

    `recipe` is what it was made of, beside what its name tells: only where that is the same, it is the same image.
    """

    host: Host
    name: str
    image_id: str
    recipe: str


def note_image(made: MadeImage) -> None:
    """Put an image on record, in place of what was made under that name on that host before."""
    path = _path(made.host, made.name)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(path, made.to_json())


def forget_image(host: Host, name: str, image_id: str) -> None:
    """Take an image off the record, unless another one was made under its name since."""
    path = _path(host, name)
    if path.exists() and _read(path).image_id == image_id:
        path.unlink()


def carry_from_elsewhere(connection: Connection, host: Host, name: str, recipe: str) -> str | None:
    """Have an image that was made on another host of the lab on this one.

    What is carried, from where, or why it isn't, is told on standard error, which Pulumi puts into its log.

    Args:
        connection: to this host.
        host: this host.
        name: the image's.
        recipe: what it is made of.

    Returns:
        The image's id; None where no other host has it, or it can't be had from there.
    """
    for made in _made_elsewhere(host, name, recipe):
        try:
            with connect(made.host, deadline_seconds=_CONNECT_SECONDS) as source:
                carry_image(source, connection, name, made.image_id)
                _tell(f"The image {name} was carried from {source} to {connection}.")
        except HostError as error:
            _tell(f"The image {name} is made anew on {connection}: {error}")
        else:
            return made.image_id
    return None


def _made_elsewhere(host: Host, name: str, recipe: str) -> Iterator[MadeImage]:
    own = _path(host, name)
    for path in sorted(own.parents[2].glob(f"*/{own.parent.name}/{own.name}")):
        if path != own and (made := _read(path)).recipe == recipe:
            yield made


def _path(host: Host, name: str) -> Path:
    return Path(host.known_hosts_path).parent / "images" / f"{name}.json"


def _read(path: Path) -> MadeImage:
    return MadeImage.from_json(path.read_text(encoding="utf-8"), name=str(path))


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
