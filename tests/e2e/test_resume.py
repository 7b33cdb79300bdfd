import random
import signal
import time
from pathlib import Path

import pytest

from documents.run import attempt_id
from experiment.events import RunFinished, RunStarted
from provision.connection import Connection, connect
from provision.preparation import wait_for_engine
from provision.readiness import wait_for_postgres
from tests.conftest import LiveLab
from tests.e2e.conftest import StartRun
from tests.e2e.host_view import left_on_host, running_containers
from tests.e2e.lab_run import LabRun, read_attempts, read_finished, read_journal, read_records, write_protocol

CELLS = 4
_SEED = 20
"""Draws two moments in the second cell and one in the first or between two, each somewhere in a phase."""


@pytest.fixture
def protocol(tmp_path: Path) -> str:
    scenarios = (("light", "mixed", 10, 1), ("heavy", "read-post", 50, 1))
    return str(write_protocol(tmp_path, *scenarios, blocks=CELLS // len(scenarios)))


class Interrupted:
    """A run that was broken off, and what it had finished by then, every time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
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
        assert [valid for _, valid in ended].count(True) == CELLS, "and each cell has one that counts"
        assert isinstance(run.events[-1], RunFinished)
        assert run.events[-1].void_cells == 0
        assert left_on_host(host) == []


def resume(start_run: StartRun, interrupted: Interrupted) -> LabRun:
    run = start_run("--resume", interrupted.folder.name)
    started = run.wait_for(lambda event: isinstance(event, RunStarted))
    assert isinstance(started, RunStarted)
    assert started.finished == sum(record.valid for record in read_attempts(interrupted.folder))
    return run


def test_a_run_that_is_killed_at_any_moment_goes_on_where_it_stopped(
    start_run: StartRun, host: Connection, protocol: str
):
    draw = random.Random(_SEED)  # noqa: S311 - moments, not secrets
    run = start_run("--protocol", protocol)
    run.wait_for(lambda event: isinstance(event, RunStarted))
    interrupted = Interrupted(run.folder)
    for _ in range(3):
        for _ in range(draw.randint(2, 14)):
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
    """Kill the sshd that serves the run's connection: the process that holds the run's lock is below it."""
    host.run(
        "process=$(sed -n 2p /var/lib/fairground/run.lock);"
        'until [ "$(cat /proc/$process/comm)" = sshd-session ]; do'
        '    process=$(ps -o ppid= -p "$process" | tr -d " ");'
        "done;"
        'kill -KILL "$process"',
        deadline_seconds=30,
    )


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
    wait_until_up(live_lab)
    run = resume(start_run, interrupted)
    assert run.finish() == 0, run.stderr
    with connect(live_lab.inventory.host) as connection:
        interrupted.require_finished(run, connection)


def wait_until_up(live_lab: LiveLab) -> None:
    with connect(live_lab.inventory.host, deadline_seconds=60) as connection:
        wait_for_engine(connection, deadline_seconds=60)
        wait_for_postgres(connection, live_lab.inventory.postgres, deadline_seconds=60)


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
