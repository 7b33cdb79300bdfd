"""Runs over time: a table for each group of runs that may be compared, and a page with plots."""

# pyright: reportUnknownMemberType=false
# matplotlib's stubs leave the **kwargs of nearly every method untyped, so the method itself is "partially unknown".

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from analysis.numbers import interval, listing, plain
from analysis.pages.html import ENVIRONMENT, TEMPLATES
from analysis.pages.plots import PlotGroup
from analysis.pages.svg import Plot, finish, panel, scale, series_color, series_dash, series_marker
from analysis.pages.table import Column, Table, TableCell
from analysis.pages.write import replace_whole
from documents.report import Estimate, History, HistoryGroup, HistoryPoint, HistorySeries

BARS = "▁▂▃▄▅▆▇█"

NOTE = (
    "Geometric means over blocks with their 95% intervals, of the newest run; the bars are all runs of the group, the "
    "oldest first, from the least to the greatest. A change of throughput from one run to the next is marked where the "
    "A/A twins of both don't explain it at 95%. That is no verdict: whatever else happened between two runs is in it. "
    "“lab compare” puts two runs beside each other, and “lab gate” judges a change of the code."
)

_PER: dict[str, tuple[str, str, float, Callable[[HistoryPoint], Estimate]]] = {
    "Throughput": ("Throughput over runs at {}", "requests/s", 1, lambda point: point.throughput),
    "p99": ("p99 latency over runs at {} (raw)", "ms", 1e3, lambda point: point.p99_us),
}


def history_tables(history: History) -> tuple[Table, ...]:
    """A table for each group, that of the newest run first."""
    return tuple(_table(group) for group in history.groups)


def sparkline(values: Sequence[float]) -> str:
    """Values as bars of eight heights, from the least to the greatest; all of one height where they don't differ."""
    least, greatest = min(values), max(values)
    if least == greatest:
        return BARS[3] * len(values)
    return "".join(BARS[round((value - least) / (greatest - least) * (len(BARS) - 1))] for value in values)


def why_apart(group: HistoryGroup) -> str:
    """Why a group's runs don't stand beside those of the newest group, in a sentence; empty for that one itself."""
    if not group.differences:
        return ""
    return f"Not beside the newest runs, for the conditions differ: {'; '.join(group.differences)}."


def group_heading(group: HistoryGroup) -> str:
    """What a group is: its protocol, its stack, and how many runs from when on."""
    days = dict.fromkeys(f"{run.started_at:%Y-%m-%d}" for run in (group.runs[0], group.runs[-1]))
    count = f"{len(group.runs)} runs, " if len(group.runs) > 1 else ""
    return f"{group.protocol} on {group.stack}: {count}{' to '.join(days)}"


def render_history_html(history: History) -> str:
    """The history as one self-contained HTML page; what comes from the runs is escaped."""
    return ENVIRONMENT.get_template("history.html").render(
        style=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
        groups=[
            (group_heading(group), why_apart(group), _plots(group, number), _table(group), _all_points(group))
            for number, group in enumerate(history.groups, start=1)
        ],
        left_out=[f"{run.run_id}: {run.why}" for run in history.left_out],
        count=sum(len(group.runs) for group in history.groups),
        heading=history_heading(history),
    )


def write_history(history: History, page: Path) -> None:
    """Write the page.

    Raises:
        AnalysisError: it can't be written.
    """
    replace_whole(page, render_history_html(history))


def _table(group: HistoryGroup) -> Table:
    columns = (
        Column("Load", numeric=False),
        Column("API", numeric=False),
        Column("Throughput", "requests/s"),
        Column("over runs", numeric=False),
        Column("p99", "ms"),
        Column("over runs", numeric=False),
        Column("Beyond A/A", numeric=False),
    )
    return Table(
        title=group_heading(group),
        note=NOTE,
        columns=columns,
        rows=tuple(_row(series) for series in group.series),
    )


def _row(series: HistorySeries) -> tuple[TableCell, ...]:
    newest = series.points[-1]
    return (
        TableCell(series.scenario),
        TableCell(series.api),
        TableCell(plain(newest.throughput.value), interval(newest.throughput)),
        TableCell(sparkline([point.throughput.value for point in series.points])),
        TableCell(plain(newest.p99_us.value / 1e3), interval(newest.p99_us, 1e3)),
        TableCell(sparkline([point.p99_us.value for point in series.points])),
        _beyond(series),
    )


def _beyond(series: HistorySeries) -> TableCell:
    """The newest change that A/A doesn't explain, and how many others there are."""
    outside = [point for point in series.points if point.outside]
    if outside:
        others = len(outside) - 1
        return TableCell(change_text(outside[-1]), f"and {others} before" if others else "")
    untold = sum(point.change is not None and point.noise is None for point in series.points)
    return TableCell("", f"not told of {untold}: too few twins" if untold else "")


def change_text(point: HistoryPoint) -> str:
    """A change and the run that it came with: ``-12% in 20260131-120000-quick``; empty at the first point."""
    if point.change is None:
        return ""
    return f"{100 * (point.change - 1):+.1f}% in {point.run_id}"


def _all_points(group: HistoryGroup) -> Table:
    """Every point, for whom the plots tell nothing."""
    commits = {run.run_id: run.git_commit for run in group.runs}
    columns = (
        Column("Load", numeric=False),
        Column("API", numeric=False),
        Column("Run", numeric=False),
        Column("Throughput", "requests/s"),
        Column("p99", "ms"),
        Column("Change"),
        Column("A/A explains"),
    )
    return Table(
        title="All runs",
        note="The change of throughput from the run before, and up to which one the twins of both explain it.",
        columns=columns,
        rows=tuple(
            (
                TableCell(series.scenario),
                TableCell(series.api),
                TableCell(point.run_id, f"commit {commits[point.run_id][:9]}, image {_short(point.image_id)}"),
                TableCell(plain(point.throughput.value), interval(point.throughput)),
                TableCell(plain(point.p99_us.value / 1e3), interval(point.p99_us, 1e3)),
                TableCell("" if point.change is None else f"{100 * (point.change - 1):+.1f}%", _said_of(point)),
                TableCell("" if point.noise is None else f"{100 * (point.noise - 1):.1f}%"),
            )
            for series in group.series
            for point in series.points
        ),
    )


def _short(image_id: str) -> str:
    return image_id.removeprefix("sha256:")[:12]


def _said_of(point: HistoryPoint) -> str:
    return "beyond A/A" if point.outside else ""


def _plots(group: HistoryGroup, number: int) -> PlotGroup:
    return PlotGroup(
        title="Run by run",
        note="Means over blocks with 95% intervals, the oldest run first; not to the scale of time.",
        plots=tuple(_panels(group, number)),
    )


def _panels(group: HistoryGroup, number: int) -> Iterator[Plot]:
    runs = [run.run_id for run in group.runs]
    apis = list(dict.fromkeys(series.api for series in group.series))
    for scenario in dict.fromkeys(series.scenario for series in group.series):
        of_load = [series for series in group.series if series.scenario == scenario]
        for title, unit, per, estimate in _PER.values():
            caption = title.format(scenario)
            yield _panel(
                of_load,
                runs,
                apis,
                caption=caption,
                title=f"{caption}, group {number}",
                unit=unit,
                per=per,
                of=estimate,
            )


def _panel(
    found: Sequence[HistorySeries],
    runs: Sequence[str],
    apis: Sequence[str],
    *,
    caption: str,
    title: str,
    unit: str,
    per: float,
    of: Callable[[HistoryPoint], Estimate],
) -> Plot:
    said: list[str] = []
    with panel() as (figure, axes):
        for series in found:
            index = apis.index(series.api)
            places = [runs.index(point.run_id) + 1 for point in series.points]
            values = [of(point).value / per for point in series.points]
            ends = [_ends(of(point), per) for point in series.points]
            axes.errorbar(
                places,
                values,
                yerr=[
                    [value - low for value, (low, _) in zip(values, ends, strict=True)],
                    [high - value for value, (_, high) in zip(values, ends, strict=True)],
                ],
                label=series.api,
                color=series_color(index),
                marker=series_marker(index),
                linestyle=series_dash(index),
                capsize=2.5,
                elinewidth=1,
            )
            told = ", ".join(plain(value) for value in values)
            said.append(f"{series.api} {told} {unit}")
        axes.set_xlabel("run")
        axes.set_xticks(range(1, len(runs) + 1)[:: math.ceil(len(runs) / 10)])
        axes.set_xlim(0.5, len(runs) + 0.5)
        greatest = max(of(point).value / per for series in found for point in series.points)
        scale(axes, unit, logarithmic=False, greatest=greatest)
        return finish(figure, title, said, caption=caption)


def _ends(estimate: Estimate, per: float) -> tuple[float, float]:
    """The interval's ends; the value itself where there is none."""
    if estimate.low is None or estimate.high is None:
        return estimate.value / per, estimate.value / per
    return estimate.low / per, estimate.high / per


def history_heading(history: History) -> str:
    """The page's title."""
    protocols = listing(list(dict.fromkeys(group.protocol for group in history.groups)))
    return f"Runs over time: {protocols}" if history.groups else "Runs over time"
