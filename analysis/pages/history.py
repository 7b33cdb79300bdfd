"""The page of runs over time: a table and plots for each group of comparable runs."""

# pyright: reportUnknownMemberType=false
# matplotlib's stubs leave the **kwargs of nearly every method untyped, so the method itself is "partially unknown".

import math
from collections.abc import Callable, Iterator, Sequence

from analysis.formatting import counted, listing, plain
from analysis.pages.html import ENVIRONMENT
from analysis.pages.plots import PlotGroup
from analysis.pages.svg import Plot, draw_estimates, finish, panel, scale
from analysis.pages.table import Column, Table, TableCell, with_interval
from documents.lab import short_image_id
from documents.report import Estimate, History, HistoryGroup, HistoryPoint, HistorySeries

BARS = "▁▂▃▄▅▆▇█"

NOTE = (
    "Geometric means over blocks with their 95% intervals, of the newest run; the bars are all runs of the group, the "
    "oldest first, scaled from the smallest to the largest. From run to run, throughput is judged as by “lab compare”: "
    "over the controls, the other APIs with the same build in both. Without one, or without two blocks, there is no "
    "verdict, because anything may have changed between two runs. “lab gate” judges a change of the code."
)

_PANELS: tuple[tuple[str, str, float, Callable[[HistoryPoint], Estimate]], ...] = (
    ("Throughput over runs at {}", "requests/s", 1, lambda point: point.throughput),
    ("p99 latency over runs at {} (raw)", "ms", 1e3, lambda point: point.p99_us),
)
"""The title, unit, divisor and estimate of each panel of a load."""


def history_tables(history: History) -> tuple[Table, ...]:
    """A table for each group, that of the newest run first."""
    return tuple(_group_table(group) for group in history.groups)


def sparkline(values: Sequence[float]) -> str:
    """Values as bars of eight heights, from the smallest to the largest; of one height if they are equal."""
    least, greatest = min(values), max(values)
    if least == greatest:
        return BARS[3] * len(values)
    return "".join(BARS[round((value - least) / (greatest - least) * (len(BARS) - 1))] for value in values)


def why_apart(group: HistoryGroup) -> str:
    """Why a group isn't comparable with the newest one, in a sentence; empty for the newest."""
    if not group.differences:
        return ""
    return f"Not comparable with the newest runs, because the conditions differ: {'; '.join(group.differences)}."


def group_heading(group: HistoryGroup) -> str:
    """A group's protocol, stack, number of runs, and the dates of the first and the last."""
    days = dict.fromkeys(f"{run.started_at:%Y-%m-%d}" for run in (group.runs[0], group.runs[-1]))
    count = f"{len(group.runs)} runs, " if len(group.runs) > 1 else ""
    return f"{group.protocol} on {group.stack}: {count}{' to '.join(days)}"


def render_history_html(history: History) -> str:
    """The history as a self-contained HTML page; texts from the runs are escaped."""
    return ENVIRONMENT.get_template("history.html").render(
        groups=[
            (group_heading(group), why_apart(group), _plots(group, number), _group_table(group), _all_points(group))
            for number, group in enumerate(history.groups, start=1)
        ],
        left_out=[f"{run.run_id}: {run.why}" for run in history.left_out],
        count=sum(len(group.runs) for group in history.groups),
        heading=history_heading(history),
    )


def _group_table(group: HistoryGroup) -> Table:
    columns = (
        Column("Load", numeric=False),
        Column("API", numeric=False),
        Column("Throughput", "requests/s"),
        Column("over runs", numeric=False),
        Column("p99", "ms"),
        Column("over runs", numeric=False),
        Column("Changed", numeric=False),
    )
    return Table(
        title=group_heading(group),
        note=NOTE,
        columns=columns,
        rows=tuple(_series_row(series) for series in group.series),
    )


def _series_row(series: HistorySeries) -> tuple[TableCell, ...]:
    newest = series.points[-1]
    return (
        TableCell(series.scenario),
        TableCell(series.api),
        with_interval(newest.throughput),
        TableCell(sparkline([point.throughput.value for point in series.points])),
        with_interval(newest.p99_us, 1e3),
        TableCell(sparkline([point.p99_us.value for point in series.points])),
        _changed(series),
    )


def _changed(series: HistorySeries) -> TableCell:
    """The newest change that was found, and the number of others."""
    found = [point for point in series.points if point.verdict == "better"]
    if found:
        others = len(found) - 1
        newest = found[-1]
        return TableCell(f"{_percent(newest.ratio)} in {newest.run_id}", f"and {others} before" if others else "")
    unknown = sum(point.change is not None and point.ratio is None for point in series.points)
    return TableCell("", f"{counted(unknown, 'change')} not judged" if unknown else "")


def _percent(ratio: float | None) -> str:
    """A change: ``-12.3%``; empty without one."""
    return "" if ratio is None else f"{100 * (ratio - 1):+.1f}%"


def _over_controls(point: HistoryPoint) -> TableCell:
    ends = point.interval
    around = f"{_percent(ends.low)} to {_percent(ends.high)}" if ends else ""
    return TableCell(_percent(point.ratio), around)


def _verdict(point: HistoryPoint) -> str:
    match point.verdict:
        case None:
            return ""
        case "better":
            return "faster" if point.ratio is not None and point.ratio > 1 else "slower"
        case "same":
            return "same"
        case "cannot-tell":
            return "can't tell"


def _all_points(group: HistoryGroup) -> Table:
    """Every point, for readers who can't see the plots."""
    commits = {run.run_id: run.git_commit for run in group.runs}
    columns = (
        Column("Load", numeric=False),
        Column("API", numeric=False),
        Column("Run", numeric=False),
        Column("Throughput", "requests/s"),
        Column("p99", "ms"),
        Column("Change"),
        Column("Over the controls"),
        Column("Verdict", numeric=False),
    )
    return Table(
        title="All runs",
        note=(
            "The change of throughput from the run before, and over that of the controls, with its interval at the "
            "level at which Holm's method tests it. The tests of each step are a family."
        ),
        columns=columns,
        rows=tuple(
            (
                TableCell(series.scenario),
                TableCell(series.api),
                TableCell(point.run_id, f"commit {commits[point.run_id][:9]}, image {short_image_id(point.image_id)}"),
                with_interval(point.throughput),
                with_interval(point.p99_us, 1e3),
                TableCell(_percent(point.change)),
                _over_controls(point),
                TableCell(_verdict(point)),
            )
            for series in group.series
            for point in series.points
        ),
    )


def _plots(group: HistoryGroup, number: int) -> PlotGroup:
    return PlotGroup(
        title="Run by run",
        note="Means over blocks with 95% intervals, the oldest run first, at equal distances.",
        plots=tuple(_panels(group, number)),
    )


def _panels(group: HistoryGroup, number: int) -> Iterator[Plot]:
    runs = [run.run_id for run in group.runs]
    apis = list(dict.fromkeys(series.api for series in group.series))
    for scenario in dict.fromkeys(series.scenario for series in group.series):
        of_load = [series for series in group.series if series.scenario == scenario]
        for title, unit, per, estimate in _PANELS:
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
            values = draw_estimates(axes, index, series.api, places, [of(point) for point in series.points], per=per)
            said.append(f"{series.api} {', '.join(map(plain, values))} {unit}")
        axes.set_xlabel("run")
        axes.set_xticks(range(1, len(runs) + 1)[:: math.ceil(len(runs) / 10)])
        axes.set_xlim(0.5, len(runs) + 0.5)
        greatest = max(of(point).value / per for series in found for point in series.points)
        scale(axes, unit, logarithmic=False, greatest=greatest)
        return finish(figure, title, said, caption=caption)


def history_heading(history: History) -> str:
    """The page's title."""
    protocols = listing(list(dict.fromkeys(group.protocol for group in history.groups)))
    return f"Runs over time: {protocols}" if history.groups else "Runs over time"
