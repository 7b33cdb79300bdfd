"""The small lab with a load host: added by the document, a run from it that is killed and resumed, removed again."""

import shutil
import signal
from pathlib import Path

import pytest

from analysis.raw.run import read_run
from analysis.report.report import analyse
from documents.run.window import OpenLoopResult
from provision.containers import LOCAL_DOCKER, find_labelled
from tests.conftest import LiveLab
from tests.e2e.host_view import left_on_load_hosts
from tests.e2e.lab_run import ATTEMPTS_MOST, LabRun, write_protocol
from tests.e2e.lab_with_neighbours import LAB_WITH_NEIGHBOURS
from tests.e2e.scratch import HOST, NAME
from tests.e2e.small_lab import BASE, SmallLab
from tests.run_folder import read_attempts
from tests.ssh.waiting import wait_until

_SECONDS = 5


@pytest.fixture
def loaded_lab(small_lab: SmallLab) -> LiveLab:
    """The small lab with one load host."""
    small_lab.describe_go(BASE, load_hosts=1)
    small_lab.standing(only_looked_at=True)
    return small_lab.as_it_stands()


@pytest.mark.builds
def test_run_from_a_load_host_is_killed_and_resumed_with_a_closed_and_an_open_cell(loaded_lab: LiveLab, tmp_path: Path):
    protocol = write_protocol(tmp_path, ("light", "mixed", 10, _SECONDS), attempts=ATTEMPTS_MOST)
    # A low rate: other tests take CPU from it, and a rate that isn't reached is no measurement.
    with protocol.open("a") as file:
        file.write("open_loop: {scenario: light, shares: [0.1], seconds: 2, blocks: 1}\n")
    run = LabRun(loaded_lab.stack, "--protocol", str(protocol), lab=LAB_WITH_NEIGHBOURS)
    try:
        run.wait_for_phase("load")
        wait_until(lambda: any(" wrk " in left for left in left_on_load_hosts(loaded_lab.inventory)))
        run.send(signal.SIGKILL)
        run.finish()
        assert left_on_load_hosts(loaded_lab.inventory), "the load host doesn't know yet"
        folder = run.folder
        run = LabRun(loaded_lab.stack, "--resume", folder.name, lab=LAB_WITH_NEIGHBOURS)
        assert run.finish() == 0, run.stderr
        assert left_on_load_hosts(loaded_lab.inventory) == []
        closed, opened = (folder / "cells" / record.attempt_id for record in read_attempts(folder) if record.valid)
        report = analyse(read_run(folder))
        [cell] = report.cells
        assert cell.requests > 100
        assert cell.usage["generator"].cpu_cores > 0
        assert len(report.load_hosts) == 1
        assert "generator" not in (closed / "samples.csv").read_text(), "the load isn't made on the lab's host"
        attack = OpenLoopResult.from_json((opened / "open-loop.json").read_bytes(), name="open-loop.json")
        assert attack.requests == 2 * attack.rate
        assert [path for path in folder.rglob("*") if path.is_file() and b"eyJ" in path.read_bytes()] == []
    finally:
        run.abandon()
        shutil.rmtree(run.folder)


@pytest.mark.nightly
def test_load_host_that_the_document_no_longer_has_is_gone(small_lab: SmallLab, loaded_lab: LiveLab):
    assert loaded_lab.inventory.api_address != "127.0.0.1"
    small_lab.describe_go(BASE)
    inventory = small_lab.up()
    assert (inventory.load_hosts, inventory.api_address) == ((), "127.0.0.1")
    assert [thing.name for thing in find_labelled(LOCAL_DOCKER, NAME) if thing.kind in {"container", "network"}] == [
        HOST
    ]
