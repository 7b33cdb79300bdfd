"""The latency distribution of a report, and the work for each CPU second."""

from pathlib import Path

import pytest

from analysis.raw.run import read_run
from analysis.report.report import analyse
from documents.report.numbers import Measurements, ScenarioSummary
from documents.report.report import Report
from tests.unit.analysis.run_builder import (
    GOLDEN_SCENARIOS,
    Role,
    samples_csv,
    write_cell,
    write_run,
    wrk_result,
)


def measured(summary: ScenarioSummary) -> Measurements:
    assert summary.measured is not None
    return summary.measured


def test_a_distribution_goes_through_the_percentiles_of_its_load(compared_report: Report, golden_report: Report):
    points: list[tuple[float, float]] = []
    for summary in (*compared_report.summaries, *golden_report.summaries):
        distribution, latency = summary.distribution, measured(summary)
        assert distribution is not None
        shown = dict(
            zip(distribution.one_in, zip(distribution.raw_us, distribution.corrected_us, strict=True), strict=True)
        )
        assert shown[10] == pytest.approx((latency.raw.p90_us.value, latency.corrected.p90_us.value))
        assert shown[100] == pytest.approx((latency.raw.p99_us.value, latency.corrected.p99_us.value))
        assert 1000 not in shown, "a cell has 6,000 responses at most, so six at most lie beyond p99.9"
        points += zip(distribution.raw_us, distribution.corrected_us, strict=True)
    assert any(corrected > raw for raw, corrected in points), "only the corrected one has what wrk adds"


def test_a_distribution_ends_with_the_cell_that_has_the_fewest_responses(tmp_path: Path, golden_report: Report):
    ends = {summary.distribution.one_in[-1] for summary in golden_report.summaries if summary.distribution}
    assert ends == {100}, "every golden cell has 1,000 responses, ten of them beyond p99"
    directory = tmp_path / "run"
    busy = Role(0.5, lambda _: 30_000_000)
    samples = samples_csv({"api": busy, "postgres": busy, "redis": busy, "generator": busy}, 1)
    for cell in write_run(directory, apis=("go",), scenarios=GOLDEN_SCENARIOS[:1], blocks=2):
        responses = {1: 1000, 2: 100}[cell.block]
        write_cell(directory, cell, wrk_result(cell, [(10_000, responses)], 1_000_000), samples)
    [summary] = analyse(read_run(directory)).summaries
    assert summary.distribution is not None
    assert summary.distribution.one_in[-1] == 10


def test_requests_a_cpu_second_are_those_of_the_api_alone(golden_report: Report):
    by_api = {summary.api: measured(summary) for summary in golden_report.summaries if summary.scenario == "light"}
    found = {api: latency.requests_per_cpu_second for api, latency in by_api.items()}
    # 1,000 responses in 1, 2 or 4 s by 1.5 cores, and by half a core.
    assert found["go"] is not None
    assert found["rust"] is not None
    assert (found["go"].value, found["rust"].value) == pytest.approx((500 / 1.5, 500 / 0.5), rel=1e-6)
    assert found["go"].scale == "log"
    assert found["go"].count == 3


def test_what_a_run_cannot_tell_of_a_load_is_left_out(tmp_path: Path):
    directory = tmp_path / "run"
    [cell] = write_run(directory, apis=("go",), scenarios=GOLDEN_SCENARIOS[:1], blocks=1)
    idle = Role(0.0, lambda _: 30_000_000)
    samples = samples_csv({"api": idle, "postgres": idle, "redis": idle, "generator": idle}, 1)
    write_cell(directory, cell, wrk_result(cell, [(10_000, 13)], 1_000_000), samples)
    [summary] = analyse(read_run(directory)).summaries
    assert measured(summary).requests_per_cpu_second is None
    assert summary.distribution is None
