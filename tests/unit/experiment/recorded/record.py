"""Make the timing of a real run a file for tests: `python -m tests.unit.experiment.recorded.record runs/ID`.

It has the run's protocol, its planned cells, and from its journal when each attempt began and ended, in seconds since
the run's start. The run must have gone through without a break.
"""

import json
import sys
from pathlib import Path

from analysis.raw.run import read_run
from tests.run_folder import read_journal


def record(run: Path, folder: Path) -> Path:
    """Write the timing of a run into a folder, by its protocol's name and when it was."""
    found = read_run(run)
    entries = read_journal(run)
    numbers = {cell.id: cell.number for cell in found.cells}
    began_at = entries[0].at
    timing = {
        "run": run.name,
        "protocol": found.manifest.protocol.model_dump(mode="json", exclude_none=True),
        "cells": [[cell.number, cell.block, cell.api, cell.scenario.name, cell.twin] for cell in found.closed_cells],
        "entries": [
            [
                round((entry.at - began_at).total_seconds(), 3),
                entry.event,
                None if entry.cell_id is None else numbers[entry.cell_id],
                entry.attempt,
            ]
            for entry in entries
        ],
    }
    path = folder / f"{run.name}.json"
    lines = [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in timing.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    return path


if __name__ == "__main__":
    sys.stdout.write(f"{record(Path(sys.argv[1]), Path(__file__).parent)}\n")
