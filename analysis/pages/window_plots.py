"""Plots of one load each: how its latencies are distributed, and what was used along its window."""

# pyright: reportUnknownMemberType=false
# matplotlib's stubs leave the **kwargs of nearly every method untyped, so the method itself is "partially unknown".

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from analysis.histogram import LEAST_BEYOND
from analysis.pages.numbers import plain
from analysis.pages.plots import PlotGroup
from analysis.pages.svg import (
    HATCHES,
    SURFACE,
    Plot,
    finish,
    panel,
    scale,
    series_color,
    series_dash,
    series_marker,
)
from analysis.pages.table import ROLE_NAMES
from documents.report import Report
from documents.samples import SampledRole
from documents.summaries import LatencyDistribution, Measurements, ScenarioSummary, TimeSeries

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
                label = f"{scenario.name}, {scenario.connections} connections"
                yield finish(figure, title.format(label), [say(summary) for _, summary in found], caption=label)


_PERCENTILES = {2: "p50", 10: "p90", 100: "p99", 1_000: "p99.9", 10_000: "p99.99", 100_000: "p99.999"}
"""By one in how many responses took longer."""


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
        # For the legend alone: there line and mark belong together.
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
    """One in how many took longer, raw and corrected latency in ms: the percentiles of the tables, and those beyond."""
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
    told = zip(distribution.one_in, distribution.raw_us, distribution.corrected_us, strict=True)
    for one_in, raw, corrected in told:
        if one_in > 1_000 and one_in in _PERCENTILES:
            yield int(one_in), raw / 1e3, corrected / 1e3


def _say_distribution(summary: ScenarioSummary) -> str:
    parts = (
        f"{_PERCENTILES[one_in]} {plain(raw)} ms raw and {plain(corrected)} ms corrected"
        for one_in, raw, corrected in _marks(summary)
    )
    return f"{summary.api} {', '.join(parts)}"


_ROLE_COLORS: dict[SampledRole, int] = {"api": 7, "postgres": 5, "redis": 6, "generator": 4}
"""The APIs have the first colours; a role in one of theirs would seem to be that API."""


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
    axes.invert_yaxis()
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
    _draw_series(axes, found, "MB", lambda series: [value / 1e6 for value in series.memory_bytes])


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
    memory = [value / 1e6 for value in summary.series.memory_bytes]
    return f"{summary.api} from {plain(memory[0])} MB at first to {plain(memory[-1])} MB at last"


def _say_cpu(summary: ScenarioSummary) -> str:
    if summary.series is None:
        return summary.api
    cores = summary.series.cpu_cores
    return f"{summary.api} between {plain(min(cores))} and {plain(max(cores))} cores"


def _measured(summary: ScenarioSummary) -> tuple[Measurements, ...]:
    return () if summary.measured is None else (summary.measured,)
