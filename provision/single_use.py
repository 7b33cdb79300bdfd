"""Containers of a single use on the host: one command in an image, and then nothing is left of it."""

import secrets
import shlex
import time
from collections.abc import Sequence

from documents.errors import DeadlineExceededError, HostError, HostUnreachableError, RemoteCommandError
from documents.labels import STACK_LABEL
from provision.cancelling import shield
from provision.connection import Completed, Connection

_KILLED = 128 + 9
_DEADLINE_SECONDS = 60
_REMOVAL_SECONDS = 30
"""How long past the deadline the host has to remove the container."""


def run(
    connection: Connection,
    image: str,
    argv: Sequence[str],
    *,
    stack: str,
    cpus: Sequence[int],
    input: bytes = b"",  # noqa: A002 - the name that subprocess.run gives it
    deadline_seconds: float,
) -> Completed:
    """Run a command in a new container without a network and wait for its end; the container is removed whatever comes.

    The host itself keeps the deadline: a controller that is killed, or a connection that is lost, leaves a container
    that ends by itself. It carries the lab's label meanwhile.

    Args:
        connection: to the host.
        image: the image's name on the host.
        argv: the command, in place of the image's own.
        stack: the lab's name.
        cpus: the CPUs that the container may use.
        input: what the command reads from its standard input.
        deadline_seconds: when it is ended.

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
        *("--network=none", "--log-driver=none", f"--cpuset-cpus={','.join(map(str, cpus))}"),
        *("--entrypoint", argv[0], image, *argv[1:]),
    ]
    # `timeout` alone would end docker's client and leave the container; in the foreground it stays in the process group
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
    if done.exit_status == _KILLED and time.monotonic() - started >= deadline_seconds:
        raise DeadlineExceededError(
            f"A container of {image} on {connection} wasn't done within {deadline_seconds:g} s and was ended."
        )
    return done


def _remove(connection: Connection, removal: str) -> None:
    """Remove a container that may be gone. On a lost connection the host does so at the container's deadline."""
    try:
        connection.run(f"{removal} >/dev/null 2>&1", deadline_seconds=_DEADLINE_SECONDS, check=False)
    except HostUnreachableError:
        return
