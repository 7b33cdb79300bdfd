"""The folder of a run of two builds, whose throughputs are given block by block."""

from collections.abc import Sequence
from pathlib import Path

from documents.run.protocol import Cell, Scenario
from tests.unit.analysis.run_builder import GOLDEN_RAW, Role, samples_csv, write_cell, write_run, wrk_result

BASE, CANDIDATE = "go-base", "go-new"
SCENARIO = Scenario(name="light", workload="mixed", connections=10, duration_seconds=2)


def pair_run(directory: Path, candidate: Sequence[float | None], *, base: float = 500.0) -> Path:
    """Write a run of a steady base and a candidate with such throughputs; None is a cell that isn't finished.

    Throughputs are from 340 to 1,000 requests/s.
    """
    cells = write_run(directory, apis=(BASE, CANDIDATE), scenarios=(SCENARIO,), blocks=len(candidate))
    for cell in cells:
        throughput = base if cell.api == BASE else candidate[cell.block - 1]
        if throughput is not None:
            write_steady_cell(directory, cell, throughput)
    return directory


def write_steady_cell(directory: Path, cell: Cell, throughput: float) -> None:
    """Write a finished cell of that throughput, from 340 to 1,000 requests/s, whose roles use the same all along."""
    samples = samples_csv(
        {
            "api": Role(0.5, lambda _: 30_000_000),
            "postgres": Role(0.25, lambda _: 200_000_000),
            "redis": Role(0.05, lambda _: 10_000_000),
            "generator": Role(0.4, lambda _: 5_000_000),
        },
        3,
    )
    responses = sum(count for _, count in GOLDEN_RAW)
    write_cell(directory, cell, wrk_result(cell, GOLDEN_RAW, round(1e6 * responses / throughput)), samples)
