"""Docker on the controller and on a host: its command, containers, and everything with a stack's label."""

import logging
import re
import secrets
import shlex
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, Protocol

from tenacity import Retrying, before_sleep_log, retry_if_exception, stop_before_delay, wait_fixed

from documents.errors import DeadlineExceededError, FairgroundError, HostError, LabError, RemoteCommandError
from documents.lab import STACK_LABEL, format_cpu_list
from provision.containers import cgroups
from provision.containers.cgroups import Cgroup
from provision.ssh import KILLED, Completed, Connection, matching, shield, whole_number

DOCKER_SECONDS = 120
"""How long a command of Docker's may take."""


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
        return "the controller's Docker engine"

    def run(self, *arguments: str) -> str:
        """Run a command and return what it prints.

        Raises:
            LabError: there is no such command, the engine doesn't answer, or it refused; has Docker's own reason.
        """
        try:
            done = subprocess.run(
                ["docker", *arguments], capture_output=True, text=True, check=False, timeout=DOCKER_SECONDS
            )
        except FileNotFoundError as error:
            raise LabError("There is no docker command on the PATH; run `make setup`.") from error
        except subprocess.TimeoutExpired as error:
            raise LabError(f"The Docker engine didn't answer within {DOCKER_SECONDS} s; look at its log.") from error
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
            return self.connection.run(["docker", *arguments], deadline_seconds=DOCKER_SECONDS).stdout
        except RemoteCommandError as error:
            raise HostError(f"{self} refused: {error} Run `lab doctor`, then `lab up`.") from error


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
"""The end of the names that `provision/scripts/base_image.sh` gives to unfinished base images."""


@dataclass(frozen=True)
class Labelled:
    """A container, network, image or volume that carries the stack's label, or a base image that has its name."""

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
    """Everything that carries the stack's label, and its base images, in the order of removal.

    Base images have no such label: several labs may share one, each by a name of its own.

    Raises:
        FairgroundError: the engine doesn't answer.
    """
    found: dict[Labelled, None] = {}
    for kind in _LIST:
        found |= dict.fromkeys(_list(docker, kind, f"label={STACK_LABEL}={stack}"))
        if kind == "image":
            found |= dict.fromkeys(_list(docker, kind, f"reference=fairground-{stack}-base"))
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


_logger = logging.getLogger(__name__)

_DEADLINE_SECONDS = 60

_ENTRY_SECONDS = 10
_ENTRY_FAILED = ("OCI runtime exec failed", "waiting for init preliminary setup")
"""Docker's message if runc's own process ended before it had read the command: rare, on a busy host, with runc 1.1.15.
That process first copies itself into a sealed memory file and starts again from it
(libcontainer/nsenter/cloned_binary.c); which step failed isn't reported. The command never began."""


def execute(
    connection: Connection,
    name: str,
    argv: Sequence[str],
    *,
    input: bytes | str | None = None,  # noqa: A002 - the name that subprocess.run gives it
    deadline_seconds: float,
) -> Completed:
    """Run a command in a running container, and wait for its end.

    The deadline ends Docker's client; a process that must not outlive it in the container needs its own `timeout`.

    Args:
        connection: to the host.
        name: the container's.
        argv: the command and its arguments, which every process on the host can see: secrets go by `input`.
        input: what the command reads from its standard input; nothing unless given.
        deadline_seconds: how long the command may take.

    Raises:
        RemoteCommandError: its exit status isn't 0, or there is no such container, or none that runs.
        DeadlineExceededError: it wasn't done in time.
        HostUnreachableError: the connection was lost.
    """
    retrying = Retrying(
        retry=retry_if_exception(_never_began),
        stop=stop_before_delay(_ENTRY_SECONDS),
        wait=wait_fixed(0.25),
        before_sleep=before_sleep_log(_logger, logging.WARNING),
        reraise=True,
    )
    command = ["docker", "exec", *([] if input is None else ["--interactive"]), name, *argv]
    return retrying(connection.run, command, input=input, deadline_seconds=deadline_seconds)


def _never_began(error: BaseException) -> bool:
    return isinstance(error, RemoteCommandError) and all(part in str(error) for part in _ENTRY_FAILED)


def stop(connection: Connection, name: str) -> None:
    """Stop a container; a stopped one is fine. It is killed if it takes longer than it was declared to.

    Raises:
        HostError: there is no such container.
    """
    _docker(connection, "stop", name)


def start(connection: Connection, name: str) -> None:
    """Start a container; a running one is fine.

    Raises:
        HostError: there is no such container, or it can't be started.
    """
    _docker(connection, "start", name)


def state(connection: Connection, name: str) -> tuple[str, int]:
    """A container's state by Docker, such as ``running`` or ``restarting``, and its last exit status.

    Raises:
        HostError: there is no such container.
    """
    answer = _inspect(connection, name, "{{.State.Status}} {{.State.ExitCode}}")
    found = matching(r"([a-z]+) (-?\d{1,9})", answer, what=f"the state of the container {name}", where=connection)
    return found[1], int(found[2])


def main_process_id(connection: Connection, name: str) -> int:
    """The number of a container's first process, as the host sees it.

    Raises:
        HostError: there is no such container, or it doesn't run.
    """
    answer = _inspect(connection, name, "{{.State.Pid}}")
    process_id = whole_number(answer, what=f"the first process of the container {name}", where=connection)
    if process_id == 0:
        raise HostError(f"The container {name} on {connection} doesn't run. Look at its log: `docker logs {name}`.")
    return process_id


def cgroup(connection: Connection, name: str) -> Cgroup:
    """The cgroup of a container that runs.

    Raises:
        HostError: there is no such container, or it doesn't run.
    """
    return cgroups.of_process(connection, main_process_id(connection, name))


def logs(connection: Connection, name: str, *, lines: int = 200) -> str:
    """The last lines of a container's output, both streams in order.

    Raises:
        HostError: there is no such container.
    """
    command = f"docker logs --tail {lines} '{name}' 2>&1"
    try:
        return connection.run(command, deadline_seconds=_DEADLINE_SECONDS).stdout
    except RemoteCommandError as error:
        raise HostError(f"The log of the container {name} can't be read: {error}") from error


def volume_path(connection: Connection, volume: str) -> str:
    """Where a volume's files are on the host.

    Raises:
        HostError: there is no such volume.
    """
    answer = _docker(connection, "volume", "inspect", "--format", "{{.Mountpoint}}", volume)
    # The caller empties that folder, so it must be the volume's and no other.
    where_it_is = rf"/(?:[^/\0\n]+/)+{re.escape(volume)}/_data"
    return matching(where_it_is, answer, what=f"the folder of the volume {volume}", where=connection)[0]


def _inspect(connection: Connection, name: str, template: str) -> str:
    return _docker(connection, "container", "inspect", "--format", template, name)


def _docker(connection: Connection, *arguments: str) -> str:
    return HostDocker(connection).run(*arguments).strip()


_REMOVAL_SECONDS = 30
"""How long the host has to remove the container after the deadline."""


def run_once(
    connection: Connection,
    image: str,
    argv: Sequence[str],
    *,
    stack: str,
    cpus: Sequence[int],
    input: bytes = b"",  # noqa: A002 - the name that subprocess.run gives it
    deadline_seconds: float,
) -> Completed:
    """Run a command in a new container without a network and wait for its end; the container is always removed.

    The host itself keeps the deadline: a controller that is killed, or a connection that is lost, leaves a container
    that ends by itself. Until then it carries the lab's label.
    `input` is the command's standard input. At the deadline the command is ended.

    Returns:
        Both streams and the exit status, which may be any.

    Raises:
        HostError: there is no such image, or no such CPU.
        DeadlineExceededError: it wasn't done in time.
        HostUnreachableError: the connection was lost.
    """
    name = f"fairground-once-{secrets.token_hex(6)}"
    create = [
        *("docker", "create", "--interactive", f"--name={name}", f"--label={STACK_LABEL}={stack}"),
        *("--network=none", "--log-driver=none", f"--cpuset-cpus={format_cpu_list(cpus)}"),
        *("--entrypoint", argv[0], image, *argv[1:]),
    ]
    # `timeout` alone would end docker's client and leave the container. In the foreground it stays in the process group
    # of this command.
    attached = shlex.join(
        ["timeout", "--foreground", "--signal=KILL", f"{deadline_seconds:.3f}", "docker", "start", "-a", "-i", name]
    )
    removal = shlex.join(["docker", "rm", "--force", "--volumes", name])
    started = time.monotonic()
    try:
        connection.run(create, deadline_seconds=_DEADLINE_SECONDS)
        started = time.monotonic()
        done = connection.run(
            f"{attached}; status=$?; {removal} >/dev/null 2>&1; exit $status",
            input=input,
            deadline_seconds=deadline_seconds + _REMOVAL_SECONDS,
            check=False,
        )
    except RemoteCommandError as error:
        raise HostError(f"No container of {image} can be made on {connection}: {error}") from error
    finally:
        with shield():
            _remove(connection, removal)
    if done.exit_status == KILLED and time.monotonic() - started >= deadline_seconds:
        raise DeadlineExceededError(
            f"A container of {image} on {connection} wasn't done within {deadline_seconds:g} s and was ended."
        )
    return done


def _remove(connection: Connection, removal: str) -> None:
    """Remove a container that may be gone. If that fails, the host does so at the container's deadline."""
    with suppress(HostError):
        connection.run(f"{removal} >/dev/null 2>&1", deadline_seconds=_DEADLINE_SECONDS, check=False)
