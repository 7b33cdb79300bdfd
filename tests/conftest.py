"""The lab that tests on real containers share: it is stood up beside the tests that need none, which run first, and
taken down at the end.
"""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.context import open_engine
from documents.inventory import Inventory, Secrets
from lab.lifecycle.engine import Engine
from lab.lifecycle.leftovers import find_labelled
from lab.lifecycle.lifecycle import read_lab
from lab.lifecycle.state import is_recorded
from tests.ssh.sshd import Sshd

_UP_SECONDS = 1_800
"""Compilers, crates, modules and jars are downloaded, and four APIs are compiled."""

ROOT = Path(__file__).parents[1]
LAB = ROOT / ".venv" / "bin" / "lab"

# A shell has what it starts in the background ignore these, and whatever that starts inherits it. Tests that interrupt
# the programs that they start would then wait in vain.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)


@dataclass(frozen=True)
class LiveLab:
    """A lab that is up: its stack's name, its inventory and its secrets."""

    stack: str
    inventory: Inventory
    secrets: Secrets

    def run(self, *arguments: str, timeout: float = 900) -> "subprocess.CompletedProcess[str]":
        """Run the `lab` command on this lab."""
        return run_lab([*arguments, "--stack", self.stack], timeout=timeout)


def run_lab(arguments: Sequence[str], *, timeout: float = 900) -> "subprocess.CompletedProcess[str]":
    """Run the `lab` command as a user does, without a terminal."""
    return subprocess.run(
        [LAB, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--stack", default="test", help="the stack whose lab the tests use")
    parser.addoption("--keep-lab", action="store_true", help="leave the lab up at the end, for the next time")


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    """A real sshd on loopback, whose host is this very machine."""
    folder = tmp_path / "sshd"
    folder.mkdir()
    server = Sshd(folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> str:
    return str(request.config.getoption("--stack"))


@pytest.fixture(scope="session")
def engine(stack: str) -> Engine:
    return open_engine(stack)


class UpcomingLab:
    """`lab up` in a process of its own.

    A lab that is up but not on record here is what tests in another checkout left when they were killed: it goes first.
    """

    def __init__(self, stack: str) -> None:
        self._stack = stack
        self._is_asked_for = False
        if not is_recorded(open_engine(stack)) and any(thing.kind == "container" for thing in find_labelled(stack)):
            self.take_down()
        self._output = tempfile.TemporaryFile("w+")  # noqa: SIM115 - written to for as long as the process goes on
        self._process = subprocess.Popen(
            [LAB, "up", "--stack", stack],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )

    def wait(self) -> None:
        """Wait until the lab is up."""
        self._is_asked_for = True
        status = self._process.wait(_UP_SECONDS)
        self._output.seek(0)
        assert status == 0, self._output.read()

    def abandon(self) -> None:
        """Take down a lab that no test has asked for."""
        if not self._is_asked_for:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(_UP_SECONDS)
            self.take_down()

    def take_down(self) -> None:
        down = run_lab(["down", "--stack", self._stack])
        assert down.returncode == 0, down.stdout + down.stderr


_UPCOMING = pytest.StashKey[UpcomingLab]()


@pytest.fixture(scope="session")
def upcoming_lab(request: pytest.FixtureRequest, stack: str) -> UpcomingLab:
    """The lab of the tests on its way, since before the first test where it was known that one needs it."""
    if _UPCOMING not in request.config.stash:
        request.config.stash[_UPCOMING] = UpcomingLab(stack)
    return request.config.stash[_UPCOMING]


@pytest.fixture(scope="session")
def live_lab(
    request: pytest.FixtureRequest, stack: str, engine: Engine, upcoming_lab: UpcomingLab
) -> Iterator[LiveLab]:
    """The lab of the tests, on real containers."""
    upcoming_lab.wait()
    inventory, secrets = read_lab(engine)
    yield LiveLab(stack, inventory, secrets)
    if not request.config.getoption("--keep-lab"):
        upcoming_lab.take_down()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _needs_lab(_fixtures(item)))


def pytest_collection_finish(session: pytest.Session) -> None:
    config = session.config
    if not config.option.collectonly and any(_waits_for_lab(_fixtures(item)) for item in session.items):
        config.stash[_UPCOMING] = UpcomingLab(str(config.getoption("--stack")))


def pytest_sessionfinish(session: pytest.Session) -> None:
    upcoming = session.config.stash.get(_UPCOMING, None)
    if upcoming is not None and not session.config.getoption("--keep-lab"):
        upcoming.abandon()


_live: set[str] = set()


# Not the setup: that of a lab which can't be stood up fails, and nothing has run on it.
def pytest_runtest_call(item: pytest.Item) -> None:
    if _needs_lab(_fixtures(item)):
        _live.add(item.nodeid)


def _fixtures(item: pytest.Item) -> set[str]:
    return set(getattr(item, "fixturenames", ()))


def _needs_lab(fixtures: set[str]) -> bool:
    return bool(fixtures & {"live_lab", "scratch"}) or _waits_for_lab(fixtures)


def _waits_for_lab(fixtures: set[str]) -> bool:
    """Whether it is the lab of this file that they are about, and not one that a test made for itself."""
    if "upcoming_lab" in fixtures:
        return True
    # These are the lab's, unless a file names others.
    if "stand" in fixtures:
        return "FAIRGROUND_STAND" not in os.environ
    return "targets" in fixtures and "FAIRGROUND_CONTRACT_TARGETS" not in os.environ


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(f"{len(_live)} tests ran against a lab on real containers.")
