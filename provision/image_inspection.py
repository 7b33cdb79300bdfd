"""What an image on the host says of itself, and who owns what is in it. No container of it is started."""

import json
from collections.abc import Mapping
from typing import Any

from documents.errors import HostError, RemoteCommandError
from provision.connection import Connection

_DEADLINE_SECONDS = 60

_LIST_FOLDER = """
container=$(docker create "$1" nothing) || exit
trap 'docker rm --volumes "$container" >/dev/null' EXIT
docker cp "$container:$2" - | tar --list --verbose --numeric-owner
"""
"""Arguments: the image, and a path in it. The container is given a command, without which Docker makes none of an image
that names no program; it is never started."""


def inspect_image(connection: Connection, image_id: str) -> Mapping[str, Any]:
    """What `docker image inspect` says.

    Raises:
        HostError: there is no such image, or Docker there doesn't answer.
    """
    command = ["docker", "image", "inspect", image_id]
    try:
        (found,) = json.loads(connection.run(command, deadline_seconds=_DEADLINE_SECONDS).stdout)
    except RemoteCommandError as error:
        raise HostError(f"Docker on {connection} doesn't tell of the image {image_id}: {error}") from error
    return found


def folder_owner(connection: Connection, image_id: str, path: str) -> str | None:
    """User and group, as numbers such as ``65532/65532``, who own a folder of an image; None where it has none.

    Raises:
        HostUnreachableError: the connection was lost.
    """
    done = connection.run(
        ["sh", "-c", _LIST_FOLDER, "list", image_id, path], deadline_seconds=_DEADLINE_SECONDS, check=False
    )
    # Of each the mode, the owners, the size, the day, the time and the name; the folder itself comes first.
    fields = done.stdout.partition("\n")[0].split()
    return fields[1] if fields and fields[0].startswith("d") else None
