"""Runs over time: groups of comparable runs, and the results of each API under each load in them."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.compare.conditions import Conditions, differences
from analysis.raw import read_run
from analysis.report import analyse
from analysis.statistics import RunNoise, explained_change
from documents.errors import AnalysisError, DocumentError
from documents.report import (
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
    for scenario in newest.scenarios:
        for api in apis:
            points: list[HistoryPoint] = []
            before: _Run | None = None
            for run in runs:
                measured = _measured(run.report, scenario.name, api)
                if measured is not None:
                    points.append(_point(run, before, scenario.name, api, measured))
                    before = run
            if points:
                yield HistorySeries(scenario=scenario.name, api=api, points=tuple(points))


def _point(run: _Run, before: _Run | None, scenario: str, api: str, measured: Measurements) -> HistoryPoint:
    earlier = None if before is None else _measured(before.report, scenario, api)
    change = None if earlier is None else measured.throughput.value / earlier.throughput.value
    noises = [_noise(one.report, scenario, api) for one in (before, run) if one is not None]
    known = [noise for noise in noises if noise is not None]
    noise = explained_change(*known) if len(known) == 2 else None
    return HistoryPoint(
        run_id=run.report.run_id,
        image_id={one.name: one.image_id for one in run.report.apis}[api],
        blocks=measured.throughput.count,
        throughput=measured.throughput,
        p99_us=measured.raw.p99_us,
        change=change,
        noise=noise,
        outside=None if change is None or noise is None else abs(math.log(change)) > math.log(noise),
    )


def _measured(report: Report, scenario: str, api: str) -> Measurements | None:
    for summary in report.summaries:
        if (summary.scenario, summary.api) == (scenario, api):
            return summary.measured
    return None


def _noise(report: Report, scenario: str, api: str) -> RunNoise | None:
    """The noise of throughput under a load, from the run's twins; None if they are too few."""
    measured = _measured(report, scenario, api)
    for comparison in report.comparisons:
        if comparison.measure != "throughput" or measured is None:
            continue
        for twin in comparison.twins:
            if twin.scenario == scenario and twin.ratio is not None and twin.ratio.noise is not None:
                return RunNoise(twin.ratio.noise, twin.blocks, measured.throughput.count)
    return None
