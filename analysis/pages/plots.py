"""Plots of a report: against the load, of verdicts, and along a window."""

# pyright: reportUnknownMemberType=false
# matplotlib's stubs leave the **kwargs of nearly every method untyped, so the method itself is "partially unknown".

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from analysis.formatting import exact_percent, load_text, plain, ratio_interval, ratio_text
from analysis.pages.svg import (
    HATCHES,
    PANEL_INCHES,
    SURFACE,
    Plot,
    draw_side_by_side,
    finish,
    panel,
    scale,
    series_color,
    series_dash,
    series_marker,
    tick,
)
from analysis.pages.table import INTERVAL_NOTE, ROLE_NAMES
from analysis.pages.verdicts import same_power_words
from analysis.raw import LEAST_BEYOND
from analysis.statistics import BYTES_PER_MB, HEADLINE, verdict_text
from documents.report import (
    Comparison,
    Estimate,
    Interval,
    LatencyDistribution,
    Measurements,
    Report,
    ScenarioSummary,
    TimeSeries,
)
from documents.run import SampledRole

_INTERVALS = (
    "Means over blocks with 95% intervals, except for a single block. A linear axis ends above twice the largest mean "
    "and may cut intervals; a log scale shows them completely."
)


@dataclass(frozen=True)
class PlotGroup:
    """Panels side by side, with a title and a note on how to read them."""

    title: str
    note: str
    plots: tuple[Plot, ...]


@dataclass(frozen=True)
class _Line:
    """A line against the load: the panel's title, the unit, the value in an estimate, and its divisor."""

    title: str
    unit: str
    read: Callable[[Measurements], Estimate | None]
    per: float = 1
    logarithmic: bool = False


def load_plots(report: Report) -> PlotGroup:
    """Throughput and latency by load."""
    return PlotGroup(
        "By load",
        f"{_INTERVALS} Latency is raw, on a log scale.",
        tuple(
            _by_load(
                report,
                _Line("Throughput by load", "requests/s", lambda measured: measured.throughput),
                _Line("p50 latency by load (raw)", "ms", lambda measured: measured.raw.p50_us, 1e3, logarithmic=True),
                _Line("p99 latency by load (raw)", "ms", lambda measured: measured.raw.p99_us, 1e3, logarithmic=True),
            )
        ),
    )


def use_plots(report: Report) -> PlotGroup:
    """Memory and CPU of the API by load."""
    return PlotGroup(
        "Memory and CPU by load",
        f"Of the API alone, over the whole load window. {_INTERVALS}",
        tuple(
            _by_load(
                report,
                _Line("Memory by load (average)", "MB", lambda measured: measured.memory_mean_bytes, BYTES_PER_MB),
                _Line("CPU by load", "cores", lambda measured: measured.cpu_cores["api"]),
            )
        ),
    )


def work_plots(report: Report) -> PlotGroup:
    """Requests for each CPU second of the API, by load."""
    return PlotGroup(
        "Requests for each CPU second",
        _INTERVALS,
        tuple(
            _by_load(
                report,
                _Line("Requests a CPU second by load", "requests", lambda measured: measured.requests_per_cpu_second),
            )
        ),
    )


def _by_load(report: Report, *lines: _Line) -> Iterator[Plot]:
    """A panel for each line with a value of any API."""
    for line in lines:
        if any(summary.measured and line.read(summary.measured) for summary in report.summaries):
            yield _draw(report, line)


def _draw(report: Report, line: _Line) -> Plot:
    """A line per API over the loads."""
    places = {scenario.name: f"{scenario.name}\n{scenario.connections} conn." for scenario in report.scenarios}
    lines = {
        api.name: {
            summary.scenario: estimate
            for summary in report.summaries
            if summary.api == api.name and summary.measured and (estimate := line.read(summary.measured)) is not None
        }
        for api in report.apis
    }
    with panel() as (figure, axes):
        said = draw_side_by_side(axes, places, lines, unit=line.unit, per=line.per, logarithmic=line.logarithmic)
        return finish(figure, line.title, said)


_ROW_INCHES = 0.26
_FRAME_INCHES = 1.0

_MARKERS = {"different": "o", "same": "s", "can't tell": "D", "A/A": "X"}
_COLORS = {"different": series_color(0), "same": series_color(2), "can't tell": series_color(1), "A/A": series_color(7)}
"""The colours of verdicts by their names in the legend. “Can't tell” is hollow."""

_TICKS = (
    (1.03, (0.97, 0.98, 0.99, 1, 1.01, 1.02, 1.03)),
    (1.12, (0.9, 0.95, 1, 1.05, 1.1)),
    (1.5, (0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.4)),
    (3, (0.35, 0.5, 0.7, 1, 1.4, 2, 2.8)),
    (8, (0.125, 0.25, 0.5, 1, 2, 4, 8)),
)
"""Ratios to label, by how far from 1 the axis reaches; beyond that, powers of ten."""


def verdict_plots(report: Report) -> PlotGroup:
    """A panel for each load with the pairs' ratios of throughput and the twin's, if one has an interval."""
    return PlotGroup(
        "Ratios of throughput",
        (
            f"First over second with intervals, on a log scale. {INTERVAL_NOTE} The twin's has 95%. The band is the "
            f"margin of {exact_percent(report.margin)}."
        ),
        tuple(_by_scenario(report)),
    )


def _by_scenario(report: Report) -> Iterator[Plot]:
    for comparison in report.comparisons:
        if comparison.measure == HEADLINE:
            for scenario in report.scenarios:
                rows = _rows(comparison, scenario.name)
                if rows:
                    yield _draw_pairs(rows, comparison.margin, load_text(scenario))


@dataclass(frozen=True)
class _Row:
    """One interval: its label, its kind of verdict, and its words."""

    name: str
    kind: str
    value: float
    ends: Interval
    words: str


def _rows(comparison: Comparison, scenario: str) -> list[_Row]:
    """Each pair and the twin with an interval under this load."""
    rows: list[_Row] = []
    for pair in comparison.pairs:
        if pair.scenario == scenario and pair.ratio is not None and pair.interval is not None:
            kind = {"better": "different", "same": "same", "cannot-tell": "can't tell"}[pair.verdict]
            words = verdict_text(pair, comparison.measure)
            said = f"{pair.first} over {pair.second}: {words}"
            rows.append(_Row(f"{pair.first} / {pair.second}", kind, pair.ratio.value, pair.interval, said))
    for twin in comparison.twins:
        if twin.scenario == scenario and twin.ratio is not None and twin.ratio.interval_95 is not None:
            said = f"A/A twin: {same_power_words(twin)}"
            rows.append(_Row("A/A twin", "A/A", twin.ratio.value, twin.ratio.interval_95, said))
    return rows


def _draw_pairs(rows: list[_Row], margin: float, label: str) -> Plot:
    height = max(PANEL_INCHES[1], _FRAME_INCHES + _ROW_INCHES * len(rows))
    said: list[str] = []
    reach = math.log1p(margin)
    with panel(height_inches=height) as (figure, axes):
        axes.axvspan(1 / (1 + margin), 1 + margin, color=series_color(7), alpha=0.18, linewidth=0)
        axes.axvline(1, color=series_color(7), linewidth=1)
        named: set[str] = set()
        for place, row in enumerate(rows):
            low, high = row.ends.low, row.ends.high
            axes.errorbar(
                [row.value],
                [place],
                xerr=[[row.value - low], [high - row.value]],
                label=row.kind if row.kind not in named else None,
                linestyle="none",
                capsize=3,
                elinewidth=1.3,
                marker=_MARKERS[row.kind],
                color=_COLORS[row.kind],
                markerfacecolor="none" if row.kind == "can't tell" else None,
            )
            named.add(row.kind)
            reach = max(reach, -math.log(low), math.log(high))
            said.append(f"{row.words}, {ratio_text(row.value)} ({ratio_interval(row.ends)})")
        axes.set_yticks(range(len(rows)), [row.name for row in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        _scale(axes, reach)
        return finish(figure, f"Ratios of throughput at {label}", said, caption=label)


def _scale(axes: Axes, reach: float) -> None:
    """A log scale that is symmetric around 1, so that no direction looks larger."""
    farthest = math.exp(min(1.06 * reach, 50.0))
    ticks = next((found for bound, found in _TICKS if farthest <= bound), None)
    decades = range(-math.ceil(math.log10(farthest)), math.ceil(math.log10(farthest)) + 1)
    axes.set_xscale("log")
    axes.set_xlim(1 / farthest, farthest)
    axes.xaxis.set_major_locator(FixedLocator(list(ticks or (10.0**decade for decade in decades))))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(tick))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("ratio")


_Draw = Callable[[Axes, list[tuple[int, ScenarioSummary]]], None]


def distribution_plots(report: Report) -> PlotGroup:
    """Latency against the percentile, for each load."""
    return PlotGroup(
        "Latency distribution",
        (
            "Raw latency (lines, solid marks) against the percentile, both on a log scale, as HdrHistogram plots it: "
            "each step to the right leaves a tenth of the responses. Hollow marks are corrected for coordinated "
            "omission by wrk. Geometric means over blocks of exact percentiles, as far as each cell has "
            f"{LEAST_BEYOND} slower responses."
        ),
        tuple(_per_load(report, "Latency at {}", _draw_distribution, _say_distribution)),
    )


def series_plots(report: Report) -> tuple[PlotGroup, ...]:
    """Memory and CPU of the API over the load window, and CPU by role, for each load."""
    return (
        PlotGroup(
            "Memory over the load window",
            "Anonymous memory of the API, mean over the valid cells of all blocks, from the load's start to its end.",
            tuple(_per_load(report, "Memory at {}", _draw_memory, _say_memory)),
        ),
        PlotGroup(
            "CPU over the load window",
            "CPU use of the API, mean over the valid cells of all blocks, from the load's start to its end.",
            tuple(_per_load(report, "CPU of the API at {}", _draw_cpu, _say_cpu)),
        ),
        PlotGroup(
            "CPU by role",
            "Mean CPU use over the load window, in cores: the API's own and what it makes the others use.",
            tuple(_per_load(report, "CPU by role at {}", _draw_roles, _say_roles)),
        ),
    )


def _per_load(report: Report, title: str, draw: _Draw, say: Callable[[ScenarioSummary], str]) -> Iterator[Plot]:
    order = {api.name: index for index, api in enumerate(report.apis)}
    for scenario in report.scenarios:
        found = [
            (order[summary.api], summary)
            for summary in report.summaries
            if summary.scenario == scenario.name and summary.measured is not None
        ]
        if found:
            with panel() as (figure, axes):
                draw(axes, found)
                label = load_text(scenario)
                yield finish(figure, title.format(label), [say(summary) for _, summary in found], caption=label)


_PERCENTILES = {2: "p50", 10: "p90", 100: "p99", 1_000: "p99.9", 10_000: "p99.99", 100_000: "p99.999"}
"""The names of percentiles by one in how many responses took longer."""


def _draw_distribution(axes: Axes, found: list[tuple[int, ScenarioSummary]]) -> None:
    farthest = 10.0
    for index, summary in found:
        color, marker = series_color(index), series_marker(index)
        if (distribution := summary.distribution) is not None:
            farthest = max(farthest, distribution.one_in[-1])
            axes.plot(
                distribution.one_in,
                [latency / 1e3 for latency in distribution.raw_us],
                color=color,
                linestyle=series_dash(index),
            )
        marks = _marks(summary)
        # Only for the legend, in which line and mark are together.
        axes.plot([], [], label=summary.api, color=color, marker=marker, linestyle=series_dash(index))
        axes.plot(
            [one_in for one_in, _, _ in marks],
            [raw for _, raw, _ in marks],
            color=color,
            marker=marker,
            linestyle="none",
        )
        axes.plot(
            [one_in for one_in, _, _ in marks],
            [corrected for _, _, corrected in marks],
            color=color,
            marker=marker,
            markerfacecolor="none",
            markersize=8,
            linestyle="none",
        )
        farthest = max(farthest, *(one_in for one_in, _, _ in marks))
    scale(axes, "ms", logarithmic=True)
    axes.set_xscale("log")
    axes.set_xlim(1.2, farthest * 1.4)
    shown = [one_in for one_in in _PERCENTILES if one_in <= farthest]
    axes.set_xticks(shown, [_PERCENTILES[one_in] for one_in in shown])
    axes.xaxis.set_minor_locator(NullLocator())


def _marks(summary: ScenarioSummary) -> list[tuple[int, float, float]]:
    """One in how many took longer, raw and corrected latency in ms: the tables' percentiles, and those beyond."""
    marks = [
        (one_in, raw.value / 1e3, corrected.value / 1e3)
        for measured in _measured(summary)
        for one_in, raw, corrected in (
            (2, measured.raw.p50_us, measured.corrected.p50_us),
            (10, measured.raw.p90_us, measured.corrected.p90_us),
            (100, measured.raw.p99_us, measured.corrected.p99_us),
            (1_000, measured.raw.p999_us, measured.corrected.p999_us),
        )
    ]
    return [*marks, *(() if summary.distribution is None else _far_marks(summary.distribution))]


def _far_marks(distribution: LatencyDistribution) -> Iterator[tuple[int, float, float]]:
    points = zip(distribution.one_in, distribution.raw_us, distribution.corrected_us, strict=True)
    for one_in, raw, corrected in points:
        if one_in > 1_000 and one_in in _PERCENTILES:
            yield int(one_in), raw / 1e3, corrected / 1e3


def _say_distribution(summary: ScenarioSummary) -> str:
    parts = (
        f"{_PERCENTILES[one_in]} {plain(raw)} ms raw and {plain(corrected)} ms corrected"
        for one_in, raw, corrected in _marks(summary)
    )
    return f"{summary.api} {', '.join(parts)}"


_ROLE_COLORS: dict[SampledRole, int] = {"api": 7, "postgres": 5, "redis": 6, "generator": 4}
"""The colours of roles, which aren't those of the first APIs."""


def _draw_roles(axes: Axes, found: list[tuple[int, ScenarioSummary]]) -> None:
    names = [summary.api for _, summary in found]
    left = np.zeros(len(found))
    for index, (role, name) in enumerate(ROLE_NAMES.items()):
        used = [measured.cpu_cores[role].value for _, summary in found for measured in _measured(summary)]
        axes.barh(
            names,
            used,
            left=left,
            height=0.55,
            label=name,
            color=series_color(_ROLE_COLORS[role]),
            hatch=HATCHES[index],
            edgecolor=SURFACE,
            linewidth=0.8,
        )
        left = left + np.array(used)
    axes.set_ylim(len(found) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("cores")


def _say_roles(summary: ScenarioSummary) -> str:
    parts = [
        f"{name} {plain(measured.cpu_cores[role].value)}"
        for measured in _measured(summary)
        for role, name in ROLE_NAMES.items()
    ]
    return f"with {summary.api} under load, cores used: {', '.join(parts)}"


def _draw_memory(axes: Axes, found: list[tuple[int, ScenarioSummary]]) -> None:
    _draw_series(axes, found, "MB", lambda series: [value / BYTES_PER_MB for value in series.memory_bytes])


def _draw_cpu(axes: Axes, found: list[tuple[int, ScenarioSummary]]) -> None:
    _draw_series(axes, found, "cores", lambda series: series.cpu_cores)


def _draw_series(
    axes: Axes,
    found: list[tuple[int, ScenarioSummary]],
    unit: str,
    read: Callable[[TimeSeries], Iterable[float]],
) -> None:
    for index, summary in found:
        if summary.series is not None:
            values = list(read(summary.series))
            axes.plot(
                (np.arange(len(values)) + 0.5) * summary.series.step_seconds,
                values,
                label=summary.api,
                color=series_color(index),
                marker=series_marker(index),
                markevery=(index % 3, max(len(values) // 6, 1)),
                clip_on=False,
                linestyle=series_dash(index),
            )
    axes.set_xlabel("seconds since the load began")
    axes.set_xlim(left=0)
    scale(axes, unit, logarithmic=False)


def _say_memory(summary: ScenarioSummary) -> str:
    if summary.series is None:
        return summary.api
    memory = [value / BYTES_PER_MB for value in summary.series.memory_bytes]
    return f"{summary.api} from {plain(memory[0])} MB at first to {plain(memory[-1])} MB at last"


def _say_cpu(summary: ScenarioSummary) -> str:
    if summary.series is None:
        return summary.api
    cores = summary.series.cpu_cores
    return f"{summary.api} between {plain(min(cores))} and {plain(max(cores))} cores"


def _measured(summary: ScenarioSummary) -> tuple[Measurements, ...]:
    return () if summary.measured is None else (summary.measured,)
