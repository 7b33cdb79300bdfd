"""`lab run --protocol quick` on a lab whose hosts are neighbours, and whose tests run beside others."""

import json
import shutil
from pathlib import Path

from analysis.report import analyse
from documents.report import Report
from tests.conftest import run_lab
from tests.e2e.lab_with_neighbours import LAB_WITH_NEIGHBOURS

_CELLS = 18
"""Three loads in three blocks, of one API and its twin."""


def run_quick(stack: str) -> Report:
    """Measure a lab of one API; its report is returned, and the run's folder removed."""
    run = run_lab(["run", "--protocol", "quick", "--json", "--stack", stack], lab=LAB_WITH_NEIGHBOURS)
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr
    events = [json.loads(line) for line in run.stdout.splitlines()]
    folder = Path(events[0]["directory"])
    try:
        finished = events[-1]
        assert finished["cells"] == _CELLS
        assert finished["void_cells"] < _CELLS / 2, [event for event in events if "record" in event][-3:]
        return analyse(folder)
    finally:
        shutil.rmtree(folder)
