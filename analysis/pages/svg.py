"""One plot panel as inline SVG.

Text stays text, in the page's own font. Colours are written as CSS variables (`--ink`, `--muted`, `--grid`,
`--surface`, `--series-0` and on), so that one SVG serves the light and the dark page; each API also has a marker and a
dash pattern of its own, and each role a hatch, because colour alone is lost in print and for colour-blind readers. The
same data give the same bytes: there is no date, ids are salted by a constant, and only matplotlib's font is measured.
"""

# pyright: reportUnknownMemberType=false
# matplotlib's stubs leave the **kwargs of nearly every method untyped, so the method itself is "partially unknown".

import io
import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter
from matplotlib.typing import RcKeyType

from analysis.formatting import in_brackets, plain
from documents.report import Estimate

PANEL_INCHES = (4.1, 3.0)

_LEGEND_POINTS = 72 * PANEL_INCHES[0] - 12
_LEGEND_HANDLE_POINTS, _LEGEND_LETTER_POINTS = 34, 5
_LEGEND_ROW_INCHES = 0.18

_INK, _MUTED, _GRID, SURFACE = "#0000f0", "#0000f1", "#0000f2", "#0000f3"
_SERIES = tuple(f"#0000e{index}" for index in range(8))
_VARIABLES = {
    _INK: "--ink",
    _MUTED: "--muted",
    _GRID: "--grid",
    SURFACE: "--surface",
    **{color: f"--series-{index}" for index, color in enumerate(_SERIES)},
}
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")
_DASHES: tuple[str | tuple[int, tuple[int, ...]], ...] = ("-", (0, (5, 2)), (0, (1, 1)), (0, (5, 1, 1, 1)))
HATCHES = ("", "///", "\\\\\\", "xxx")

_STYLE: dict[RcKeyType, object] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "fairground",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.parse_math": False,
    "text.color": _INK,
    "axes.labelcolor": _MUTED,
    "axes.edgecolor": _GRID,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "grid.color": _GRID,
    "grid.linewidth": 0.7,
    "xtick.color": _GRID,
    "ytick.color": _GRID,
    "xtick.labelcolor": _MUTED,
    "ytick.labelcolor": _MUTED,
    "ytick.major.size": 0,
    "ytick.minor.size": 0,
    "hatch.color": SURFACE,
    "hatch.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.8,
    "lines.markersize": 5.5,
}


@dataclass(frozen=True)
class Plot:
    """One panel: a title, and an `<svg>` element with its data in words for screen readers."""

    title: str
    svg: str


@contextmanager
def panel(*, height_inches: float = PANEL_INCHES[1]) -> Generator[tuple[Figure, Axes], None, None]:
    """Yield an empty panel in the report's style."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        figure = Figure(figsize=(PANEL_INCHES[0], height_inches), layout="constrained")
        yield figure, figure.add_subplot()


def finish(figure: Figure, title: str, said: list[str], *, caption: str | None = None) -> Plot:
    """Add the legend, with room for its names, and turn the panel into a `Plot`.

    `said` has the data in words; `caption` replaces the title above the panel.
    """
    axes = figure.axes[0]
    handles, labels = axes.get_legend_handles_labels()
    columns = _legend_columns(labels)
    width, height = figure.get_size_inches()
    further_rows = max(0, -(-len(labels) // columns) - 2)
    figure.set_size_inches(width, height + further_rows * _LEGEND_ROW_INCHES)
    figure.legend(handles, labels, loc="outside upper left", ncols=columns, handlelength=2.2, columnspacing=1.2)
    return Plot(caption or title, _svg(figure, title, f"{'; '.join(said)}."))


def _legend_columns(labels: Sequence[str]) -> int:
    """How many columns of names fit into the panel."""
    for columns in (4, 3, 2):
        rows = -(-len(labels) // columns)
        longest = (max(map(len, labels[start : start + rows])) for start in range(0, len(labels), rows or 1))
        if sum(_LEGEND_HANDLE_POINTS + _LEGEND_LETTER_POINTS * letters for letters in longest) <= _LEGEND_POINTS:
            return columns
    return 1


def _svg(figure: Figure, title: str, data: str) -> str:
    """The figure as an `<svg>` element with ids that are unique on a page."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"\s*<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    prefix = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    text = re.sub(r'id="([^"]+)"', rf'id="{prefix}-\1"', text)
    text = re.sub(r'(url\(#|href="#)', rf"\1{prefix}-", text)
    text = re.sub(r' (?:d|x|y|transform|style)="[^"]*"', _rounded, text)
    text = re.sub(r"#0000[ef][0-9]", lambda match: f"var({_VARIABLES[match[0]]})", text)
    text = text.replace("'DejaVu Sans'", "var(--sans)")
    width, height = (round(72 * float(inches)) for inches in figure.get_size_inches())
    return re.sub(
        r"<svg [^>]*>",
        lambda _: (
            f'<svg role="img" aria-labelledby="{prefix}-title" aria-describedby="{prefix}-data" '
            f'viewBox="0 0 {width} {height}" '
            'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
            f'<title id="{prefix}-title">{escape(title)}</title><desc id="{prefix}-data">{escape(data)}</desc>'
        ),
        text,
        count=1,
    )


def _rounded(attribute: re.Match[str]) -> str:
    """An attribute with its lengths rounded to a hundredth of a point."""
    return re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), attribute[0])


def scale(axes: Axes, unit: str, *, logarithmic: bool, greatest: float = float("inf")) -> None:
    """Label the y axis with its unit and set its range.

    A linear axis begins at 0 and ends slightly above twice the `greatest` value: longer intervals are cut, so that the
    values remain readable.
    """
    axes.set_ylabel(unit)
    if not logarithmic:
        axes.yaxis.set_major_formatter(FuncFormatter(tick))
        axes.set_ylim(0, max(min(axes.get_ylim()[1], 2 * greatest), 1e-9) * 1.12)
        return
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    steps = (1, 1.5, 2, 3, 5, 7) if high < 8 * low else (1, 2, 5) if high < 500 * low else (1,)
    axes.yaxis.set_major_locator(FixedLocator([step * 10.0**decade for decade in decades for step in steps]))
    axes.yaxis.set_major_formatter(FuncFormatter(tick))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylim(low / 1.2, high * 1.2)


def tick(value: float, _position: int | None) -> str:
    """The text of a tick, for matplotlib's `FuncFormatter`."""
    return f"{value:,.10g}"


def draw_side_by_side(
    axes: Axes,
    places: Mapping[str, str],
    lines: Mapping[str, Mapping[str, Estimate]],
    *,
    unit: str,
    per: float,
    logarithmic: bool,
) -> list[str]:
    """Draw a line with intervals for each API over the places of the x axis, shifted so that none hides another.

    Args:
        axes: an empty panel's.
        places: the tick of each place, by its name in a sentence.
        lines: the estimates of each API, by the names of the places that it has.
        unit: that of the y axis.
        per: what each number is divided by.
        logarithmic: whether the y axis is.

    Returns:
        The data in words.
    """
    said: list[str] = []
    greatest = 0.0
    positions = {name: position for position, name in enumerate(places)}
    for index, (api, estimates) in enumerate(lines.items()):
        if not estimates:
            continue
        # All together take at most half of the distance between two places.
        offset = min(0.12, 0.5 / len(lines)) * (index - (len(lines) - 1) / 2)
        shifted = [positions[name] + offset for name in estimates]
        greatest = max(greatest, *draw_estimates(axes, index, api, shifted, [*estimates.values()], per=per))
        said += [
            f"{api} at {name} {plain(estimate.value / per)} {unit}{in_brackets(estimate, per)}"
            for name, estimate in estimates.items()
        ]
    axes.set_xticks([*positions.values()], [*places.values()])
    axes.set_xlim(-0.5, len(places) - 0.5)
    axes.grid(visible=False, axis="x")
    scale(axes, unit, logarithmic=logarithmic, greatest=greatest)
    return said


def draw_estimates(
    axes: Axes, index: int, label: str, places: Sequence[float], estimates: Sequence[Estimate], *, per: float
) -> list[float]:
    """Draw the line of the API of that index, with intervals; each number is divided by `per`.

    Returns:
        The values, in the unit of the axis.
    """
    values = [found.value / per for found in estimates]
    below = [0.0 if found.low is None else (found.value - found.low) / per for found in estimates]
    above = [0.0 if found.high is None else (found.high - found.value) / per for found in estimates]
    axes.errorbar(
        places,
        values,
        yerr=[below, above],
        label=label,
        color=series_color(index),
        marker=series_marker(index),
        linestyle=series_dash(index),
        capsize=3,
        elinewidth=1.3,
    )
    return values


def series_color(index: int) -> str:
    """The colour of the API, or role, of that index."""
    return _SERIES[index % len(_SERIES)]


def series_marker(index: int) -> str:
    """The marker of the API of that index."""
    return _MARKERS[index % len(_MARKERS)]


def series_dash(index: int) -> str | tuple[int, tuple[int, ...]]:
    """The dash pattern of the API of that index; with the marker, unique among 32."""
    return _DASHES[(index + index // len(_MARKERS)) % len(_DASHES)]
