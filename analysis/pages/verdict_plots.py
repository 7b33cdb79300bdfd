"""Interval plots of the pairs: a ratio and its 95% interval a row, with the margin behind them."""

# pyright: reportUnknownMemberType=false
# matplotlib's stubs leave the **kwargs of nearly every method untyped, so the method itself is "partially unknown".

import math
from collections.abc import Iterator
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from analysis.pages.numbers import ratio_text
from analysis.pages.plots import PlotGroup
from analysis.pages.svg import PANEL_INCHES, Plot, finish, panel, series_color
from analysis.pages.verdicts import MAIN
from analysis.statistics.verdict import verdict_text
from documents.comparison import Comparison, Interval
from documents.report import Report

_ROW_INCHES = 0.26
_FRAME_INCHES = 1.0

_MARKERS = {"different": "o", "same": "s", "can't tell": "D", "A/A": "X"}
_COLORS = {"different": series_color(0), "same": series_color(2), "can't tell": series_color(1), "A/A": series_color(7)}
"""By the kind of verdict, as the legend names it. What can't be told is hollow."""

_TICKS = (
    (1.03, (0.97, 0.98, 0.99, 1, 1.01, 1.02, 1.03)),
    (1.12, (0.9, 0.95, 1, 1.05, 1.1)),
    (1.5, (0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.4)),
    (3, (0.35, 0.5, 0.7, 1, 1.4, 2, 2.8)),
    (8, (0.125, 0.25, 0.5, 1, 2, 4, 8)),
)
"""Ratios to label, by how far from 1 the axis reaches; farther out whole powers of ten."""


def verdict_plots(report: Report) -> PlotGroup | None:
    """A panel for each load with the pairs' ratios of throughput and the twin's; None where there is no interval."""
    plots = tuple(_by_scenario(report))
    if not plots:
        return None
    [comparison] = [found for found in report.comparisons if found.measure == MAIN]
    return PlotGroup(
        "Ratios of throughput",
        (
            "First over second, with 95% intervals, on a log scale. The band is the margin of "
            f"{100 * comparison.margin:g}%: pairs whose 90% interval lies within it are the same."
        ),
        plots,
    )


def _by_scenario(report: Report) -> Iterator[Plot]:
    for comparison in report.comparisons:
        if comparison.measure == MAIN:
            for scenario in report.scenarios:
                rows = _rows(comparison, scenario.name)
                if rows:
                    yield _draw(rows, comparison.margin, f"{scenario.name}, {scenario.connections} connections")


@dataclass(frozen=True)
class _Row:
    """One interval: how it is labelled, which kind of verdict it has, and what is said of it."""

    name: str
    kind: str
    value: float
    ends: Interval
    words: str


def _rows(comparison: Comparison, scenario: str) -> list[_Row]:
    """Each pair, and the twin, that have an interval under this load."""
    rows: list[_Row] = []
    for pair in comparison.pairs:
        if pair.scenario == scenario and pair.ratio is not None and pair.ratio.interval_95 is not None:
            kind = {"better": "different", "same": "same", "cannot-tell": "can't tell"}[pair.verdict]
            words = verdict_text(pair, comparison.measure)
            said = f"{pair.first} over {pair.second}: {words}"
            rows.append(_Row(f"{pair.first} / {pair.second}", kind, pair.ratio.value, pair.ratio.interval_95, said))
    for twin in comparison.twins:
        if twin.scenario == scenario and twin.ratio is not None and twin.ratio.interval_95 is not None:
            resolved = "can" if twin.resolves_margin else "can't"
            said = f"A/A twin: {100 * comparison.margin:g}% {resolved} be resolved"
            rows.append(_Row("A/A twin", "A/A", twin.ratio.value, twin.ratio.interval_95, said))
    return rows


def _draw(rows: list[_Row], margin: float, label: str) -> Plot:
    height = max(PANEL_INCHES[1], _FRAME_INCHES + _ROW_INCHES * len(rows))
    said: list[str] = []
    reach = math.log1p(margin)
    with panel(height_inches=height) as (figure, axes):
        axes.axvspan(1 / (1 + margin), 1 + margin, color=series_color(7), alpha=0.18, linewidth=0)
        axes.axvline(1, color=series_color(7), linewidth=1)
        told: set[str] = set()
        for place, row in enumerate(rows):
            low, high = row.ends.low, row.ends.high
            axes.errorbar(
                [row.value],
                [place],
                xerr=[[row.value - low], [high - row.value]],
                label=row.kind if row.kind not in told else None,
                linestyle="none",
                capsize=3,
                elinewidth=1.3,
                marker=_MARKERS[row.kind],
                color=_COLORS[row.kind],
                markerfacecolor="none" if row.kind == "can't tell" else None,
            )
            told.add(row.kind)
            reach = max(reach, -math.log(low), math.log(high))
            interval = f"95% interval {ratio_text(low)} to {ratio_text(high)}"
            said.append(f"{row.words}, {ratio_text(row.value)} ({interval})")
        axes.set_yticks(range(len(rows)), [row.name for row in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        _scale(axes, reach)
        return finish(figure, f"Ratios of throughput at {label}", said, caption=label)


def _scale(axes: Axes, reach: float) -> None:
    """A log scale that reaches as far on both sides of 1, so that no direction looks larger."""
    farthest = math.exp(min(1.06 * reach, 50.0))
    ticks = next((found for bound, found in _TICKS if farthest <= bound), None)
    decades = range(-math.ceil(math.log10(farthest)), math.ceil(math.log10(farthest)) + 1)
    axes.set_xscale("log")
    axes.set_xlim(1 / farthest, farthest)
    axes.xaxis.set_major_locator(FixedLocator(list(ticks or (10.0**decade for decade in decades))))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(_tick))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("ratio")


def _tick(value: float, _position: int | None) -> str:
    return f"{value:,.10g}"
