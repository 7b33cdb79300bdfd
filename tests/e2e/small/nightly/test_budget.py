"""A run in a given time, on a real lab."""

from pathlib import Path

import pytest

from documents.run.records import Manifest
from experiment.progress.events import BudgetFitted, RunFinished
from tests.e2e.conftest import StartRun
from tests.e2e.lab_run import write_protocol
from tests.e2e.lab_with_neighbours import LAB_WITH_NEIGHBOURS

pytestmark = pytest.mark.nightly


def test_a_run_in_a_given_time_measures_whole_blocks(start_run: StartRun, tmp_path: Path):
    protocol = write_protocol(tmp_path, ("light", "mixed", 10, 1), blocks=1)
    run = start_run("--protocol", str(protocol), "--budget", "1m", lab=LAB_WITH_NEIGHBOURS)
    assert run.finish() == 0, run.stderr
    fitted, *_, finished = run.events
    assert isinstance(fitted, BudgetFitted)
    assert isinstance(finished, RunFinished)
    manifest = Manifest.from_json((run.folder / "manifest.json").read_bytes(), name="manifest.json")
    assert (manifest.budget_seconds, manifest.protocol.blocks) == (60, fitted.blocks)
    assert fitted.blocks > 1
    assert finished.cells % fitted.block_cells == 0
