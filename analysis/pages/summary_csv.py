"""The report as one table for a spreadsheet: a row for each load and API, units in the columns' names."""

import csv
import io
from collections.abc import Callable

from analysis.pages.table import latencies
from analysis.pages.verdicts import comparable
from analysis.raw import SAMPLED_ROLES
from documents.report import Estimate, LatencyEstimate, Measurements, Report, ScenarioSummary
from documents.run import SampledRole

_Read = Callable[[Measurements], Estimate | None]


def _latency(kind: str, meaning: str, read: Callable[[Measurements], LatencyEstimate]) -> dict[str, tuple[str, _Read]]:
    def column(index: int) -> _Read:
        return lambda measured: latencies(read(measured))[index]

    names = ("mean", "p50", "p90", "p99", "p999")
    return {f"{kind}_{name}_us": (meaning, column(index)) for index, name in enumerate(names)}


def _cpu(role: SampledRole) -> _Read:
    return lambda measured: measured.cpu_cores[role]


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

_MEASURES: dict[str, tuple[str, _Read]] = {
    "throughput_requests_per_second": ("", lambda measured: measured.throughput),
    **_latency("raw", "latency, each response counted once", lambda measured: measured.raw),
    **_latency(
        "corrected", "latency with wrk's correction for coordinated omission", lambda measured: measured.corrected
    ),
    **{f"{role}_cpu_cores": ("", _cpu(role)) for role in SAMPLED_ROLES},
    "memory_mean_bytes": ("of the API, as all memory here", lambda measured: measured.memory_mean_bytes),
    "memory_peak_bytes": ("", lambda measured: measured.memory_peak_bytes),
    "page_cache_mean_bytes": ("", lambda measured: measured.page_cache_mean_bytes),
    "requests_per_cpu_second": (
        "for each second of the API's own CPU time",
        lambda measured: measured.requests_per_cpu_second,
    ),
    "littles_law_ratio": ("near 1", lambda measured: measured.littles_law),
    "generator_busy_ratio": ("from 0 to 1", lambda measured: measured.generator_saturation),
}

MEANINGS = {**_ROW, **{name: meaning for name, (meaning, _) in _MEASURES.items()}}
"""The meaning of each column. A measure has two more columns, its name with `_low` and with `_high`: the ends of its
95% interval."""

COLUMNS = (*_ROW, *(f"{measure}{end}" for measure in _MEASURES for end in ("", "_low", "_high")))


def render_csv(report: Report) -> str:
    """A line for each load and API, in the report's order, below a line of `COLUMNS`; quoted according to RFC 4180.

    Unknown values are empty: an interval below two blocks, the numbers of a load without a valid cell, ranks without a
    comparison. Numbers have all digits, as in `report.json`.
    """
    written = io.StringIO()
    writer = csv.DictWriter(written, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_row(report, summary) for summary in report.summaries)
    return written.getvalue()


def _row(report: Report, summary: ScenarioSummary) -> dict[str, str | int | float | None]:
    [scenario] = [scenario for scenario in report.scenarios if scenario.name == summary.scenario]
    [subject] = [api for api in report.apis if api.name == summary.api]
    rank = next(
        (
            rank
            for comparison in comparable(report)
            for ranking in comparison.rankings
            if ranking.scenario == summary.scenario
            for rank in ranking.ranks
            if rank.api == summary.api
        ),
        None,
    )
    row: dict[str, str | int | float | None] = {
        "run_id": report.run_id,
        "grade": report.grade,
        "load": scenario.name,
        "workload": scenario.workload,
        "connections": scenario.connections,
        "duration_seconds": scenario.duration_seconds,
        "api": summary.api,
        "image_id": subject.image_id,
        "blocks": summary.blocks,
        "valid_cells": summary.cells,
        "void_cells": summary.void_cells,
        "unfinished_cells": summary.unfinished_cells,
        "void_attempts": summary.void_attempts,
        "errors": summary.errors,
        "throughput_rank_best": rank and rank.best,
        "throughput_rank_worst": rank and rank.worst,
    }
    for name, (_, read) in _MEASURES.items():
        found = summary.measured and read(summary.measured)
        row |= {name: found and found.value, f"{name}_low": found and found.low, f"{name}_high": found and found.high}
    return row
