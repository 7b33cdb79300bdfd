"""What dies, fills up or goes astray under a run, while nobody looks: no finished cell is lost, and none is wrong.

A cell has its fault in its first attempt. What is broken off by the network, sshd or a kill is in test_2_broken_off.
"""

import shutil
import signal
import subprocess
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import pytest

from cli.main import EXIT_INTERRUPTED
from documents.errors import HostUnreachableError
from documents.lab.inventory import Inventory
from documents.run.records import CellRecord, VoidReason
from experiment.progress.events import CellFinished, Event, Phase, PhaseStarted, RunFinished
from provision.ssh.connection import Connection, connect
from tests.conftest import NIGHTLY, LiveLab
from tests.e2e.conftest import StartRun
from tests.e2e.host_view import RUN_HOME, left_on_host, running_containers, wait_for_connections, wait_until_up
from tests.e2e.lab_run import API, LabRun, read_finished, write_protocol
from tests.e2e.lab_with_neighbours import LAB_WITH_NEIGHBOURS
from tests.e2e.small.conftest import runs_lab
from tests.e2e.small_lab import SmallLab
from tests.run_folder import read_attempts
from toolchain.console import as_root

_CONNECTIONS = 10
_LOAD_SECONDS = 2
_FAKETIME = resources.files("libfaketime") / "vendor" / "libfaketime" / "src" / "libfaketime.so.1"

_FILL_DISK = f"""
set -e
cp -a {RUN_HOME} /tmp/kept
mount -t tmpfs -o size=32m tmpfs {RUN_HOME}
cp -a /tmp/kept/. {RUN_HOME}
rm -rf /tmp/kept
cat /dev/zero > {RUN_HOME}/filler
"""

_EAT_MEMORY = "eaten = []\nwhile True:\n    eaten.append(b'x' * (1 << 26))"


class Breaker:
    """Does to the lab's host, and to the controller's clock, what a fault says.

    Its connection is open before, and each fault is one command: on a busy machine a load is over soon.
    """

    def __init__(self, host: Connection, inventory: Inventory, clock: Path) -> None:
        self._host = host
        self._inventory = inventory
        self._clock = clock

    def wait_for_load(self) -> None:
        """Wait until the generator has its connections."""
        wait_for_connections(self._host, self._inventory.api(API).port, _CONNECTIONS)

    def kill(self, container: str) -> None:
        """Kill a container's first process, as the kernel or a defect would; Docker starts it again."""
        process = f"$(docker inspect --format {{{{.State.Pid}}}} {container})"
        self._host.run(f"kill -KILL {process}", deadline_seconds=30)

    def exhaust_memory(self) -> None:
        """Take memory on the host until its limit ends the process that does."""
        eater = self._host.run(["python3", "-I", "-c", _EAT_MEMORY], deadline_seconds=60, check=False)
        assert eater.exit_status == 128 + signal.SIGKILL

    def fill_disk(self) -> None:
        """Fill what the run writes to on the host."""
        filled = self._host.run(_FILL_DISK, deadline_seconds=60, check=False)
        assert "No space left" in filled.stderr, filled

    def make_room(self) -> None:
        """Give the run its own disk back."""
        self._host.run(["umount", "--lazy", RUN_HOME], deadline_seconds=30)

    def set_clock(self, by: str) -> None:
        """Step the controller's clock."""
        self._clock.write_text(by)


@dataclass(frozen=True)
class Fault:
    """What happens in which phase of a cell's first attempt, what mends it, and by which reasons that is void."""

    phase: Phase
    break_it: Callable[[Breaker, Inventory], None]
    reasons: frozenset[VoidReason] = frozenset()
    mend_it: Callable[[Breaker], None] | None = None


_UNDER_LOAD: frozenset[VoidReason] = frozenset(
    {"no-requests", "wrk-errors", "generator-failed", "sampler-failed", "watch-failed"}
)

_AT_NIGHT = {"PostgreSQL killed", "Redis killed", "memory exhausted", "clock set back"}
"""The faults that the gate leaves out, each of which takes 12 s."""

_ALL = {
    "API killed": Fault("load", lambda breaker, lab: breaker.kill(lab.api(API).container), _UNDER_LOAD),
    "PostgreSQL killed": Fault("load", lambda breaker, lab: breaker.kill(lab.postgres.container), _UNDER_LOAD),
    "Redis killed": Fault("load", lambda breaker, lab: breaker.kill(lab.redis.container), _UNDER_LOAD),
    "PostgreSQL killed between loads": Fault(
        "reset",
        lambda breaker, lab: breaker.kill(lab.postgres.container),
        frozenset({"not-reset", "not-ready", "wrong-answer"}),
    ),
    "memory exhausted": Fault("load", lambda breaker, _lab: breaker.exhaust_memory()),
    "disk of the host full": Fault(
        "load", lambda breaker, _lab: breaker.fill_disk(), _UNDER_LOAD, lambda breaker: breaker.make_room()
    ),
    "clock set forward": Fault("reset", lambda breaker, _lab: breaker.set_clock("+3h")),
    "clock set back": Fault("reset", lambda breaker, _lab: breaker.set_clock("-3h")),
}

FAULTS = {name: fault for name, fault in _ALL.items() if NIGHTLY or name not in _AT_NIGHT}


@dataclass(frozen=True)
class Survivor:
    """A run under which all of that happened: its exit code, its last event, and the attempts at each fault's cell."""

    code: int
    last: Event
    errors: str
    attempts: dict[str, list[CellRecord]]


@pytest.fixture(scope="module")
def survivor(small_lab: SmallLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Survivor]:
    measured_lab = runs_lab(small_lab)
    folder = tmp_path_factory.mktemp("survivor")
    clock = folder / "clock"
    clock.write_text("+0")
    protocol = write_protocol(folder, ("light", "mixed", _CONNECTIONS, _LOAD_SECONDS), blocks=len(FAULTS), attempts=5)
    faults = dict(enumerate(FAULTS.values(), start=1))
    mends: dict[tuple[int, int], Callable[[Breaker], None]] = {}
    with connect(measured_lab.inventory.host) as host:
        breaker = Breaker(host, measured_lab.inventory, clock)

        def meet(event: Event) -> None:
            if not isinstance(event, PhaseStarted):
                return
            number = int(event.cell_id.split("-")[0])
            for attempt in mends.keys() - {(number, event.attempt)}:
                mends.pop(attempt)(breaker)
            fault = faults[number]
            if event.attempt == 1 and event.phase == fault.phase:
                if fault.phase == "load":
                    breaker.wait_for_load()
                fault.break_it(breaker, measured_lab.inventory)
                if fault.mend_it is not None:
                    mends[number, event.attempt] = fault.mend_it

        run = LabRun(
            measured_lab.stack, "--protocol", str(protocol), lab=("env", *_with_clock(clock), *LAB_WITH_NEIGHBOURS)
        )
        try:
            code = run.follow(meet)
            attempts: dict[str, list[CellRecord]] = {name: [] for name in FAULTS}
            for record in read_attempts(run.folder):
                attempts[[*FAULTS][int(record.cell_id.split("-")[0]) - 1]].append(record)
            yield Survivor(code, run.events[-1], run.stderr, attempts)
        finally:
            run.abandon()


def _with_clock(clock: Path) -> Iterator[str]:
    """What has a command's clock be as much ahead of this machine's, or behind, as a file says."""
    yield f"LD_PRELOAD={_FAKETIME}"
    yield f"FAKETIME_TIMESTAMP_FILE={clock}"
    # For each look at the clock the file would be read else.
    yield "FAKETIME_CACHE_DURATION=1"
    yield "FAKETIME_DONT_FAKE_MONOTONIC=1"
    # Else a wait for the interpreter's lock ends at once, and is begun again: ten times the CPU.
    yield "FAKETIME_FORCE_MONOTONIC_FIX=0"


def test_a_run_goes_on_to_its_end_whatever_dies_under_it(survivor: Survivor):
    assert survivor.code == 0, survivor.errors
    assert isinstance(survivor.last, RunFinished)
    assert survivor.last.void_cells == 0
    assert survivor.last.cells == len(FAULTS)


@pytest.mark.parametrize("name", FAULTS)
def test_a_cell_under_which_something_dies_is_void_by_its_name_and_measured_again(survivor: Survivor, name: str):
    first, *others = survivor.attempts[name]
    reasons = {void.reason for void in first.voids}
    if FAULTS[name].reasons:
        assert reasons
        assert reasons <= FAULTS[name].reasons, first.voids
        assert others[-1].valid
    else:
        assert first.valid, first.voids


def test_after_all_this_the_lab_is_as_it_was(survivor: Survivor, host: Connection, measured_lab: LiveLab):
    del survivor
    assert left_on_host(host) == []
    assert {api.container for api in measured_lab.inventory.apis} <= running_containers(host)


@pytest.mark.nightly
def test_a_run_that_is_broken_off_again_and_again_goes_on_and_loses_nothing(
    start_run: StartRun, measured_lab: LiveLab, host: Connection, tmp_path: Path
):
    """By two interrupts, the first of which is still at work, by a full disk here, and by the end of Docker there."""
    protocol = write_protocol(tmp_path, ("light", "mixed", _CONNECTIONS, 1), blocks=4)
    run = start_run("--protocol", str(protocol), lab=LAB_WITH_NEIGHBOURS)
    run.wait_for(lambda event: isinstance(event, CellFinished))
    run.wait_for_phase("load")
    run.send(signal.SIGINT)
    run.send(signal.SIGINT)
    assert run.finish() == EXIT_INTERRUPTED, run.stderr
    assert "Traceback" not in run.stderr
    assert left_on_host(host) == []
    finished = read_finished(run.folder)
    assert finished

    run = start_run("--resume", run.folder.name, lab=LAB_WITH_NEIGHBOURS)
    run.wait_for_phase("load")
    with full_disk(run.folder):
        assert run.finish() == 1
        assert "No space left on device" in run.stderr
        assert "Traceback" not in run.stderr
    assert finished.items() <= read_finished(run.folder).items()
    assert left_on_host(host) == []
    finished = read_finished(run.folder)

    run = start_run("--resume", run.folder.name, lab=LAB_WITH_NEIGHBOURS)
    run.wait_for_phase("load")
    with pytest.raises(HostUnreachableError):
        host.run("pkill -KILL --exact dockerd; sleep 30", deadline_seconds=60)
    assert run.finish() == 1
    assert "Traceback" not in run.stderr
    wait_until_up(measured_lab.inventory)

    run = start_run("--resume", run.folder.name, lab=LAB_WITH_NEIGHBOURS)
    assert run.finish() == 0, run.stderr
    assert finished.items() <= read_finished(run.folder).items()
    assert sum(record.valid for record in read_attempts(run.folder)) == 4
    with connect(measured_lab.inventory.host) as again:
        assert left_on_host(again) == []


@contextmanager
def full_disk(folder: Path) -> Generator[None]:
    """A run's folder on a disk without room, for what is written from now on."""
    kept = folder.with_name(f"{folder.name}-kept")
    shutil.copytree(folder, kept)
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    subprocess.run(as_root(mount, purpose="fill a disk"), check=True)
    try:
        shutil.copytree(kept, folder, dirs_exist_ok=True)
        with suppress(OSError), (folder / "filler").open("wb") as filler:
            while filler.write(bytes(4096)):
                filler.flush()
        yield
    finally:
        subprocess.run(as_root(["umount", "--lazy", str(folder)], purpose="make room again"), check=True)
        shutil.rmtree(kept)
