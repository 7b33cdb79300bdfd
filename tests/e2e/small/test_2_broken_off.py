"""A `lab run` that is broken off goes on where it stopped, and its host's settings come back.

The lab's host stands for one of its own in it, with a stand-in for the kernel's files; all else is what it always is.
"""

import random
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from documents.errors import HostUnreachableError
from documents.run.records import HostRecord, attempt_id
from experiment.progress.events import CellFinished, Phase, RunFinished, RunStarted
from provision.ssh.connection import Connection, connect
from tests.conftest import LiveLab
from tests.e2e.conftest import StartRun
from tests.e2e.host_view import left_on_host, running_containers, wait_until_up
from tests.e2e.lab_run import LabRun, read_finished, write_protocol
from tests.e2e.own_host import OwnHost, stand_in_on
from tests.run_folder import read_attempts, read_journal
from tests.ssh.cable import cable_to
from tests.unit.provision.settings_stand_in import UNTOUCHED_SETTINGS, is_tuned

CELLS = 4
WARM_UP_SECONDS = LOAD_SECONDS = 1
_RANDOM_KILLS = 10

Moment = Callable[[LabRun], object]
"""Waits for a moment of a run."""


@pytest.fixture
def own_host(measured_lab: LiveLab) -> Iterator[OwnHost]:
    with stand_in_on(measured_lab.inventory.host) as own_host:
        yield own_host


@pytest.fixture
def protocol(tmp_path: Path) -> str:
    return protocol_of(tmp_path, CELLS)


def protocol_of(folder: Path, cells: int) -> str:
    scenarios = (("light", "mixed", 10, LOAD_SECONDS), ("heavy", "read-post", 50, LOAD_SECONDS))
    path = write_protocol(folder, *scenarios, warm_up_seconds=WARM_UP_SECONDS, blocks=cells // len(scenarios))
    return str(path)


class Interrupted:
    """A run that was broken off, and what it had finished by then, every time."""

    def __init__(self, folder: Path, cells: int = CELLS) -> None:
        self.folder = folder
        self.cells = cells
        self.times = 0
        self._finished: dict[Path, bytes] = {}

    def remember(self) -> None:
        """Take down what is finished after a break; nothing of it may have changed since the last one."""
        self.require_unchanged()
        self._finished = read_finished(self.folder)
        self.times += 1

    def require_unchanged(self) -> None:
        assert {path: path.read_bytes() for path in self._finished} == self._finished

    def require_finished(self, run: LabRun, own_host: OwnHost, host: Connection) -> None:
        """The resumed run measured all that was lacking, kept what was there, and left the host as it was."""
        assert self._finished, "no cell was finished when the run was broken off: this proves nothing"
        self.require_unchanged()
        journal = read_journal(self.folder)
        events = [entry.event for entry in journal]
        assert events.count("run-started") == 1
        assert events.count("run-resumed") == self.times
        assert events[-1] == "run-finished"
        ended = [
            (attempt_id(str(entry.cell_id), entry.attempt or 1), entry.event == "cell-finished")
            for entry in journal
            if entry.event in {"cell-finished", "cell-void"}
        ]
        told = [name for name, _ in ended]
        assert sorted(told) == sorted(path.name for path in self.folder.glob("cells/*"))
        assert len(told) == len(set(told)), "each attempt is reported as finished once"
        assert [valid for _, valid in ended].count(True) == self.cells, "and each cell has one that counts"
        assert isinstance(run.events[-1], RunFinished)
        assert run.events[-1].void_cells == 0
        assert left_on_host(host) == []
        assert own_host.settings() == UNTOUCHED_SETTINGS
        assert own_host.left() == []
        record = HostRecord.from_json((self.folder / "host.json").read_bytes(), name="host.json")
        assert record.knobs
        assert all(knob.controlled and knob.after == knob.before for knob in record.knobs)


def resume(start_run: StartRun, interrupted: Interrupted, lab: list[str]) -> LabRun:
    run = start_run("--resume", interrupted.folder.name, lab=lab)
    started = run.wait_for(lambda event: isinstance(event, RunStarted))
    assert isinstance(started, RunStarted)
    assert started.finished == sum(record.valid for record in read_attempts(interrupted.folder))
    return run


def kill_and_resume(
    start_run: StartRun, own_host: OwnHost, moments: Iterable[Moment], protocol: str, cells: int
) -> tuple[Interrupted, LabRun]:
    """Kill a run at each of the moments, resume it each time, and let it end; returns what it was, and its last part.

    Each moment comes after the one in which the run begins, and the first one after the end of a cell. At one of them,
    at least, the host's settings must be the run's.
    """
    run = start_run("--protocol", protocol, lab=own_host.lab())
    run.wait_for(lambda event: isinstance(event, RunStarted))
    interrupted = Interrupted(run.folder, cells)
    tuned = False
    for moment in moments:
        if interrupted.times:
            run = resume(start_run, interrupted, own_host.lab())
        else:
            run.wait_for(lambda event: isinstance(event, CellFinished))
        moment(run)
        run.send(signal.SIGKILL)
        assert run.finish() == -signal.SIGKILL
        tuned |= is_tuned(own_host.settings())
        interrupted.remember()
    assert tuned, "there was something to put back"
    own_host.wait_until_put_back(WARM_UP_SECONDS + LOAD_SECONDS)
    run = resume(start_run, interrupted, own_host.lab())
    assert run.finish() == 0, run.stderr
    return interrupted, run


def test_run_killed_in_a_load_and_a_reset_is_resumed_and_every_setting_comes_back(
    start_run: StartRun, own_host: OwnHost, host: Connection, protocol: str
):
    def at(phase: Phase) -> Moment:
        return lambda run: run.wait_for_phase(phase)

    moments = [at("load"), at("reset")]
    interrupted, run = kill_and_resume(start_run, own_host, moments, protocol, CELLS)
    interrupted.require_finished(run, own_host, host)


@pytest.mark.nightly
def test_run_killed_at_ten_random_moments_is_resumed_and_every_setting_comes_back(
    start_run: StartRun, own_host: OwnHost, host: Connection, tmp_path: Path
):
    seed = random.SystemRandom().randrange(2**32)
    draw = random.Random(seed)  # noqa: S311 - moments, not secrets
    print(f"seed of the moments: {seed}")  # noqa: T201 - pytest shows it where the test fails

    def at_random(run: LabRun) -> None:
        for _ in range(draw.randint(0, 17)):
            run.wait_for(lambda _event: True)
        time.sleep(draw.uniform(0, 0.4))

    # A cell has ten events, so less than two are finished between two moments, and the last cells after all of them.
    cells = _RANDOM_KILLS + 4
    moments = [at_random] * _RANDOM_KILLS
    interrupted, run = kill_and_resume(start_run, own_host, moments, protocol_of(tmp_path, cells), cells)
    interrupted.require_finished(run, own_host, host)


def test_run_whose_network_is_cut_says_so_and_is_resumed_and_every_setting_comes_back(
    start_run: StartRun, own_host: OwnHost, host: Connection, tmp_path: Path
):
    """Packets are lost without an error: to the host the connection is open to the end."""
    with cable_to(own_host.host, tmp_path) as cable:
        run = start_run("--protocol", protocol_of(tmp_path, 2), lab=own_host.lab(cable.host))
        run.wait_for_phase("load")
        run.wait_for_phase("load")
        assert is_tuned(own_host.settings())
        cable.cut()
        assert run.finish() == 1
        assert "The connection to root@127.0.0.1:" in run.stderr
        assert "Traceback" not in run.stderr
        interrupted = Interrupted(run.folder, 2)
        interrupted.remember()
        own_host.wait_until_put_back(WARM_UP_SECONDS + LOAD_SECONDS)
        cable.accept_again()
        run = resume(start_run, interrupted, own_host.lab(cable.host))
        assert run.finish() == 0, run.stderr
    interrupted.require_finished(run, own_host, host)


@pytest.mark.nightly
def test_a_run_whose_sshd_dies_goes_on_and_every_setting_comes_back(
    start_run: StartRun, own_host: OwnHost, measured_lab: LiveLab, protocol: str
):
    """A host in a container ends with its sshd, and its guard with it; the run that goes on puts back what was left."""
    run = start_run("--protocol", protocol, lab=own_host.lab())
    run.wait_for_phase("load")
    run.wait_for_phase("load")
    # With its sessions: a run that still has its own puts the settings back while the host ends.
    with connect(measured_lab.inventory.host) as connection, pytest.raises(HostUnreachableError):
        connection.run(["pkill", "-KILL", "sshd"], deadline_seconds=30)
    assert run.finish() == 1
    assert "The connection to root@127.0.0.1:" in run.stderr
    assert "Traceback" not in run.stderr
    interrupted = Interrupted(run.folder)
    interrupted.remember()
    wait_until_up(measured_lab.inventory)
    assert is_tuned(own_host.settings()), "nothing but the next run is left to put it back"
    run = resume(start_run, interrupted, own_host.lab())
    assert run.finish() == 0, run.stderr
    with connect(measured_lab.inventory.host) as connection:
        interrupted.require_finished(run, own_host, connection)


def test_run_that_is_asked_to_end_leaves_the_lab_and_its_host_as_they_were_and_is_resumed(
    start_run: StartRun, own_host: OwnHost, measured_lab: LiveLab, host: Connection, tmp_path: Path
):
    def end_and_look(number: signal.Signals) -> None:
        run.send(number)
        assert run.finish() == 130, run.stderr
        assert "interrupted: finished work is kept" in run.stderr
        assert "Traceback" not in run.stderr
        assert own_host.settings() == UNTOUCHED_SETTINGS
        assert left_on_host(host) == []
        assert {api.container for api in measured_lab.inventory.apis} <= running_containers(host), run.stderr

    run = start_run("--protocol", protocol_of(tmp_path, 2), lab=own_host.lab())
    run.wait_for(lambda event: isinstance(event, CellFinished))
    run.wait_for_phase("load")
    end_and_look(signal.SIGINT)
    interrupted = Interrupted(run.folder, 2)
    interrupted.remember()
    run = resume(start_run, interrupted, own_host.lab())
    # At once, while the database is made again: that mustn't go on beside what puts it back.
    run.wait_for_phase("reset")
    end_and_look(signal.SIGTERM)
    interrupted.remember()
    run = resume(start_run, interrupted, own_host.lab())
    assert run.finish() == 0, run.stderr
    interrupted.require_finished(run, own_host, host)
