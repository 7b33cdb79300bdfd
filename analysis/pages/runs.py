"""Several runs on a page: a comparison of two, and groups of runs over time with plots."""

# pyright: reportUnknownMemberType=false

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from analysis.formatting import MISSING, counted, exact_percent, interval, listing, plain
from analysis.pages.html import ENVIRONMENT, TEMPLATES, replace_whole
from analysis.pages.markdown import bullets, escape, markdown_section
from analysis.pages.plots import PlotGroup
from analysis.pages.svg import Plot, finish, panel, scale, series_color, series_dash, series_marker
from analysis.pages.table import Column, Table, TableCell, blocks_needed, ratio_cell
from analysis.statistics import MEASURES, verdict_text
from documents.report import (
    ComparedResult,
    ComparedRun,
    ComparedSubject,
    Estimate,
    History,
    HistoryGroup,
    HistoryPoint,
    HistorySeries,
    Measure,
    MeasureChanges,
    RunComparison,
)

UNLIKE = "Different conditions"
"""The beginning of the title of a comparison of two runs whose conditions differ."""


def comparison_heading(comparison: RunComparison) -> str:
    """The page's title: the two runs, and whether their conditions differ."""
    apis = listing([subject.api for subject in comparison.subjects])
    mark = f"{UNLIKE}: " if comparison.differences else ""
    return f"{mark}{apis} in {comparison.second.run_id} and {comparison.first.run_id}"


def change_tables(comparison: RunComparison) -> tuple[Table, ...]:
    """A table for each measure, throughput first."""
    return tuple(_changes_table(comparison, changes) for changes in comparison.measures)


def run_lines(comparison: RunComparison) -> tuple[tuple[str, str], ...]:
    """Each run, and the changes of the APIs between them."""
    return (
        ("First run", _describe(comparison.first)),
        ("Second run", _describe(comparison.second)),
        *((subject.api, _build(subject)) for subject in comparison.subjects),
    )


def render_comparison_markdown(comparison: RunComparison) -> str:
    """The comparison as GitHub-flavoured Markdown; texts from the runs are escaped."""
    parts = [f"# {escape(comparison_heading(comparison))}"]
    if comparison.differences:
        parts += ["## What differs", escape(_WARNING), bullets(comparison.differences)]
    parts += ["## Before you quote these numbers", bullets(comparison.notes)]
    parts += [markdown_section(table) for table in change_tables(comparison)]
    parts += ["## Runs", bullets(f"{name}: {value}" for name, value in run_lines(comparison))]
    return "\n\n".join(parts) + "\n"


def render_comparison_html(comparison: RunComparison) -> str:
    """The comparison as a self-contained HTML page; texts from the runs are escaped."""
    return ENVIRONMENT.get_template("run_comparison.html").render(
        comparison=comparison,
        style=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
        heading=comparison_heading(comparison),
        unlike=UNLIKE,
        warning=_WARNING,
        tables=change_tables(comparison),
        runs=run_lines(comparison),
    )


def write_comparison(comparison: RunComparison, second_run: Path) -> Path:
    """Write the comparison into the second run's folder: `compared/<id of the first>` as .json, .md and .html.

    Returns:
        The path of the HTML page.

    Raises:
        AnalysisError: a file can't be written.
    """
    page = second_run / "compared" / f"{comparison.first.run_id}.html"
    replace_whole(page.with_suffix(".json"), comparison.to_json())
    replace_whole(page.with_suffix(".md"), render_comparison_markdown(comparison))
    replace_whole(page, render_comparison_html(comparison))
    return page


_WARNING = (
    "The conditions of these runs differ. Each ratio below includes the effect of all these differences, besides that "
    "of the builds."
)


def _changes_table(comparison: RunComparison, changes: MeasureChanges) -> Table:
    terms = MEASURES[changes.measure]
    columns = (
        Column("Load", numeric=False),
        Column("API", numeric=False),
        Column("First", terms.unit),
        Column("Second", terms.unit),
        Column("Second over first"),
        Column("Verdict", numeric=False),
        Column("Blocks needed"),
    )
    return Table(
        title=terms.title,
        note=(
            "Geometric means over blocks, and their ratio with its 95% interval by Welch's t. Same: the 90% interval "
            f"lies within {exact_percent(comparison.margin)}. Better: significant at "
            f"{exact_percent(comparison.significance)} after Holm's correction for {counted(changes.tests, 'test')}. "
            "Blocks, of each run: to find a difference as large as it looks; to show that there is no difference, if "
            "there is none."
        ),
        columns=columns,
        rows=tuple(_change_row(change, changes.measure, terms.per) for change in changes.changes),
        named_by=2,
    )


def _change_row(change: ComparedResult, measure: Measure, per: float) -> tuple[TableCell, ...]:
    return (
        TableCell(change.scenario),
        TableCell(change.api),
        _value(change.first, change.first_blocks, per),
        _value(change.second, change.second_blocks, per),
        ratio_cell(change.ratio, change.interval_95),
        TableCell(verdict_text(change, measure), change.reason or ""),
        blocks_needed(change),
    )


def _value(value: float | None, blocks: int, per: float) -> TableCell:
    return TableCell(MISSING if value is None else plain(value / per), counted(blocks, "block"))


def _describe(run: ComparedRun) -> str:
    cells = f"{run.valid_cells} valid cells, {run.void_cells} void, {run.unfinished_cells} unfinished"
    started = run.started_at.isoformat(sep=" ", timespec="seconds")
    what = f"protocol {run.protocol}, stack {run.stack}, commit {run.git_commit}"
    return f"{run.run_id}, started {started}, {what}; {cells}"


def _build(subject: ComparedSubject) -> str:
    if not subject.changed:
        return "the same build in both runs"
    changed = f"{listing([*subject.changed])} changed"
    return f"{changed}; image {subject.first_image_id[:19]}, then {subject.second_image_id[:19]}"


# matplotlib's stubs leave the **kwargs of nearly every method untyped, so the method itself is "partially unknown".


BARS = "▁▂▃▄▅▆▇█"

NOTE = (
    "Geometric means over blocks with their 95% intervals, of the newest run; the bars are all runs of the group, the "
    "oldest first, scaled from the smallest to the largest. A change of throughput between two runs is marked if the "
    "A/A twins of both don't explain it at 95%. That isn't a verdict, because anything else may have changed between "
    "two runs. “lab compare” compares two runs, and “lab gate” judges a change of the code."
)

_PER: dict[str, tuple[str, str, float, Callable[[HistoryPoint], Estimate]]] = {
    "Throughput": ("Throughput over runs at {}", "requests/s", 1, lambda point: point.throughput),
    "p99": ("p99 latency over runs at {} (raw)", "ms", 1e3, lambda point: point.p99_us),
}


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
    """A group's protocol, stack, number of runs, and date of the first."""
    days = dict.fromkeys(f"{run.started_at:%Y-%m-%d}" for run in (group.runs[0], group.runs[-1]))
    count = f"{len(group.runs)} runs, " if len(group.runs) > 1 else ""
    return f"{group.protocol} on {group.stack}: {count}{' to '.join(days)}"


def render_history_html(history: History) -> str:
    """The history as a self-contained HTML page; texts from the runs are escaped."""
    return ENVIRONMENT.get_template("history.html").render(
        style=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
        groups=[
            (group_heading(group), why_apart(group), _plots(group, number), _group_table(group), _all_points(group))
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


def _group_table(group: HistoryGroup) -> Table:
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
        rows=tuple(_series_row(series) for series in group.series),
    )


def _series_row(series: HistorySeries) -> tuple[TableCell, ...]:
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
    """The newest change that A/A doesn't explain, and the number of others."""
    outside = [point for point in series.points if point.outside]
    if outside:
        others = len(outside) - 1
        return TableCell(_jump_text(outside[-1]), f"and {others} before" if others else "")
    unknown = sum(point.change is not None and point.noise is None for point in series.points)
    return TableCell("", f"unknown for {unknown}: too few twins" if unknown else "")


def _jump_text(point: HistoryPoint) -> str:
    """A change and its run: ``-12% in 20260131-120000-quick``; empty at the first point."""
    if point.change is None:
        return ""
    return f"{100 * (point.change - 1):+.1f}% in {point.run_id}"


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
        Column("A/A explains"),
    )
    return Table(
        title="All runs",
        note="The change of throughput from the run before, and the largest change that the twins of both explain.",
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
        note="Means over blocks with 95% intervals, the oldest run first, at equal distances.",
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
            listed = ", ".join(plain(value) for value in values)
            said.append(f"{series.api} {listed} {unit}")
        axes.set_xlabel("run")
        axes.set_xticks(range(1, len(runs) + 1)[:: math.ceil(len(runs) / 10)])
        axes.set_xlim(0.5, len(runs) + 0.5)
        greatest = max(of(point).value / per for series in found for point in series.points)
        scale(axes, unit, logarithmic=False, greatest=greatest)
        return finish(figure, title, said, caption=caption)


def _ends(estimate: Estimate, per: float) -> tuple[float, float]:
    """The interval's ends; the value itself without one."""
    if estimate.low is None or estimate.high is None:
        return estimate.value / per, estimate.value / per
    return estimate.low / per, estimate.high / per


def history_heading(history: History) -> str:
    """The page's title."""
    protocols = listing(list(dict.fromkeys(group.protocol for group in history.groups)))
    return f"Runs over time: {protocols}" if history.groups else "Runs over time"
