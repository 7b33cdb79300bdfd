"""What carries a stack's label on the controller's Docker engine, whoever recorded it or didn't."""

import subprocess
from dataclasses import dataclass
from typing import Literal

from documents.errors import LabError
from documents.lab import STACK_LABEL
from provision.ssh import matching

Kind = Literal["container", "volume", "image", "network"]

_LIST = {
    "container": ("ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Names}}"),
    "volume": ("volume", "ls", "--format", "{{.Name}} {{.Name}}"),
    "image": ("images", "--no-trunc", "--format", "{{.ID}} {{.Repository}}:{{.Tag}}"),
    "network": ("network", "ls", "--no-trunc", "--format", "{{.ID}} {{.Name}}"),
}

_REMOVE = {
    "container": ("rm", "--force", "--volumes"),
    "volume": ("volume", "rm"),
    "image": ("image", "rm"),
    "network": ("network", "rm"),
}

_UNFINISHED = "-rootfs"
"""How the names end that `provision/scripts/base_image.sh` gives to what it makes a base of. That carries no label: a
pulled image keeps its own."""

_DEADLINE_SECONDS = 120


@dataclass(frozen=True)
class Labelled:
    """A thing on the engine that carries the stack's label."""

    kind: Kind
    id: str
    name: str

    @property
    def is_unfinished(self) -> bool:
        """Whether a killed making left it: a base image on its way. No cache needs it."""
        return self.kind == "image" and self.name.endswith(_UNFINISHED)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def find_labelled(stack: str) -> tuple[Labelled, ...]:
    """All that carries the stack's label, and what a killed making of its base left, in the order of removal.

    Raises:
        LabError: the Docker engine doesn't answer.
    """
    found: list[Labelled] = []
    kinds: tuple[Kind, ...] = ("container", "network", "image", "volume")
    for kind in kinds:
        found += _list(kind, f"label={STACK_LABEL}={stack}")
    found += _list("image", f"reference=fairground-{stack}-base:*{_UNFINISHED}")
    return tuple(found)


def _list(kind: Kind, chosen: str) -> list[Labelled]:
    listing = run_docker(*_LIST[kind], "--filter", chosen)
    found = [
        matching(r"(\S+) (\S.*)", line, what=f"its {kind}s", where="The Docker engine here")
        for line in listing.splitlines()
    ]
    return [Labelled(kind, one[1], one[2]) for one in found]


def remove_labelled(thing: Labelled) -> None:
    """Remove one thing from the engine.

    Raises:
        LabError: the engine refused; the message is its own.
    """
    # An image goes by its name: by its id it can't while it has another name.
    target = thing.name if thing.kind == "image" and "<none>" not in thing.name else thing.id
    run_docker(*_REMOVE[thing.kind], target)


def run_docker(*arguments: str) -> str:
    """Run a command of Docker's on the controller's engine and return what it prints.

    Raises:
        LabError: there is no such command, the engine doesn't answer, or it refused; the reason is its own.
    """
    try:
        done = subprocess.run(
            ["docker", *arguments], capture_output=True, text=True, check=False, timeout=_DEADLINE_SECONDS
        )
    except FileNotFoundError as error:
        raise LabError("There is no docker command on the PATH; run `make setup`.") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"The Docker engine didn't answer within {_DEADLINE_SECONDS} s; look at its log.") from error
    if done.returncode:
        raise LabError(f"docker {' '.join(arguments[:2])} failed: {' '.join(done.stderr.split())}")
    return done.stdout
