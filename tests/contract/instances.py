"""Processes of an implementation beside the one that is checked, with an environment of the test's own.

In a lab they are containers of the API's own image on the lab's host. For whoever starts an implementation by hand they
are processes of the command that `FAIRGROUND_CONTRACT_COMMANDS` names.
"""

import itertools
import json
import logging
import shlex
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx
from tenacity import (
    Retrying,
    before_sleep_log,
    retry,
    retry_if_exception_type,
    retry_if_result,
    stop_after_attempt,
    stop_after_delay,
    wait_fixed,
)

from documents.lab.inventory import ApiService
from provision.ssh.connection import Connection

_logger = logging.getLogger(__name__)

_FIRST_PORT = 21_440
"""Containers listen from here on: below the ports that the kernel gives to clients, and on none of a stack document."""

_BEYOND_THE_TARGET = 30
"""Instances started by hand listen from so many ports behind the target's own on."""

_PATIENCE_SECONDS = 60

_STATES = r"""
import json, os, sys, time
process, samples = sys.argv[1], int(sys.argv[2])
def states():
    for task in os.listdir(f"/proc/{process}/task"):
        try:
            with open(f"/proc/{process}/task/{task}/stat") as stat:
                yield stat.read().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            continue
counts = []
for _ in range(samples):
    counts.append(sum(state == "R" for state in states()))
    time.sleep(0.01)
print(json.dumps(counts))
"""

_ports = itertools.count(_FIRST_PORT)


@dataclass(frozen=True)
class Ended:
    """A process that has ended, and what it wrote."""

    exit_code: int
    stdout: str
    stderr: str


class Instance(Protocol):
    """A process that serves at `base_url`."""

    base_url: str

    def send_signal(self, name: str) -> None:
        """Send a signal, such as `TERM`."""
        ...

    def wait(self) -> Ended:
        """Wait for the end."""
        ...

    def output(self) -> str:
        """What it wrote to standard output and standard error until now."""
        ...

    def uploads(self) -> set[str]:
        """The names in its UPLOAD_DIR."""
        ...

    def count_runnable(self, samples: int) -> list[int]:
        """How many of its threads run or could run, sample after sample, 10 ms apart."""
        ...


class Launcher(Protocol):
    """Starts instances of one implementation, where its services are reached as `services` says."""

    services: Mapping[str, str]
    cpus: Sequence[int]

    def run(self, environment: Mapping[str, str]) -> Ended:
        """Start one that ends by itself: its environment is this and what its image sets."""
        ...

    def start(self, environment: Mapping[str, str], *, cpus: Sequence[int]) -> AbstractContextManager[Instance]:
        """Start one on these CPUs and wait until it answers; HOST, PORT and UPLOAD_DIR are set for it."""
        ...


def _await_health(base_url: str) -> None:
    # One client: each reads the certificates that the machine trusts.
    with httpx.Client(base_url=base_url, timeout=5, trust_env=False) as client:
        _ask_for_health(client)


@retry(retry=retry_if_exception_type(httpx.HTTPError), stop=stop_after_delay(_PATIENCE_SECONDS), wait=wait_fixed(0.02))
def _ask_for_health(client: httpx.Client) -> None:
    client.get("/healthz").raise_for_status()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class ContainerLauncher:
    """Starts containers of an API's image on the lab's host, as the lab itself does."""

    def __init__(
        self, connection: Connection, service: ApiService, services: Mapping[str, str], cpus: Sequence[int]
    ) -> None:
        self.services = services
        self.cpus = cpus
        self._connection = connection
        self._image = service.image_id

    def run(self, environment: Mapping[str, str]) -> Ended:
        # Docker drops what an ended container wrote if it hasn't read it after 2 s (its handleContainerExit), as on a
        # machine with more work than CPUs.
        again = Retrying(
            retry=retry_if_result(lambda ended: not (ended.stdout or ended.stderr)),
            stop=stop_after_attempt(2),
            before_sleep=before_sleep_log(_logger, logging.WARNING),
            retry_error_callback=lambda state: state.outcome and state.outcome.result(),
        )
        return again(self._run_once, environment)

    def _run_once(self, environment: Mapping[str, str]) -> Ended:
        # Not attached: Docker may lose what a container writes that ends at once (moby/moby#20951).
        with self._container([], environment) as name:
            return _ContainerInstance("", self._connection, name).wait()

    @contextmanager
    def start(self, environment: Mapping[str, str], *, cpus: Sequence[int]) -> Generator[Instance]:
        port = next(_ports)
        given = {"HOST": "127.0.0.1", "PORT": str(port), **environment}
        with (
            self._container(["--cpuset-cpus", ",".join(map(str, cpus))], given) as name,
            self._connection.forward(port) as local_port,
        ):
            base_url = f"http://127.0.0.1:{local_port}"
            _await_health(base_url)
            yield _ContainerInstance(base_url, self._connection, name)

    @contextmanager
    def _container(self, options: Sequence[str], environment: Mapping[str, str]) -> Generator[str]:
        """A container that was started, by its name; it is gone afterwards."""
        name = f"fairground-instance-{uuid.uuid4().hex[:12]}"
        try:
            self._docker_run(["--detach", "--name", name, *options], environment)
            yield name
        finally:
            self._connection.run(
                ["docker", "rm", "--force", "--volumes", name], deadline_seconds=_PATIENCE_SECONDS, check=False
            )

    def _docker_run(self, options: Sequence[str], environment: Mapping[str, str]) -> None:
        """Run a container; what is in its environment goes by standard input, which no other process sees."""
        command = [
            "docker", "run", *options, "--network", "host", "--read-only", "--tmpfs", "/tmp:mode=1777,size=64m",  # noqa: S108
            "--volume", "/uploads", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true",
            *(f"--env={name}" for name in environment), self._image,
        ]  # fmt: skip
        exports = [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]
        script = "\n".join([*exports, f"exec {shlex.join(command)} </dev/null"])
        self._connection.run(["sh", "-s"], input=script, deadline_seconds=_PATIENCE_SECONDS)


class _ContainerInstance:
    def __init__(self, base_url: str, connection: Connection, name: str) -> None:
        self.base_url = base_url
        self._connection = connection
        self._name = name

    def send_signal(self, name: str) -> None:
        self._run("docker", "kill", "--signal", name, self._name)

    def wait(self) -> Ended:
        exit_code = int(self._run("docker", "wait", self._name))
        logs = self._connection.run(["docker", "logs", self._name], deadline_seconds=_PATIENCE_SECONDS)
        return Ended(exit_code, logs.stdout, logs.stderr)

    def output(self) -> str:
        logs = f"docker logs {shlex.quote(self._name)} 2>&1"
        return self._connection.run(logs, deadline_seconds=_PATIENCE_SECONDS).stdout

    def uploads(self) -> set[str]:
        template = '{{range .Mounts}}{{if eq .Destination "/uploads"}}{{.Source}}{{end}}{{end}}'
        folder = self._run("docker", "inspect", "--format", template, self._name)
        return set(self._run("ls", "--almost-all", folder).split())

    def count_runnable(self, samples: int) -> list[int]:
        process = self._run("docker", "inspect", "--format", "{{.State.Pid}}", self._name)
        done = self._connection.run(
            ["python3", "-I", "-", process, str(samples)], input=_STATES, deadline_seconds=_PATIENCE_SECONDS
        )
        return json.loads(done.stdout)

    def _run(self, *command: str) -> str:
        return self._connection.run(command, deadline_seconds=_PATIENCE_SECONDS).stdout.strip()


class ProcessLauncher:
    """Starts processes of a command on this machine."""

    def __init__(
        self, command: Sequence[str], services: Mapping[str, str], taken_port: int, cpus: Sequence[int]
    ) -> None:
        self.services = services
        self.cpus = cpus
        self._command = command
        # Others at work on this machine have their own target, and so other ports.
        self._ports = itertools.count(taken_port + _BEYOND_THE_TARGET)

    def run(self, environment: Mapping[str, str]) -> Ended:
        with tempfile.TemporaryDirectory() as uploads:
            done = subprocess.run(
                self._command,
                env={"UPLOAD_DIR": uploads, **environment},
                capture_output=True,
                text=True,
                timeout=_PATIENCE_SECONDS,
                check=False,
            )
        return Ended(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def start(self, environment: Mapping[str, str], *, cpus: Sequence[int]) -> Generator[Instance]:
        port = next(filter(_is_free, self._ports))
        with tempfile.TemporaryDirectory() as folder:
            uploads = Path(folder, "uploads")
            uploads.mkdir()
            given = {"HOST": "127.0.0.1", "PORT": str(port), "UPLOAD_DIR": str(uploads), **environment}
            outputs = (Path(folder, "stdout"), Path(folder, "stderr"))
            with outputs[0].open("w") as stdout, outputs[1].open("w") as stderr:
                process = subprocess.Popen(
                    ["taskset", "--cpu-list", ",".join(map(str, cpus)), *self._command],
                    env=given,
                    stdout=stdout,
                    stderr=stderr,
                )
            try:
                _await_health(f"http://127.0.0.1:{port}")
                yield _ProcessInstance(f"http://127.0.0.1:{port}", process, uploads, outputs)
            finally:
                process.kill()
                process.wait()


class _ProcessInstance:
    def __init__(
        self, base_url: str, process: "subprocess.Popen[bytes]", uploads: Path, outputs: tuple[Path, Path]
    ) -> None:
        self.base_url = base_url
        self._process = process
        self._uploads = uploads
        self._outputs = outputs

    def send_signal(self, name: str) -> None:
        subprocess.run(["kill", f"-{name}", str(self._process.pid)], check=True)

    def wait(self) -> Ended:
        exit_code = self._process.wait(_PATIENCE_SECONDS)
        return Ended(exit_code, *(output.read_text() for output in self._outputs))

    def output(self) -> str:
        return "".join(output.read_text() for output in self._outputs)

    def uploads(self) -> set[str]:
        return {path.name for path in self._uploads.iterdir()}

    def count_runnable(self, samples: int) -> list[int]:
        arguments = [sys.executable, "-I", "-", str(self._process.pid), str(samples)]
        done = subprocess.run(arguments, input=_STATES, capture_output=True, text=True, check=True, timeout=60)
        return json.loads(done.stdout)
