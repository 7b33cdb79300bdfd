"""Docker's client on the controller and on a host, and everything on either engine that carries a stack's label."""

import subprocess
from dataclasses import dataclass
from typing import Literal, Protocol

from documents.errors import FairgroundError, HostError, LabError, RemoteCommandError
from documents.lab import STACK_LABEL
from provision.ssh import Connection, matching

_DEADLINE_SECONDS = 120


class DockerClient(Protocol):
    """Docker's command for one engine; its text names the engine in messages."""

    def run(self, *arguments: str) -> str:
        """Run a command and return what it prints.

        Raises:
            FairgroundError: the engine doesn't answer, or it refused; has Docker's own reason.
        """
        ...


class LocalDocker:
    """Docker's command for the controller's engine."""

    def __str__(self) -> str:
        return "the Docker engine here"

    def run(self, *arguments: str) -> str:
        """Run a command and return what it prints.

        Raises:
            LabError: there is no such command, the engine doesn't answer, or it refused; has Docker's own reason.
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


LOCAL_DOCKER = LocalDocker()


@dataclass(frozen=True)
class HostDocker:
    """Docker's command on a host."""

    connection: Connection

    def __str__(self) -> str:
        return f"Docker on {self.connection}"

    def run(self, *arguments: str) -> str:
        """Run a command and return what it prints.

        Raises:
            HostError: the engine doesn't answer, or it refused; has Docker's own reason.
        """
        try:
            return self.connection.run(["docker", *arguments], deadline_seconds=_DEADLINE_SECONDS).stdout
        except RemoteCommandError as error:
            raise HostError(
                f"{self} refused: {error} Is the lab up, and the engine running? See `lab doctor`."
            ) from error


Kind = Literal["container", "network", "image", "volume"]

_LIST: dict[Kind, tuple[str, ...]] = {
    "container": ("ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Names}}"),
    "network": ("network", "ls", "--no-trunc", "--format", "{{.ID}} {{.Name}}"),
    "image": ("images", "--no-trunc", "--format", "{{.ID}} {{.Repository}}:{{.Tag}}"),
    "volume": ("volume", "ls", "--format", "{{.Name}} {{.Name}}"),
}
"""In the order in which they can be removed."""

_REMOVE: dict[Kind, tuple[str, ...]] = {
    "container": ("rm", "--force", "--volumes"),
    "network": ("network", "rm"),
    "image": ("image", "rm"),
    "volume": ("volume", "rm"),
}

_UNFINISHED = "-rootfs"
"""The end of the names that `provision/scripts/base_image.sh` gives to what it makes a base of. A pulled image keeps
its own labels, so such an image may lack the stack's."""


@dataclass(frozen=True)
class Labelled:
    """A container, network, image or volume that carries the stack's label."""

    kind: Kind
    id: str
    name: str

    @property
    def is_unfinished(self) -> bool:
        """Whether it is a base image whose build was killed. No cache needs it."""
        return self.kind == "image" and self.name.endswith(_UNFINISHED)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def find_labelled(docker: DockerClient, stack: str) -> tuple[Labelled, ...]:
    """Everything that carries the stack's label, and its unfinished base images, in the order of removal.

    Raises:
        FairgroundError: the engine doesn't answer.
    """
    found: dict[Labelled, None] = {}
    for kind in _LIST:
        found |= dict.fromkeys(_list(docker, kind, f"label={STACK_LABEL}={stack}"))
        if kind == "image":
            found |= dict.fromkeys(_list(docker, kind, f"reference=fairground-{stack}-base:*{_UNFINISHED}"))
    return tuple(found)


def _list(docker: DockerClient, kind: Kind, chosen: str) -> list[Labelled]:
    listing = docker.run(*_LIST[kind], "--filter", chosen)
    lines = [matching(r"(\S+) (\S.*)", line, what=f"its {kind}s", where=docker) for line in listing.splitlines()]
    return [Labelled(kind, line[1], line[2]) for line in lines]


def remove_labelled(docker: DockerClient, thing: Labelled) -> None:
    """Remove one thing from the engine; one that no longer exists is fine.

    Raises:
        FairgroundError: the engine refused; has Docker's own reason.
    """
    # An image with several names is removed name by name: by its id Docker refuses.
    target = thing.name if thing.kind == "image" and "<none>" not in thing.name else thing.id
    try:
        docker.run(*_REMOVE[thing.kind], target)
    except FairgroundError as error:
        if "no such" not in str(error).lower():
            raise
