"""Plots against the load: a line an API with intervals, each one small panel that fits a phone."""

# pyright: reportUnknownMemberType=false
# matplotlib's stubs leave the **kwargs of nearly every method untyped, so the method itself is "partially unknown".

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from analysis.pages.numbers import interval, plain
from analysis.pages.svg import Plot, finish, panel, scale, series_color, series_dash, series_marker
from documents.report import Report
from documents.summaries import Estimate, Measurements

_INTERVALS = (
    "Means over blocks with 95% intervals: none for a single block. On a linear axis they end above twice the greatest "
    "mean; on a log scale they are shown whole."
)


@dataclass(frozen=True)
class PlotGroup:
    """Panels that belong together, with a title and a note on how to read them; a page sets them side by side."""

    title: str
    note: str
    plots: tuple[Plot, ...]


@dataclass(frozen=True)
class _Line:
    """What is drawn against the load: the panel's title, the unit, how a value is read, and what it is divided by."""

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
                _Line("Memory by load (average)", "MB", lambda measured: measured.memory_mean_bytes, 1e6),
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
    """A panel for each line that some API has a value of."""
    for line in lines:
        if any(summary.measured and line.read(summary.measured) for summary in report.summaries):
            yield _draw(report, line)


def _draw(report: Report, line: _Line) -> Plot:
    """One line an API over the loads, side by side where they would hide each other, with intervals."""
    said: list[str] = []
    greatest = 0.0
    per = line.per
    apis = [api.name for api in report.apis]
    positions = {scenario.name: index for index, scenario in enumerate(report.scenarios)}
    with panel() as (figure, axes):
        for index, api in enumerate(apis):
            found = [
                (summary.scenario, estimate)
                for summary in report.summaries
                if summary.api == api and summary.measured and (estimate := line.read(summary.measured)) is not None
            ]
            if not found:
                continue
            # All together take half of a load's place, however many they are.
            offset = min(0.12, 0.5 / len(apis)) * (index - (len(apis) - 1) / 2)
            values = [estimate.value / per for _, estimate in found]
            greatest = max(greatest, *values)
            below = [(estimate.value - _end(estimate.low, estimate)) / per for _, estimate in found]
            above = [(_end(estimate.high, estimate) - estimate.value) / per for _, estimate in found]
            axes.errorbar(
                [positions[scenario] + offset for scenario, _ in found],
                values,
                yerr=[below, above],
                label=api,
                color=series_color(index),
                marker=series_marker(index),
                linestyle=series_dash(index),
                capsize=3,
                elinewidth=1.3,
            )
            said += [
                f"{api} at {scenario} {plain(estimate.value / per)} {line.unit}{_in_brackets(estimate, per)}"
                for scenario, estimate in found
            ]
        axes.set_xticks(
            list(positions.values()),
            [f"{scenario.name}\n{scenario.connections} conn." for scenario in report.scenarios],
        )
        axes.set_xlim(-0.5, len(positions) - 0.5)
        axes.grid(visible=False, axis="x")
        scale(axes, line.unit, logarithmic=line.logarithmic, greatest=greatest)
        return finish(figure, line.title, said)


def _end(end: float | None, estimate: Estimate) -> float:
    return estimate.value if end is None else end


def _in_brackets(estimate: Estimate, per: float) -> str:
    found = interval(estimate, per)
    return f" (95% interval {found})" if found else ""
