"""A run in a given time, on a real lab."""

import time
from pathlib import Path

import pytest

from documents.run import Manifest
from experiment.events import BudgetFitted, RunFinished
from tests.conftest import LiveLab
from tests.e2e.conftest import StartRun
from tests.e2e.go_lab import GoLab
from tests.e2e.lab_run import write_protocol
from tests.e2e.lab_with_neighbours import LAB_WITH_NEIGHBOURS


@pytest.fixture(scope="module")
def measured_lab(go_lab: GoLab) -> LiveLab:
    return go_lab.as_it_stands()


def test_a_run_in_a_given_time_measures_whole_blocks_and_is_over_by_then(start_run: StartRun, tmp_path: Path):
    protocol = write_protocol(tmp_path, ("light", "mixed", 10, 1), blocks=1)
    started = time.monotonic()
    run = start_run("--protocol", str(protocol), "--budget", "1m", lab=LAB_WITH_NEIGHBOURS)
    assert run.finish() == 0, run.stderr
    # Python's own start, and the look at the lab, come before the run.
    assert time.monotonic() - started < 60 + 15
    fitted, *_, finished = run.events
    assert isinstance(fitted, BudgetFitted)
    assert isinstance(finished, RunFinished)
    manifest = Manifest.from_json((run.folder / "manifest.json").read_bytes(), name="manifest.json")
    assert (manifest.budget_seconds, manifest.protocol.blocks) == (60, fitted.blocks)
    assert fitted.blocks > 1
    assert finished.cells % fitted.block_cells == 0
