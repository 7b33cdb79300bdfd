"""What carries a stack's label on the controller's Docker engine, whoever recorded it or didn't."""

import subprocess
from dataclasses import dataclass
from typing import Literal

from documents.errors import LabError
from lab.labels import STACK_LABEL

Kind = Literal["container", "volume", "image", "network"]

_LIST = {
    "container": ("docker", "ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Names}}"),
    "volume": ("docker", "volume", "ls", "--format", "{{.Name}} {{.Name}}"),
    "image": ("docker", "images", "--no-trunc", "--format", "{{.ID}} {{.Repository}}:{{.Tag}}"),
    "network": ("docker", "network", "ls", "--no-trunc", "--format", "{{.ID}} {{.Name}}"),
}

_REMOVE = {
    "container": ("docker", "rm", "--force", "--volumes"),
    "volume": ("docker", "volume", "rm"),
    "image": ("docker", "image", "rm"),
    "network": ("docker", "network", "rm"),
}


@dataclass(frozen=True)
class Labelled:
    """A thing on the engine that carries the stack's label."""

    kind: Kind
    id: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def find_labelled(stack: str) -> tuple[Labelled, ...]:
    """All that carries the stack's label, in the order in which it can be removed.

    Raises:
        LabError: the Docker engine doesn't answer.
    """
    found: list[Labelled] = []
    kinds: tuple[Kind, ...] = ("container", "network", "image", "volume")
    for kind in kinds:
        listing = _docker(*_LIST[kind], "--filter", f"label={STACK_LABEL}={stack}")
        for line in listing.splitlines():
            identity, _, name = line.partition(" ")
            found.append(Labelled(kind, identity, name))
    return tuple(found)


def remove_labelled(thing: Labelled) -> None:
    """Remove one thing from the engine.

    Raises:
        LabError: the engine refused; the message is its own.
    """
    # An image goes by its name: by its id it can't while it has another name.
    target = thing.name if thing.kind == "image" and "<none>" not in thing.name else thing.id
    _docker(*_REMOVE[thing.kind], target)


def _docker(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    except FileNotFoundError as error:
        raise LabError("There is no docker command on the PATH; run `make setup`.") from error
    if done.returncode:
        raise LabError(f"{' '.join(command[:3])} failed: {' '.join(done.stderr.split())}")
    return done.stdout
