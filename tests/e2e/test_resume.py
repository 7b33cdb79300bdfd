import random
import signal
import time
from pathlib import Path

import pytest

from documents.run import attempt_id
from experiment.events import RunFinished, RunStarted
from provision.connection import Connection, connect
from tests.conftest import LiveLab
from tests.e2e.conftest import StartRun
from tests.e2e.host_view import left_on_host, running_containers, wait_until_up
from tests.e2e.lab_run import LabRun, read_attempts, read_finished, read_journal, read_records, write_protocol

CELLS = 4
_KILLS = 10
_SILENCE_SECONDS = 240
"""The most that a run takes to give up a host that takes everything and answers nothing."""


def protocol_of(folder: Path, cells: int) -> str:
    scenarios = (("light", "mixed", 10, 1), ("heavy", "read-post", 50, 1))
    return str(write_protocol(folder, *scenarios, blocks=cells // len(scenarios)))


@pytest.fixture
def protocol(tmp_path: Path) -> str:
    return protocol_of(tmp_path, CELLS)


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

    def require_finished(self, run: LabRun, host: Connection) -> None:
        """The resumed run measured all that was lacking, kept what was there, and left nothing on the host."""
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
        assert len(told) == len(set(told)), "each attempt is told as finished once"
        assert [valid for _, valid in ended].count(True) == self.cells, "and each cell has one that counts"
        assert isinstance(run.events[-1], RunFinished)
        assert run.events[-1].void_cells == 0
        assert left_on_host(host) == []


def resume(start_run: StartRun, interrupted: Interrupted) -> LabRun:
    run = start_run("--resume", interrupted.folder.name)
    started = run.wait_for(lambda event: isinstance(event, RunStarted))
    assert isinstance(started, RunStarted)
    assert started.finished == sum(record.valid for record in read_attempts(interrupted.folder))
    return run


def test_a_run_that_is_killed_at_ten_random_moments_goes_on_where_it_stopped(
    start_run: StartRun, host: Connection, tmp_path: Path
):
    seed = random.SystemRandom().randrange(2**32)
    draw = random.Random(seed)  # noqa: S311 - moments, not secrets
    print(f"seed of the moments: {seed}")  # noqa: T201 - pytest shows it where the test fails
    # A cell has ten events, so less than two are finished between two moments, and the last cells after all of them.
    cells = _KILLS + 2
    run = start_run("--protocol", protocol_of(tmp_path, cells))
    run.wait_for(lambda event: isinstance(event, RunStarted))
    interrupted = Interrupted(run.folder, cells)
    for _ in range(_KILLS):
        # The first moment lies behind a cell's end, so that there is something to be kept.
        for _ in range(draw.randint(0 if interrupted.times else 10, 17)):
            run.wait_for(lambda _event: True)
        time.sleep(draw.uniform(0, 0.4))
        run.send(signal.SIGKILL)
        assert run.finish() == -signal.SIGKILL
        interrupted.remember()
        run = resume(start_run, interrupted)
    assert run.finish() == 0, run.stderr
    interrupted.require_finished(run, host)


def test_a_run_whose_connection_is_cut_says_so_and_goes_on_where_it_stopped(
    start_run: StartRun, host: Connection, protocol: str
):
    run = start_run("--protocol", protocol)
    run.wait_for_phase("load")
    run.wait_for_phase("load")
    cut_connection(host)
    assert run.finish() == 1
    assert "The connection to root@127.0.0.1:" in run.stderr
    assert "lost" in run.stderr
    assert "Traceback" not in run.stderr
    interrupted = Interrupted(run.folder)
    interrupted.remember()
    run = resume(start_run, interrupted)
    assert run.finish() == 0, run.stderr
    interrupted.require_finished(run, host)


def cut_connection(host: Connection) -> None:
    """Kill the sshd that serves the run's connection."""
    host.run(["kill", "-KILL", session_of_run(host)], deadline_seconds=30)


def session_of_run(host: Connection) -> str:
    """The sshd that serves the run's connection: the process that holds the run's lock is below it."""
    return host.run(
        "process=$(sed -n 2p /var/lib/fairground/run.lock);"
        'until [ "$(cat /proc/$process/comm)" = sshd-session ]; do'
        '    process=$(ps -o ppid= -p "$process" | tr -d " ");'
        "done;"
        'echo "$process"',
        deadline_seconds=30,
    ).stdout.strip()


def test_a_run_that_hears_nothing_any_more_says_so_and_goes_on_where_it_stopped(
    start_run: StartRun, host: Connection, protocol: str
):
    """As where packets are lost: nobody closes the connection, and to the host it is open to the end."""
    run = start_run("--protocol", protocol)
    run.wait_for_phase("load")
    run.wait_for_phase("load")
    session = session_of_run(host)
    host.run(["kill", "-STOP", session], deadline_seconds=30)
    try:
        assert run.finish(patience_seconds=_SILENCE_SECONDS) == 1
        assert "The connection to root@127.0.0.1:" in run.stderr
        assert "Traceback" not in run.stderr
        interrupted = Interrupted(run.folder)
        interrupted.remember()
        run = resume(start_run, interrupted)
        assert run.finish() == 0, run.stderr
    finally:
        host.run(["kill", "-KILL", session], deadline_seconds=30)
    interrupted.require_finished(run, host)


def test_a_run_does_not_notice_that_sshd_reads_its_configuration_again(
    start_run: StartRun, host: Connection, tmp_path: Path
):
    run = start_run("--protocol", str(write_protocol(tmp_path, ("light", "mixed", 10, 2))))
    run.wait_for_phase("load")
    host.run('kill -HUP "$(pgrep --oldest --exact sshd)"', deadline_seconds=30)
    assert run.finish() == 0, run.stderr
    assert all(record.valid for record in read_records(run.folder).values())
    assert left_on_host(host) == []


def test_a_run_whose_host_starts_anew_goes_on_where_it_stopped(start_run: StartRun, live_lab: LiveLab, protocol: str):
    run = start_run("--protocol", protocol)
    run.wait_for_phase("load")
    run.wait_for_phase("load")
    # A host in a container ends with its sshd, and is started again.
    with connect(live_lab.inventory.host) as connection:
        connection.run('kill -KILL "$(pgrep --oldest --exact sshd)"', deadline_seconds=30)
    assert run.finish() == 1
    assert "Traceback" not in run.stderr
    interrupted = Interrupted(run.folder)
    interrupted.remember()
    wait_until_up(live_lab.inventory)
    run = resume(start_run, interrupted)
    assert run.finish() == 0, run.stderr
    with connect(live_lab.inventory.host) as connection:
        interrupted.require_finished(run, connection)


def test_a_request_to_end_leaves_the_lab_as_it_was_and_the_run_goes_on(
    start_run: StartRun, live_lab: LiveLab, host: Connection, protocol: str
):
    run = start_run("--protocol", protocol)
    run.wait_for_phase("load")
    time.sleep(0.5)
    end_and_look(run, signal.SIGINT, live_lab, host)
    interrupted = Interrupted(run.folder)
    interrupted.remember()
    run = resume(start_run, interrupted)
    run.wait_for_phase("warm_up")
    run.wait_for_phase("reset")
    end_and_look(run, signal.SIGTERM, live_lab, host)
    interrupted.remember()
    run = resume(start_run, interrupted)
    assert run.finish() == 0, run.stderr
    interrupted.require_finished(run, host)


def end_and_look(run: LabRun, number: signal.Signals, live_lab: LiveLab, host: Connection) -> None:
    run.send(number)
    assert run.finish() == 130, run.stderr
    assert "interrupted: what was finished is kept" in run.stderr
    assert "Traceback" not in run.stderr
    assert left_on_host(host) == []
    assert {api.container for api in live_lab.inventory.apis} <= running_containers(host)


def test_a_finished_run_is_resumed_without_a_load(start_run: StartRun, tmp_path: Path, live_lab: LiveLab):
    run = start_run("--protocol", str(write_protocol(tmp_path, ("light", "read-user", 10, 1))))
    assert run.finish() == 0, run.stderr
    files = {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}
    again = live_lab.run("run", "--resume", run.folder.name)
    assert again.returncode == 0, again.stderr
    assert "1 cells, 1 of them done already" in again.stdout
    assert {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()} == files
