"""The report as one table for a spreadsheet: a row for each load and API, units in the columns' names."""

import csv
import io
from collections.abc import Iterator

from analysis.pages.verdicts import MAIN, comparable
from documents.report import Estimate, LatencyEstimate, Measurements, Report, ScenarioSummary
from documents.run import SampledRole

_ROLES: tuple[SampledRole, ...] = ("api", "postgres", "redis", "generator")

_LATENCIES = ("mean", "p50", "p90", "p99", "p999")

_ROW: dict[str, str] = {
    "run_id": "",
    "grade": "of the host, as in `report.json`",
    "load": "the scenario's name",
    "workload": "",
    "connections": "",
    "duration_seconds": "",
    "api": "",
    "image_id": "",
    "blocks": "blocks with a valid cell",
    "valid_cells": "",
    "void_cells": "no attempt was valid, and none is left",
    "unfinished_cells": "",
    "void_attempts": "over all cells",
    "errors": "wrk's, over the void attempts too; empty where wrk was started and left no count",
    "throughput_rank_best": "the best rank that it can have under this load, from 1",
    "throughput_rank_worst": "the worst",
}

_MEASURES: dict[str, str] = {
    "throughput_requests_per_second": "",
    **{f"raw_{name}_us": "latency, each response counted once" for name in _LATENCIES},
    **{f"corrected_{name}_us": "latency with wrk's correction for coordinated omission" for name in _LATENCIES},
    **{f"{role}_cpu_cores": "" for role in _ROLES},
    "memory_mean_bytes": "of the API, as all memory here",
    "memory_peak_bytes": "",
    "page_cache_mean_bytes": "",
    "requests_per_cpu_second": "for each second of the API's own CPU time",
    "littles_law_ratio": "near 1",
    "generator_busy_ratio": "from 0 to 1",
}

MEANINGS = {**_ROW, **_MEASURES}
"""The meaning of each column. A measure has two more columns, its name with `_low` and with `_high`: the ends of its
95% interval."""

COLUMNS = (*_ROW, *(f"{measure}{end}" for measure in _MEASURES for end in ("", "_low", "_high")))


def render_csv(report: Report) -> str:
    """A line for each load and API, in the report's order, below a line of `COLUMNS`; quoted according to RFC 4180.

    Unknown values are empty: an interval below two blocks, the numbers of a load without a valid cell, ranks without a
    comparison. Numbers have all digits, as in `report.json`.
    """
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_row(report, summary) for summary in report.summaries)
    return written.getvalue()


def _row(report: Report, summary: ScenarioSummary) -> list[str | int | float | None]:
    [scenario] = [scenario for scenario in report.scenarios if scenario.name == summary.scenario]
    [subject] = [api for api in report.apis if api.name == summary.api]
    rank = next(
        (
            (rank.best, rank.worst)
            for comparison in comparable(report)
            if comparison.measure == MAIN
            for ranking in comparison.rankings
            if ranking.scenario == summary.scenario
            for rank in ranking.ranks
            if rank.api == summary.api
        ),
        (None, None),
    )
    return [
        report.run_id,
        report.grade,
        scenario.name,
        scenario.workload,
        scenario.connections,
        scenario.duration_seconds,
        summary.api,
        subject.image_id,
        summary.blocks,
        summary.cells,
        summary.void_cells,
        summary.unfinished_cells,
        summary.void_attempts,
        summary.errors,
        *rank,
        *(number for estimate in _estimates(summary.measured) for number in _ends(estimate)),
    ]


def _estimates(measured: Measurements | None) -> Iterator[Estimate | None]:
    """The estimates of `_MEASURES`, in its order."""
    if measured is None:
        yield from (None for _ in _MEASURES)
        return
    yield measured.throughput
    yield from _of_latency(measured.raw)
    yield from _of_latency(measured.corrected)
    yield from (measured.cpu_cores[role] for role in _ROLES)
    yield measured.memory_mean_bytes
    yield measured.memory_peak_bytes
    yield measured.page_cache_mean_bytes
    yield measured.requests_per_cpu_second
    yield measured.littles_law
    yield measured.generator_saturation


def _of_latency(latency: LatencyEstimate) -> tuple[Estimate, ...]:
    return latency.mean_us, latency.p50_us, latency.p90_us, latency.p99_us, latency.p999_us


def _ends(estimate: Estimate | None) -> tuple[float | None, float | None, float | None]:
    return (None, None, None) if estimate is None else (estimate.value, estimate.low, estimate.high)
