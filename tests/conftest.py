"""The lab that tests on real containers share: stood up when the first of them asks, taken down at the end."""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from cli.context import open_engine
from documents.lab.inventory import Inventory, Secrets
from lab.lifecycle import read_lab
from lab.lifecycle.engine import Engine
from lab.lifecycle.state import is_recorded
from provision.containers import LOCAL_DOCKER, find_labelled
from provision.ssh.connection import Connection, connect
from tests.ssh.sshd import Sshd, running_sshd

STACK = "test"

_UP_SECONDS = 1_800
"""Compilers, crates, modules and jars are downloaded, and four APIs are compiled."""

ROOT = Path(__file__).parents[1]
LAB = ROOT / ".venv" / "bin" / "lab"

STACKS = sorted(path for path in (ROOT / "stacks").glob("*.yaml") if not path.name.startswith(("ci-", "e2e-")))
"""The project's stacks, without those that `ci/gate_stack.py` and tests write beside them for a while."""

IMPLEMENTATIONS = sorted(path.parent.name for path in (ROOT / "apis").glob("*/Dockerfile"))
"""The names of the implementations: the folders beside the contract."""

# A shell has what it starts in the background ignore these, and whatever that starts inherits it. Tests that interrupt
# the programs that they start would then wait in vain.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)

NIGHTLY = "FAIRGROUND_NIGHTLY" in os.environ
"""Whether tests draw their random values from a new seed, rather than from the one that the gate always has."""

# There is no deadline for one example: how long it takes depends on what else the machine does.
settings.register_profile("gate", max_examples=50, derandomize=True, database=None, deadline=None)
settings.register_profile("nightly", max_examples=300, print_blob=True, deadline=None)
settings.load_profile("nightly" if NIGHTLY else "gate")


@dataclass(frozen=True)
class LiveLab:
    """A lab that is up: its stack's name, its inventory and its secrets."""

    stack: str
    inventory: Inventory
    secrets: Secrets

    def run(self, *arguments: str, timeout: float = 900) -> "subprocess.CompletedProcess[str]":
        """Run the `lab` command on this lab."""
        return run_lab([*arguments, "--stack", self.stack], timeout=timeout)


def run_lab(
    arguments: Sequence[str], *, lab: Sequence[str | Path] = (LAB,), timeout: float = 900
) -> "subprocess.CompletedProcess[str]":
    """Run the `lab` command as a user does, without a terminal; `lab` is the command that is run as `lab`."""
    return subprocess.run(
        [*lab, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--stack", default=STACK, help="the stack whose lab the tests use")
    parser.addoption("--keep-lab", action="store_true", help="leave the lab up at the end, for the next time")
    parser.addoption("--lab-stands", action="store_true", help="neither stand the lab up nor take it down")
    parser.addoption("--durations-file", type=Path, help="write the seconds of each test and its fixtures there")


@pytest.fixture
def own_sshd(tmp_path: Path) -> Iterator[Sshd]:
    """A real sshd on loopback, whose host is this very machine; the test may stop and reconfigure it."""
    with running_sshd(tmp_path / "sshd") as server:
        yield server


@pytest.fixture
def sshd(own_sshd: Sshd) -> Sshd:
    """The sshd of `connection`: the test's own, or in `tests/ssh` one for all tests."""
    return own_sshd


@pytest.fixture
def connection(sshd: Sshd) -> Iterator[Connection]:
    with connect(sshd.host) as opened:
        yield opened


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> str:
    return str(request.config.getoption("--stack"))


@pytest.fixture(scope="session")
def engine(stack: str) -> Engine:
    return open_engine(stack)


@pytest.fixture(scope="session")
def live_lab(request: pytest.FixtureRequest, stack: str, engine: Engine) -> Iterator[LiveLab]:
    """The lab of the tests, on real containers."""
    stands = request.config.getoption("--lab-stands")
    if not stands:
        stand_up(stack)
    inventory, secrets = read_lab(engine)
    yield LiveLab(stack, inventory, secrets)
    if not stands and not request.config.getoption("--keep-lab"):
        take_down(stack)


def stand_up(stack: str) -> None:
    """Stand the lab of the tests up.

    One that is up but not on record here is what tests in another checkout left when they were killed: it goes first.
    """
    if not is_recorded(open_engine(stack)) and any(
        thing.kind == "container" for thing in find_labelled(LOCAL_DOCKER, stack)
    ):
        take_down(stack)
    up = run_lab(["up", "--stack", stack], timeout=_UP_SECONDS)
    assert up.returncode == 0, up.stdout + up.stderr


def take_down(stack: str) -> None:
    """Take the lab of the tests down."""
    down = run_lab(["down", "--stack", stack])
    assert down.returncode == 0, down.stdout + down.stderr


def pytest_configure(config: pytest.Config) -> None:
    for mark in (
        "lab: runs against a lab on real containers; set by its fixtures, not by hand",
        *(f"{name}: has a lab of its own, beside other tests; set by that fixture, not by hand" for name in OWN_LABS),
        "nightly: thorough, slow or random; in `make nightly`, and not in the gate",
        "builds: compiles, or builds images from nothing; never runs beside what holds time limits",
        "in_time: holds an API to the contract's time limits, with little beside it; set by its folder, not by hand",
        "alone: measures something on this machine, and says little while other tests run beside it",
    ):
        config.addinivalue_line("markers", mark)


OWN_LABS = ("small_lab", "walked_lab")
"""The fixtures that are labs of their own, those first whose tests take longest. Each is a mark, too."""

LAB_FOLDERS = ("tests/apis", "tests/e2e")
"""Where tests that need a lab are, except those that hold time limits."""

IN_TIME_FOLDERS = ("tests/contract", "tests/differential", "tests/faults", "tests/hostile")
"""Where the tests that hold time limits are."""


# Before pytest chooses by the mark.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _needs_lab(item):
            item.add_marker("lab")
            if not _is_in(item, (*LAB_FOLDERS, *IN_TIME_FOLDERS)):
                raise pytest.UsageError(
                    f"{item.nodeid} needs a lab: move it into one of LAB_FOLDERS of tests/conftest.py."
                )
        fixtures: set[str] = set(getattr(item, "fixturenames", ()))
        if _is_in(item, IN_TIME_FOLDERS):
            item.add_marker("in_time")
        if own := next((name for name in OWN_LABS if name in fixtures), None):
            item.add_marker(own)


def _is_in(item: pytest.Item, folders: Sequence[str]) -> bool:
    return any(item.path.is_relative_to(ROOT / folder) for folder in folders)


_live: set[str] = set()


# Not the setup: that of a lab which can't be stood up fails, and nothing has run on it.
def pytest_runtest_call(item: pytest.Item) -> None:
    if _needs_lab(item):
        _live.add(item.nodeid)


def _needs_lab(item: pytest.Item) -> bool:
    fixtures: set[str] = set(getattr(item, "fixturenames", ()))
    if fixtures & {"live_lab", *OWN_LABS}:
        return True
    # These are the lab's, unless a file names others.
    if "stand" in fixtures:
        return "FAIRGROUND_STAND" not in os.environ
    return "targets" in fixtures and "FAIRGROUND_CONTRACT_TARGETS" not in os.environ


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    terminalreporter.write_line(f"{len(_live)} tests ran against a lab on real containers.")
    file: Path | None = config.getoption("--durations-file")
    if file is not None:
        reports = [report for found in terminalreporter.stats.values() for report in found]
        timed = [report for report in reports if isinstance(report, pytest.TestReport)]
        file.write_text("".join(f"{one.duration:.3f}\t{one.when}\t{one.nodeid}\n" for one in timed))
