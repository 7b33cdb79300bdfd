"""What the report draws: each plot is one small panel that fits a phone; a page sets panels side by side."""

# pyright: reportUnknownMemberType=false
# matplotlib's stubs leave the **kwargs of nearly every method untyped, so the method itself is "partially unknown".

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from analysis.pages.numbers import interval, plain
from analysis.pages.open_loop import open_loop_plots
from analysis.pages.svg import DASHES, HATCHES, MARKERS, SURFACE, Plot, finish, panel, scale, series_color
from analysis.pages.table import ROLE_NAMES
from documents.report import Report
from documents.samples import SampledRole
from documents.summaries import Estimate, LatencyEstimate, Measurements, ScenarioSummary, TimeSeries


@dataclass(frozen=True)
class PlotGroup:
    """Panels that belong together, with a title and a note on how to read them."""

    title: str
    note: str
    plots: tuple[Plot, ...]


def plot_groups(report: Report) -> tuple[PlotGroup, ...]:
    """All plots of a report; those without data are left out."""
    groups = (
        PlotGroup(
            "By load",
            "Means over blocks with 95% intervals: none for a single block. On a linear axis they end above twice "
            "the greatest mean; on the log scale of the latency they are shown whole.",
            tuple(_by_load(report)),
        ),
        PlotGroup(
            "Latency percentiles",
            "Raw (solid marks, lines) and corrected for coordinated omission by wrk (hollow marks), on a log scale.",
            tuple(_per_scenario(report, "Latency at {}", _draw_latency, _say_latency)),
        ),
        PlotGroup(
            "Latency by rate",
            "Open loop: requests arrive at rates that are the same for all. Geometric means over blocks with 95% "
            "intervals, on a log scale; the shares are of the slowest API's throughput.",
            open_loop_plots(report),
        ),
        PlotGroup(
            "CPU by role",
            "Mean CPU use over the load window, in cores.",
            tuple(_per_scenario(report, "CPU by role at {}", _draw_roles, _say_roles)),
        ),
        PlotGroup(
            "Memory over the load window",
            "Anonymous memory of the API, mean over blocks.",
            tuple(_per_scenario(report, "Memory at {}", _draw_memory, _say_memory)),
        ),
        PlotGroup(
            "CPU over the load window",
            "CPU use of the API, mean over blocks.",
            tuple(_per_scenario(report, "CPU of the API at {}", _draw_cpu, _say_cpu)),
        ),
    )
    return tuple(group for group in groups if group.plots)


def _by_load(report: Report) -> Iterator[Plot]:
    if all(summary.measured is None for summary in report.summaries):
        return
    yield _line_by_load(
        report, "Throughput by load", "requests/s", lambda measured: measured.throughput, per=1, logarithmic=False
    )
    yield _line_by_load(
        report, "p99 latency by load (raw)", "ms", lambda measured: measured.raw.p99_us, per=1e3, logarithmic=True
    )
    yield _line_by_load(
        report,
        "Memory by load (average)",
        "MB",
        lambda measured: measured.memory_mean_bytes,
        per=1e6,
        logarithmic=False,
    )


def _line_by_load(
    report: Report, title: str, unit: str, read: Callable[[Measurements], Estimate], *, per: float, logarithmic: bool
) -> Plot:
    """One line an API over the loads, side by side where they would hide each other, with intervals."""
    said: list[str] = []
    greatest = 0.0
    apis = [api.name for api in report.apis]
    positions = {scenario.name: index for index, scenario in enumerate(report.scenarios)}
    with panel() as (figure, axes):
        for index, api in enumerate(apis):
            found = [
                (summary, read(summary.measured))
                for summary in report.summaries
                if summary.api == api and summary.measured is not None
            ]
            if not found:
                continue
            offset = 0.12 * (index - (len(apis) - 1) / 2)
            values = [estimate.value / per for _, estimate in found]
            greatest = max(greatest, *values)
            below = [(estimate.value - _end(estimate.low, estimate)) / per for _, estimate in found]
            above = [(_end(estimate.high, estimate) - estimate.value) / per for _, estimate in found]
            axes.errorbar(
                [positions[summary.scenario] + offset for summary, _ in found],
                values,
                yerr=[below, above],
                label=api,
                color=series_color(index),
                marker=MARKERS[index % len(MARKERS)],
                linestyle=DASHES[index % len(DASHES)],
                capsize=3,
                elinewidth=1.3,
            )
            said += [
                f"{api} at {summary.scenario} {plain(estimate.value / per)} {unit}{_in_brackets(estimate, per)}"
                for summary, estimate in found
            ]
        axes.set_xticks(
            list(positions.values()),
            [f"{scenario.name}\n{scenario.connections} conn." for scenario in report.scenarios],
        )
        axes.set_xlim(-0.5, len(positions) - 0.5)
        axes.grid(visible=False, axis="x")
        scale(axes, unit, logarithmic=logarithmic, greatest=greatest)
        return finish(figure, title, said)


def _per_scenario(
    report: Report,
    title: str,
    draw: Callable[[Axes, list[tuple[int, ScenarioSummary]]], None],
    say: Callable[[ScenarioSummary], str],
) -> Iterator[Plot]:
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


_PERCENTILES = ("p50", "p90", "p99", "p99.9")


def _percentiles(estimate: LatencyEstimate) -> tuple[Estimate, ...]:
    return estimate.p50_us, estimate.p90_us, estimate.p99_us, estimate.p999_us


def _draw_latency(axes: Axes, found: list[tuple[int, ScenarioSummary]]) -> None:
    for index, summary in found:
        for measured in _measured(summary):
            raw, corrected = _percentiles(measured.raw), _percentiles(measured.corrected)
            places = np.arange(len(_PERCENTILES)) + 0.1 * (index - (found[-1][0] + found[0][0]) / 2)
            marker = MARKERS[index % len(MARKERS)]
            axes.plot(
                places,
                [estimate.value / 1e3 for estimate in raw],
                label=summary.api,
                color=series_color(index),
                marker=marker,
                linestyle=DASHES[index % len(DASHES)],
            )
            axes.plot(
                places,
                [estimate.value / 1e3 for estimate in corrected],
                color=series_color(index),
                marker=marker,
                markerfacecolor="none",
                markersize=8,
                linestyle="none",
            )
    axes.set_xticks(range(len(_PERCENTILES)), _PERCENTILES)
    axes.grid(visible=False, axis="x")
    scale(axes, "ms", logarithmic=True)


def _say_latency(summary: ScenarioSummary) -> str:
    parts = [
        f"{name} {plain(raw.value / 1e3)} ms raw and {plain(corrected.value / 1e3)} ms corrected"
        for measured in _measured(summary)
        for name, raw, corrected in zip(
            _PERCENTILES, _percentiles(measured.raw), _percentiles(measured.corrected), strict=True
        )
    ]
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
                marker=MARKERS[index % len(MARKERS)],
                markevery=(index % 3, max(len(values) // 6, 1)),
                clip_on=False,
                linestyle=DASHES[index % len(DASHES)],
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


def _end(end: float | None, estimate: Estimate) -> float:
    return estimate.value if end is None else end


def _in_brackets(estimate: Estimate, per: float) -> str:
    found = interval(estimate, per)
    return f" (95% interval {found})" if found else ""
