"""The local Docker engine: whether it answers, and how it is started."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from documents.errors import ToolchainError
from toolchain import apt
from toolchain.console import Step, as_root, last_line, signal_group

_DEFAULT_ADDRESS = "unix:///var/run/docker.sock"
_ANSWER_SECONDS = 60.0
"""How long a listening engine may take to answer: it starts programs for that, and the machine may be busy. A missing
one is noticed at once."""

_START_SECONDS = 90.0


@dataclass(frozen=True)
class Daemon:
    """The files of one dockerd; the defaults are its own.

    Attributes:
        socket: where it listens.
        pid_file: its own.
        containerd_pid_file: of the containerd that it starts.
        arguments: more of its command line.
    """

    socket: Path = Path("/var/run/docker.sock")
    pid_file: Path = Path("/var/run/docker.pid")
    containerd_pid_file: Path = Path("/var/run/docker/containerd/containerd.pid")
    arguments: tuple[str, ...] = ()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_ANSWER_SECONDS)
        self.sock.connect(str(self._path))


def address() -> str:
    """The address of the engine for both the docker client and the plugin: DOCKER_HOST, or the machine's socket."""
    return os.environ.get("DOCKER_HOST") or _DEFAULT_ADDRESS


def version() -> str | None:
    """The version of the engine at `address`, or None if none answers.

    Raises:
        ToolchainError: the engine refuses this user.
    """
    where = address()
    if where.startswith("unix://"):
        return version_at(Path(where.removeprefix("unix://")))
    if shutil.which("docker") is None:
        return None
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    with contextlib.suppress(subprocess.TimeoutExpired):
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_ANSWER_SECONDS, check=False)
        return answer.stdout.strip() if answer.returncode == 0 else None
    return None


def version_at(path: Path) -> str | None:
    """The version of the engine behind a socket, or None where none answers.

    Raises:
        ToolchainError: the engine is there, and refuses this user.
    """
    connection = _UnixConnection(path)
    try:
        connection.request("GET", "/version")
        answer = connection.getresponse()
        content = cast("dict[str, Any]", json.loads(answer.read())) if answer.status == 200 else {}
    except PermissionError as error:
        raise ToolchainError(
            f"The Docker engine at {path} refuses this user. Join its group, then log in again: "
            "sudo usermod -aG docker $USER"
        ) from error
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return content.get("Version")


def ensure(step: Step, log: Path) -> str:
    """Make sure that an engine answers: if none does, install and start Debian's.

    Returns:
        The engine's version.

    Raises:
        ToolchainError: none answers and this user may not install or start one, or it didn't start.
    """
    answering = version()
    if answering is None:
        if address() != _DEFAULT_ADDRESS:
            raise ToolchainError(
                f"No Docker engine answers at {address()}, which DOCKER_HOST names. Start that engine, or unset "
                "DOCKER_HOST to use this machine's own."
            )
        packages = apt.missing(apt.DOCKER)
        if packages:
            apt.install(step, [package.name for package in packages], start_services=True)
        answering = _start_service(step) if apt.RUNNING_SYSTEMD.is_dir() else start(step, log, Daemon())
    if apt.missing([apt.DOCKER_CLIENT]):
        apt.install(step, [apt.DOCKER_CLIENT.name], start_services=False)
    return answering


def _start_service(step: Step) -> str:
    remedy = "See why: journalctl -u docker"
    step.run(as_root(["systemctl", "start", "docker"], purpose="start the Docker engine"), remedy=remedy)
    deadline = time.monotonic() + _START_SECONDS
    while (answering := version()) is None:
        if time.monotonic() >= deadline:
            raise ToolchainError(f"The Docker engine doesn't answer {_START_SECONDS:.0f} s after its start. {remedy}")
        time.sleep(0.2)
        step.tick()
    return answering


def start(step: Step, log: Path, daemon: Daemon) -> str:
    """Start a dockerd in a session of its own, for a machine without systemd, and wait until it answers.

    It outlives this process, as a service would.

    Returns:
        Its version.

    Raises:
        ToolchainError: it ended, or didn't answer in time.
    """
    for pid_file, name in ((daemon.pid_file, "dockerd"), (daemon.containerd_pid_file, "containerd")):
        remove_stale(step, pid_file, name)
    log.parent.mkdir(parents=True, exist_ok=True)
    # Under sudo the socket would be root's alone.
    group = [] if os.geteuid() == 0 else ["--group", str(os.getgid())]
    command = as_root(
        [
            "dockerd",
            f"--host=unix://{daemon.socket}",
            f"--pidfile={daemon.pid_file}",
            *group,
            *daemon.arguments,
        ],
        purpose="start the Docker engine",
    )
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=os.environ | {"PATH": f"{os.environ.get('PATH', '')}:{apt.SYSTEM_PATH}"},
            # Out of reach of Ctrl-C, but in the session where sudo remembers the password.
            process_group=0,
        )
    deadline = time.monotonic() + _START_SECONDS
    while (answering := version_at(daemon.socket)) is None:
        if process.poll() is not None:
            raise ToolchainError(
                f"The Docker engine ended while it started, last saying {last_line(log)!r}. Its log is {log}."
            )
        if time.monotonic() >= deadline:
            signal_group(process.pid, signal.SIGTERM)
            process.wait()
            raise ToolchainError(
                f"The Docker engine didn't answer within {_START_SECONDS:.0f} s and was ended. Its log is {log}."
            )
        time.sleep(0.2)
        step.tick()
    return answering


def remove_stale(step: Step, pid_file: Path, name: str) -> None:
    """Remove a pid file whose process has ended or is another program: dockerd would refuse to start."""
    try:
        pid = int(pid_file.read_text())
    except (FileNotFoundError, ValueError):
        pid = 0
    try:
        alive = Path("/proc", str(pid), "comm").read_text().strip() == name
    except (FileNotFoundError, ProcessLookupError):
        alive = False
    if pid_file.exists() and not alive:
        command = as_root(["rm", "-f", pid_file], purpose=f"remove the stale {pid_file}")
        step.run(command, remedy=f"Remove {pid_file} by hand.")
