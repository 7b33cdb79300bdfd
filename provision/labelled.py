"""What carries a lab's label on a host's Docker engine, and its end."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from documents.errors import HostError, RemoteCommandError
from documents.labels import STACK_LABEL
from provision import engine
from provision.answers import matching
from provision.connection import Connection

Kind = Literal["container", "image", "volume"]

_LIST: dict[Kind, tuple[str, ...]] = {
    "container": ("ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Names}}"),
    "image": ("images", "--no-trunc", "--format", "{{.ID}} {{.Repository}}:{{.Tag}}"),
    "volume": ("volume", "ls", "--format", "{{.Name}} {{.Name}}"),
}

_REMOVE: dict[Kind, tuple[str, ...]] = {
    "container": ("rm", "--force", "--volumes"),
    "image": ("image", "rm"),
    "volume": ("volume", "rm"),
}
"""In the order in which one kind stops standing in the way of the next."""

_DEADLINE_SECONDS = 120


class Labelled(NamedTuple):
    """A thing on the host's engine that carries the label."""

    kind: Kind
    id: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name} on the host"


def find_labelled(connection: Connection, stack: str) -> tuple[Labelled, ...]:
    """All that carries the stack's label on the host, in the order of removal; nothing where it has no engine.

    Raises:
        HostError: the engine is there and doesn't run, or doesn't answer.
    """
    if not connection.run("command -v docker", deadline_seconds=_DEADLINE_SECONDS, check=False).stdout:
        return ()
    if not engine.is_at_work(connection):
        raise HostError(
            f"The Docker engine on {connection} doesn't run, so what is on it can't be listed. Start it there, and try "
            "again."
        )
    return tuple(thing for kind in _LIST for thing in _list(connection, kind, stack))


def remove_labelled(connection: Connection, thing: Labelled) -> None:
    """Remove one thing; one that is gone stays so.

    Raises:
        HostError: the engine refused.
    """
    # An image goes by its name: by its id it can't while it has another name.
    target = thing.name if thing.kind == "image" and "<none>" not in thing.name else thing.id
    try:
        connection.run(["docker", *_REMOVE[thing.kind], target], deadline_seconds=_DEADLINE_SECONDS)
    except RemoteCommandError as error:
        if "No such" in str(error) or "no such" in str(error):
            return
        raise HostError(f"The {thing} {connection} can't be removed: {error}") from error


def _list(connection: Connection, kind: Kind, stack: str) -> Iterator[Labelled]:
    command = ["docker", *_LIST[kind], "--filter", f"label={STACK_LABEL}={stack}"]
    try:
        lines = connection.run(command, deadline_seconds=_DEADLINE_SECONDS).stdout.splitlines()
    except RemoteCommandError as error:
        raise HostError(
            f"Docker on {connection} doesn't list its {kind}s: {error} Start the engine there, and try again."
        ) from error
    for line in lines:
        found = matching(r"(\S+) (\S.*)", line, what=f"the {kind}s of the lab {stack}", where=f"Docker on {connection}")
        yield Labelled(kind, found[1], found[2])
