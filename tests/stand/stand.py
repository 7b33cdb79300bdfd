"""A stand: running implementations together with the machine that they run on, so that tests can hurt them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from apis.contract.checks import Target
from documents.base import Document
from experiment.readiness import wait_until_ready

_READY_SECONDS = 60


class ServiceCommands(Document):
    """Shell commands that act on PostgreSQL and Redis, on the machine where the implementations run.

    Each returns when it is done. `stop_postgres` ends sessions as a restart of the service does, without waiting for
    the clients. A frozen Redis keeps its connections and doesn't answer.
    """

    stop_postgres: str
    start_postgres: str
    stop_redis: str
    start_redis: str
    freeze_redis: str
    thaw_redis: str


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a process holds: octets of memory that are its own, and open files and sockets.

    Memory that is mapped from files isn't counted: it is the page cache's.
    """

    memory: int
    descriptors: int


class Stand(Protocol):
    """Implementations by name, and what can be done to them and to the services behind them.

    All of them share one PostgreSQL and one Redis.
    """

    @property
    def targets(self) -> Mapping[str, Target]:
        """The implementations, as the tests reach them."""
        ...

    @property
    def commands(self) -> ServiceCommands:
        """What scripts on the machine may run."""
        ...

    @property
    def postgres_port(self) -> int:
        """The port of PostgreSQL, on the machine's own loopback interface."""
        ...

    @property
    def redis_port(self) -> int:
        """The port of Redis, likewise."""
        ...

    def port(self, name: str) -> int:
        """The port of an implementation, on the machine's own loopback interface."""
        ...

    def run_script(self, script: Path, document: Mapping[str, object], *, deadline_seconds: float) -> dict[str, Any]:
        """Run a script of Python's standard library alone on the machine.

        Args:
            script: it reads a JSON document from standard input and writes one to standard output.
            document: the former.
            deadline_seconds: how long it may take.

        Returns:
            The latter.
        """
        ...

    def footprint(self, name: str) -> Footprint:
        """What an implementation's process holds now."""
        ...

    def incarnation(self, name: str) -> str:
        """Names an implementation's process: another name is another process, which means that the first one ended."""
        ...

    def terminate_command(self, name: str) -> str:
        """The shell command that sends SIGTERM to an implementation and returns at once."""
        ...

    def wait_for_exit(self, name: str, *, deadline_seconds: float) -> int | None:
        """Wait until an implementation has ended.

        Returns:
            Its exit status; None if it still ran at the deadline.
        """
        ...

    def start(self, name: str) -> None:
        """Start an implementation that has ended and wait until it is ready."""
        ...

    def uploads(self, name: str) -> int:
        """How many files an implementation's UPLOAD_DIR has."""
        ...

    def log(self, name: str) -> str:
        """The last of what an implementation wrote."""
        ...


def expect_ready(target: Target) -> None:
    """Wait until an implementation says that it is ready, a minute at most.

    Raises:
        AssertionError: it never did; the message has what it said last.
    """
    seen = wait_until_ready(target.base_url, deadline_seconds=_READY_SECONDS)
    assert seen is None, f"{target.name} isn't ready after {_READY_SECONDS} s: {seen}"


RUN_COMMAND = Path(__file__).parent / "host" / "run_command.py"
"""A script for `run_script`: it runs the shell command `command`."""

FOOTPRINT = r"""
import json, os, sys
process = json.load(sys.stdin)["process"]
with open(f"/proc/{process}/status") as status:
    fields = dict(line.split(":", 1) for line in status)
print(json.dumps({"memory": int(fields["RssAnon"].split()[0]) * 1024,
                  "descriptors": len(os.listdir(f"/proc/{process}/fd"))}))
"""
"""A script that reads a process's footprint. Source: proc(5)."""


def read_footprint(text: str) -> Footprint:
    """Read what `FOOTPRINT` wrote."""
    return Footprint(**json.loads(text))
