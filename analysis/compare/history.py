"""Runs over time: groups of comparable runs, and the results of each API under each load in them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.compare.conditions import Conditions, differences
from analysis.compare.runs import compare_runs
from analysis.raw import read_run
from analysis.report import analyse
from analysis.statistics import HEADLINE
from documents.errors import AnalysisError, DocumentError
from documents.report import (
    ComparedResult,
    History,
    HistoryGroup,
    HistoryPoint,
    HistoryRun,
    HistorySeries,
    LeftOutRun,
    Measurements,
    Report,
)


@dataclass(frozen=True)
class _Run:
    conditions: Conditions
    report: Report


def read_history(run_directories: Iterable[Path]) -> History:
    """The history of runs, from their raw files.

    A run is left out if it isn't finished, has no valid cell, or can't be used; `left_out` says why.

    Args:
        run_directories: the runs' folders, in any order.
    """
    runs: list[_Run] = []
    left_out: list[LeftOutRun] = []
    for directory in run_directories:
        try:
            run = read_run(directory)
            report = analyse(run)
        except (AnalysisError, DocumentError) as error:
            left_out.append(LeftOutRun(run_id=directory.name, why=str(error)))
            continue
        if not run.is_finished:
            why = "It isn't finished. `lab run --resume` continues it."
            left_out.append(LeftOutRun(run_id=report.run_id, why=why))
        elif not report.cells:
            left_out.append(LeftOutRun(run_id=report.run_id, why="None of its cells is valid; its report says why."))
        else:
            runs.append(_Run(Conditions(run.manifest, run.host), report))
    runs.sort(key=lambda run: run.report.started_at)
    return History(groups=tuple(_groups(runs)), left_out=tuple(left_out))


def _groups(runs: Sequence[_Run]) -> Iterator[HistoryGroup]:
    """Groups of runs under the same conditions, the group with the newest run first."""
    groups: list[list[_Run]] = []
    for run in reversed(runs):
        for group in groups:
            if not differences(run.conditions, group[0].conditions):
                group.append(run)
                break
        else:
            groups.append([run])
    for group in groups:
        newest = group[0]
        found = () if group is groups[0] else differences(newest.conditions, groups[0][0].conditions)
        yield HistoryGroup(
            protocol=newest.report.protocol,
            stack=newest.report.stack,
            runs=tuple(
                HistoryRun(run_id=run.report.run_id, started_at=run.report.started_at, git_commit=run.report.git_commit)
                for run in reversed(group)
            ),
            differences=found,
            series=tuple(_series(group[::-1])),
        )


def _series(runs: Sequence[_Run]) -> Iterator[HistorySeries]:
    newest = runs[-1].report
    apis = dict.fromkeys(api.name for run in reversed(runs) for api in run.report.apis)
    steps: dict[tuple[str, str], dict[tuple[str, str], ComparedResult]] = {}
    for scenario in newest.scenarios:
        for api in apis:
            points: list[HistoryPoint] = []
            before: Report | None = None
            for report in (run.report for run in runs):
                measured = _measured(report, scenario.name, api)
                if measured is None:
                    continue
                found = None
                if before is not None:
                    step = (before.run_id, report.run_id)
                    if step not in steps:
                        steps[step] = _changes(before, report)
                    found = steps[step][scenario.name, api]
                points.append(_point(report, api, measured, found))
                before = report
            if points:
                yield HistorySeries(scenario=scenario.name, api=api, points=tuple(points))


def _changes(before: Report, after: Report) -> dict[tuple[str, str], ComparedResult]:
    """The changes of the throughput, by load and API."""
    [changes] = compare_runs(before, after, measures=(HEADLINE,)).measures
    return {(change.scenario, change.api): change for change in changes.changes}


def _point(report: Report, api: str, measured: Measurements, found: ComparedResult | None) -> HistoryPoint:
    return HistoryPoint(
        run_id=report.run_id,
        image_id={one.name: one.image_id for one in report.apis}[api],
        blocks=measured.throughput.count,
        throughput=measured.throughput,
        p99_us=measured.raw.p99_us,
        change=found and found.change,
        ratio=found and found.ratio,
        interval=found and found.interval,
        verdict=found.verdict if found and found.ratio else None,
    )


def _measured(report: Report, scenario: str, api: str) -> Measurements | None:
    for summary in report.summaries:
        if (summary.scenario, summary.api) == (scenario, api):
            return summary.measured
    return None
