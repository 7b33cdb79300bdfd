"""Runs of two builds at several days, finished and with the A/A twin, with the throughputs that a test wants."""

import json
from collections.abc import Sequence
from pathlib import Path

from tests.unit.analysis.pair_run import BASE, CANDIDATE, SCENARIO, write_steady_cell
from tests.unit.analysis.run_builder import write_run


def run_of_day(runs: Path, day: int, candidate: Sequence[float], *, base: float = 500.0) -> Path:
    """Write a finished run of that day of January 2026.

    Args:
        runs: where its folder is made.
        day: of the month.
        candidate: its throughput block by block, from 340 to 1,000 requests/s.
        base: the other API's, in all blocks.

    Returns:
        The run's folder.
    """
    run = runs / f"202601{day:02d}-120000-quick"
    cells = write_run(run, apis=(BASE, CANDIDATE), scenarios=(SCENARIO,), blocks=len(candidate), twin=True)
    for cell in cells:
        write_steady_cell(run, cell, base if cell.api == BASE else candidate[cell.block - 1])
    change(run, "manifest.json", run_id=run.name, started_at=f"2026-01-{day:02d}T12:00:00Z")
    change(run, "host.json", after=json.loads((run / "host.json").read_text())["before"])
    return run


def change(run: Path, name: str, **members: object) -> None:
    """Set members of a document of a run."""
    path = run / name
    path.write_text(json.dumps(json.loads(path.read_text()) | members))


def change_inventory(run: Path, **members: object) -> None:
    """Set members of the inventory of a run."""
    inventory = json.loads((run / "manifest.json").read_text())["inventory"]
    change(run, "manifest.json", inventory=inventory | members)
