"""A run's folder to its comparisons: every measure, the margin of the protocol, the twin, and PostgreSQL's limit."""

import math
import shutil
from pathlib import Path

import pytest

from analysis.raw.run import read_run
from analysis.report.report import analyse
from analysis.statistics.comparison import compare_all, uncompared
from analysis.statistics.measures import MEASURES
from documents.errors import AnalysisError
from documents.report.report import Report
from documents.run.protocol import Plan
from documents.run.records import Manifest
from tests.unit.analysis.run_builder import COMPARED_THROUGHPUTS, compared_run


def test_every_measure_is_compared_over_all_pairs_and_loads(compared_report: Report):
    assert [comparison.measure for comparison in compared_report.comparisons] == list(MEASURES)
    for comparison in compared_report.comparisons:
        assert comparison.tests == len(comparison.pairs) == 3 * 2
        assert {(pair.first, pair.second) for pair in comparison.pairs} == {
            ("rust", "zig"),
            ("rust", "go"),
            ("zig", "go"),
        }
        assert [twin.blocks for twin in comparison.twins] == [6, 6]


def test_the_margin_is_the_protocols(compared_directory: Path, tmp_path: Path):
    shutil.copytree(compared_directory, tmp_path / "run")
    path = tmp_path / "run" / "manifest.json"
    manifest = Manifest.from_json(path.read_text(), name="manifest.json")
    protocol = manifest.protocol.model_copy(update={"margin": 0.25})
    path.write_text(manifest.model_copy(update={"protocol": protocol}).to_json())
    wide = analyse(read_run(tmp_path / "run"))
    assert {comparison.margin for comparison in wide.comparisons} == {0.25}
    assert {pair.verdict for pair in wide.comparisons[0].pairs} == {"same"}, "go is slower than rust by a fifth"


def test_the_twin_counts_once_and_its_cells_are_marked(compared_report: Report):
    """Six blocks of three APIs, each of them twice in two: eight cells each, and six values."""
    for summary in compared_report.summaries:
        assert (summary.cells, summary.blocks) == (8, 6)
        assert summary.measured is not None
        assert summary.measured.throughput.count == summary.measured.memory_mean_bytes.count == 6
    rust = [cell for cell in compared_report.cells if (cell.api, cell.scenario) == ("rust", "light")]
    blocks = {cell.block: [other.throughput for other in rust if other.block == cell.block] for cell in rust}
    [summary] = [s for s in compared_report.summaries if (s.api, s.scenario) == ("rust", "light")]
    assert summary.measured is not None
    logs = [sum(map(math.log, values)) / len(values) for values in blocks.values()]
    assert summary.measured.throughput.value == pytest.approx(math.exp(sum(logs) / 6))
    assert [cell.cell_id for cell in compared_report.cells if cell.twin][:2] == ["004-rust-light", "008-rust-heavy"]


def test_a_plan_that_has_an_api_three_times_in_a_block_is_refused(compared_directory: Path, tmp_path: Path):
    shutil.copytree(compared_directory, tmp_path / "run")
    path = tmp_path / "run" / "plan.json"
    plan = Plan.from_json(path.read_text(), name="plan.json")
    cells = tuple(cell.model_copy(update={"block": 1}) for cell in plan.cells)
    path.write_text(plan.model_copy(update={"cells": cells}).to_json())
    with pytest.raises(AnalysisError, match="more than twice under"):
        analyse(read_run(tmp_path / "run"))


# PostgreSQL at its limit


def bound_run(folder: Path, *, postgres_cores: float) -> Report:
    return analyse(
        read_run(compared_run(folder, throughputs=COMPARED_THROUGHPUTS, postgres_cores=postgres_cores, watched=True))
    )


def test_a_postgres_that_uses_up_its_cpus_is_the_limit_of_what_waits_for_it(tmp_path: Path):
    """All but the API share one CPU. What an API itself uses doesn't depend on PostgreSQL."""
    bound = bound_run(tmp_path / "bound", postgres_cores=0.95)
    for comparison in bound.comparisons:
        waits = comparison.measure not in {"cpu_cores", "memory_mean", "requests_per_cpu_second"}
        assert {pair.bound_by_postgres for pair in comparison.pairs} == {waits}, comparison.measure
    free = bound_run(tmp_path / "free", postgres_cores=0.35)
    assert not any(pair.bound_by_postgres for comparison in free.comparisons for pair in comparison.pairs)


# What has no ratio


def test_a_measure_without_a_ratio_is_left_out_and_reported(compared_report: Report):
    api = compared_report.cells[0].usage["api"].model_copy(update={"cpu_cores": 0.0})
    spoilt = compared_report.cells[0].model_copy(update={"usage": {**compared_report.cells[0].usage, "api": api}})
    cells = (spoilt, *compared_report.cells[1:])
    found = compare_all(
        cells, apis=tuple(COMPARED_THROUGHPUTS), scenarios=("light",), margin=0.03, bound_by_postgres=()
    )
    assert set(MEASURES) - {comparison.measure for comparison in found} == {"cpu_cores", "requests_per_cpu_second"}
    why = "The CPU of the API has no ratio there; the first of them is 001-rust-light."
    assert list(uncompared(cells)) == [
        f"Nothing is compared by “{title}”: in 1 cell it isn't above 0. {why}"
        for title in ("CPU of the API", "Requests a CPU second")
    ]
    assert list(uncompared(compared_report.cells)) == []
    assert "in 2 cells it isn't above 0" in next(iter(uncompared((spoilt, spoilt, *compared_report.cells))))
