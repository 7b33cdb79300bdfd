"""A stand: running implementations and the machine that they run on, so that tests can hurt both."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from apis.contract.tokens import mint_token
from documents.base import Document
from experiment.bench.readiness import wait_until_ready
from tests.contract.instances import Launcher

_READY_SECONDS = 60


@dataclass(frozen=True)
class Api:
    """A running implementation, and the services behind it, as the tests reach them."""

    name: str
    base_url: str
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    jwt_secret: str = field(repr=False)

    def token(self, user_id: int, username: str) -> str:
        """A valid token of a user."""
        return mint_token(self.jwt_secret, user_id, username)


class ServiceCommands(Document):
    """Shell commands that act on PostgreSQL and Redis, on the machine where the implementations run.

    Each returns when it is done. `stop_postgres` ends sessions as a restart of the service does, without waiting for
    the clients. A frozen service keeps its connections and doesn't answer.
    """

    stop_postgres: str
    start_postgres: str
    kill_postgres: str
    freeze_postgres: str
    thaw_postgres: str
    stop_redis: str
    start_redis: str
    kill_redis: str
    freeze_redis: str
    thaw_redis: str


class Stand(Protocol):
    """Implementations by name, which share one PostgreSQL and one Redis, and what can be done to all of them."""

    @property
    def apis(self) -> Mapping[str, Api]:
        """The implementations."""
        ...

    @property
    def commands(self) -> ServiceCommands:
        """What `run` may run."""
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

    def run(self, command: str) -> None:
        """Run a shell command on the machine."""
        ...

    def run_script(self, script: Path, document: Mapping[str, object], *, deadline_seconds: float) -> dict[str, Any]:
        """Run a script that needs only Python's standard library on the machine.

        Args:
            script: reads JSON from standard input and writes JSON to standard output.
            document: what it reads.
            deadline_seconds: how long it may take.

        Returns:
            What it writes.
        """
        ...

    def process(self, name: str) -> int:
        """The process id of an implementation, on the machine. Another id means that it was started again."""
        ...

    def terminate_command(self, name: str) -> str:
        """The shell command that sends SIGTERM to an implementation and returns at once."""
        ...

    def wait_for_exit(self, name: str, *, deadline_seconds: float) -> int | None:
        """Wait until an implementation has ended. Returns its exit status; None if it still runs at the deadline."""
        ...

    def start(self, name: str) -> None:
        """Start an implementation that has ended, and wait until it is ready."""
        ...

    def log(self, name: str) -> str:
        """What an implementation wrote."""
        ...

    def launcher(self, name: str) -> Launcher:
        """Starts further processes of an implementation, with other settings."""
        ...


def expect_ready(api: Api) -> None:
    """Wait until an implementation says that it is ready, a minute at most.

    Raises:
        AssertionError: it never did. The message has what it said last.
    """
    seen = wait_until_ready(api.base_url, deadline_seconds=_READY_SECONDS)
    assert seen is None, f"{api.name} isn't ready after {_READY_SECONDS} s: {seen}"


def drop_commands(port: int) -> tuple[str, str]:
    """The shell commands that begin and end to drop all packets from and to a loopback port, without an error."""
    rules = [f"INPUT -i lo -p tcp --{end} {port} -j DROP" for end in ("dport", "sport")]
    begin, end = (" && ".join(f"/usr/sbin/iptables -w {do} {rule}" for rule in rules) for do in ("-I", "-D"))
    return begin, end
