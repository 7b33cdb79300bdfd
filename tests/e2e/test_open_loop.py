"""A run with an open loop on the lab: its program is built on the host, and its cells are measured like the others."""

from pathlib import Path

import pytest

from analysis.raw.run import read_run
from analysis.report.report import analyse
from documents.run.records import CellRecord
from documents.run.window import OpenLoopPlan, OpenLoopResult
from experiment.progress.events import OpenLoopPlanned
from experiment.workloads.command import OPEN_LOOP_SOURCE
from provision.load import open_loop
from provision.ssh.connection import Connection
from tests.conftest import LiveLab
from tests.e2e.conftest import StartRun
from tests.e2e.host_view import left_on_host
from tests.e2e.lab_run import ATTEMPTS_MOST, write_protocol
from tests.run_folder import read_attempts
from tests.ssh.waiting import wait_until

pytestmark = [pytest.mark.alone, pytest.mark.nightly]


@pytest.fixture
def program(live_lab: LiveLab, host: Connection) -> str:
    """The program on the host; a run would build it as well, but longer than the test waits for its next event."""
    return open_loop.install(host, live_lab.inventory, OPEN_LOOP_SOURCE)


def protocol_with(folder: Path, shares: str, seconds: int) -> str:
    # A request that isn't answered in time is no more than the missed rate, and waited for three times.
    path = write_protocol(folder, ("heavy", "mixed", 20, 2), attempts=ATTEMPTS_MOST, timeout_seconds=5)
    asked = f"open_loop: {{scenario: heavy, shares: {shares}, seconds: {seconds}, blocks: 1}}"
    path.write_text(f"{path.read_text()}{asked}\n")
    return str(path)


def read_plan(folder: Path) -> OpenLoopPlan:
    return OpenLoopPlan.from_json((folder / "open-loop-plan.json").read_bytes(), name="open-loop-plan.json")


def attempts_at(folder: Path, cell_id: str) -> list[CellRecord]:
    return sorted(
        (record for record in read_attempts(folder) if record.cell_id == cell_id), key=lambda record: record.attempt
    )


def test_the_program_is_built_once_and_no_image_of_it_stays(live_lab: LiveLab, host: Connection, program: str):
    first = host.run(["stat", "--format=%Y %i", program], deadline_seconds=30).stdout
    assert open_loop.install(host, live_lab.inventory, OPEN_LOOP_SOURCE) == program
    assert host.run(["stat", "--format=%Y %i", program], deadline_seconds=30).stdout == first
    images = host.run(["docker", "images", "--format", "{{.Repository}}"], deadline_seconds=30).stdout.split()
    assert images
    assert "fairground-once-open-loop" not in images
    containers = host.run(["docker", "ps", "--all", "--format", "{{.Image}}"], deadline_seconds=30).stdout
    assert "fairground-once" not in containers


def test_a_run_measures_its_open_loop_at_the_rates_of_its_closed_loop(
    start_run: StartRun, host: Connection, program: str, tmp_path: Path
):
    run = start_run("--protocol", protocol_with(tmp_path, "[0.1, 0.3]", 3))
    run.wait_for(lambda event: isinstance(event, OpenLoopPlanned))
    run.wait_for_phase("load")
    wait_until(lambda: any(program in left for left in left_on_host(host)))
    assert run.finish() == 0, run.stderr
    plan = read_plan(run.folder)
    assert [rate.share for rate in plan.rates] == [0.1, 0.3]
    for cell in plan.cells:
        record = attempts_at(run.folder, cell.id)[-1]
        assert record.voids == ()
        assert record.pinning
        assert set(record.files) == {"open-loop.json", "samples.csv", "ticks.jsonl", "watch.json"}
        name = run.folder / "cells" / record.attempt_id / "open-loop.json"
        result = OpenLoopResult.from_json(name.read_bytes(), name=str(name))
        assert result.requests == 3 * cell.rate
        assert (record.load_started_ns, record.load_ended_ns) == (result.started_ns, result.ended_ns)
        assert set(result.statuses) == {"GET", "POST", "PUT"}
        assert 1 <= result.connections_opened <= 20
    report = analyse(read_run(run.folder))
    assert report.open_loop is not None
    assert [summary.cells for summary in report.open_loop.summaries] == [1, 1]
    assert all(cell.watch is not None for cell in report.open_loop.cells)
    assert left_on_host(host) == []
