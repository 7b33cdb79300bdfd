"""What an image on the host says of itself, and who owns what is in it. No container of it is started."""

import re
from collections.abc import Mapping
from typing import Any

from documents.errors import HostError, RemoteCommandError
from provision.connection import Connection
from provision.inspected import read_image

_DEADLINE_SECONDS = 60

_LIST_FOLDER = """
container=$(docker create "$1" nothing) || exit
trap 'docker rm --volumes "$container" >/dev/null' EXIT
docker cp "$container:$2" - | tar --list --verbose --numeric-owner
"""
"""Arguments: the image, and a path in it. The container is given a command, without which Docker makes none of an image
that names no program; it is never started."""


_FOLDER = re.compile(r"d\S{9,} +(\d{1,10}/\d{1,10}) ", re.ASCII)
"""Of each file tar lists the mode and the owners first; the folder itself comes before what is in it."""


def inspect_image(connection: Connection, image_id: str) -> Mapping[str, Any]:
    """What `docker image inspect` says.

    Raises:
        HostError: there is no such image, or Docker there doesn't answer, or something else.
    """
    command = ["docker", "image", "inspect", image_id]
    try:
        text = connection.run(command, deadline_seconds=_DEADLINE_SECONDS).stdout
    except RemoteCommandError as error:
        raise HostError(f"Docker on {connection} doesn't tell of the image {image_id}: {error}") from error
    return read_image(text, where=connection)


def folder_owner(connection: Connection, image_id: str, path: str) -> str | None:
    """User and group, as numbers such as ``65532/65532``, who own a folder of an image; None where it has none.

    Raises:
        HostUnreachableError: the connection was lost.
    """
    done = connection.run(
        ["sh", "-c", _LIST_FOLDER, "list", image_id, path], deadline_seconds=_DEADLINE_SECONDS, check=False
    )
    found = _FOLDER.match(done.stdout)
    return None if found is None else found[1]
