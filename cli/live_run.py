"""What is seen of a run at a terminal while it goes on: below the lines of its cells, a view that is drawn anew."""

import threading
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from analysis.pages.numbers import MISSING
from documents.open_loop import OpenLoopCell
from experiment.events import Event
from experiment.run_state import RunState, UnderWay

_BAR_WIDTH = 34
"""With its percentage a bar fits into 40 columns. A row that a narrower window breaks in two leaves its first half
behind when the view is drawn anew, so rows are short."""
_REFRESHES_A_SECOND = 4
_LEAST_HEIGHT = 4


def time_left_text(seconds: float, ends_at: datetime, *, measured: bool) -> str:
    """The time left and when it is over: ``1 h 05 min left, until 13:42``.

    Args:
        seconds: those left.
        ends_at: the moment at which they are over, in the time zone of whoever reads it.
        measured: whether they follow from what was measured; else they are the most that it may take.
    """
    until = f"until {ends_at:%H:%M}" if seconds < 12 * 3600 else f"until {ends_at:%A %H:%M}"
    return f"{_length(seconds)} left, {until}" if measured else f"at most {_length(seconds)} left, {until}"


def _length(seconds: float) -> str:
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def view(state: RunState, now: float, wall: datetime, *, width: int, height: int) -> list[RenderableType]:
    """The rows of the view, none of them wider than the terminal and all of them no more than it has.

    Args:
        state: where the run stands.
        now: the moment on the monotonic clock.
        wall: the same moment by the time of day, in the reader's time zone.
        width: of the terminal, in columns.
        height: of the terminal, in rows.
    """
    if state.started is None:
        return [Text("starting", overflow="crop", no_wrap=True)]
    rows: list[RenderableType] = [_cropped(_place(state))]
    if state.open_loop_comes:
        rows.append(_cropped(f"{state.open_loop_cells} of them in the open loop, at the end"))
    if state.under_way is not None:
        rows.append(_cropped(_doing(state, state.under_way, now)))
    rows.append(_bar(state, width))
    if (seconds := state.time_left.seconds(now)) is not None:
        ends_at = wall + timedelta(seconds=seconds)
        rows.append(_cropped(time_left_text(seconds, ends_at, measured=state.time_left.measured)))
    warned = [_cropped(row, style="yellow") for row in _warned(state)]
    # A row stays free: without it, each drawing would move the terminal's text up.
    room = height - 1 - len(rows) - len(warned)
    rows += [_cropped(row) for row in _throughputs(state, width, room)]
    return [*rows, *warned][: max(_LEAST_HEIGHT, height - 1)]


def _cropped(text: str, *, style: str = "") -> Text:
    return Text(text, style=style, overflow="ellipsis", no_wrap=True)


def _place(state: RunState) -> str:
    assert state.started is not None  # noqa: S101 - asked by the caller
    protocol, under_way = state.started.protocol, state.under_way
    parts: list[str] = []
    if under_way is not None and isinstance(under_way.cell, OpenLoopCell) and protocol.open_loop is not None:
        parts.append(f"open loop, block {under_way.cell.block} of {protocol.open_loop.blocks}")
    elif under_way is not None:
        parts.append(f"block {under_way.cell.block} of {protocol.blocks}")
    number = state.finished if under_way is None else state.number_of(under_way.cell)
    parts.append(f"cell {number} of {state.cells}")
    return ", ".join(parts)


def _doing(state: RunState, under_way: UnderWay, now: float) -> str:
    assert state.started is not None  # noqa: S101 - asked by the caller
    elapsed = now - under_way.since
    window = {
        "warm_up": state.started.protocol.warm_up_seconds,
        "load": under_way.cell.scenario.duration_seconds,
    }.get(under_way.phase or "")
    # The generator's start and end come on top of it.
    seconds = f"{elapsed:.0f}" if window is None or elapsed > window else f"{elapsed:.0f} of {window}"
    again = f", attempt {under_way.attempt}" if under_way.attempt > 1 else ""
    phase = "" if under_way.phase is None else f" {under_way.phase.replace('_', ' ')}"
    return f"{under_way.cell.id}{again}:{phase}, {seconds} s"


def _bar(state: RunState, width: int) -> RenderableType:
    total = max(state.cells, 1)
    bar_width = max(1, min(_BAR_WIDTH, width - 6))
    bar = ProgressBar(total=total, completed=state.finished, width=bar_width)
    return _Beside(bar, bar_width, f" {state.finished / total:.0%}")


class _Beside:
    """A bar of so many columns, and a text behind it in the same row."""

    def __init__(self, bar: ProgressBar, width: int, text: str) -> None:
        self._bar = bar
        self._width = width
        self._text = text

    def __rich_console__(self, console: Console, options: object) -> Iterator[RenderableType]:
        segments = [segment for segment in console.render(self._bar) if not segment.control]
        drawn = Text.assemble(*((segment.text, segment.style or "") for segment in segments))
        # Without colours, what isn't done yet isn't drawn.
        drawn.pad_right(self._width - drawn.cell_len)
        yield drawn.append(self._text)


def _throughputs(state: RunState, width: int, room: int) -> list[str]:
    """The medians so far in at most so many rows: a table where it fits, else a list, else as much of it as fits."""
    apis, loads = state.apis, state.loads
    values = {(api, load): state.throughput(api, load) for api in apis for load in loads}
    if room < 2 or all(value is None for value in values.values()):
        return []
    shown = {pair: MISSING if value is None else f"{value:,.0f}" for pair, value in values.items()}
    first = max(map(cell_len, (*apis, "requests/s")))
    widths = [max(map(cell_len, (load, *(shown[api, load] for api in apis)))) for load in loads]
    if first + sum(2 + column for column in widths) <= width:
        rows = [
            "  ".join(("requests/s".ljust(first), *(load.rjust(of) for load, of in zip(loads, widths, strict=True))))
        ]
        rows += [
            "  ".join((api.ljust(first), *(shown[api, load].rjust(of) for load, of in zip(loads, widths, strict=True))))
            for api in apis
        ]
    else:
        measured = [(api, load) for load in loads for api in apis if values[api, load] is not None]
        rows = [f"{api} {load}: {shown[api, load]} requests/s" for api, load in measured]
    return rows if len(rows) <= room else [*rows[: room - 1], f"… and {len(rows) - room + 1} more"]


def _warned(state: RunState) -> Iterator[str]:
    if state.voids:
        count = sum(state.voids.values())
        reasons = ", ".join(f"{reason} {number}" for reason, number in state.voids.most_common())
        yield f"{count} void: {reasons}"
        after = [f"{state.again} run again"] if state.again else []
        if state.short_blocks:
            after.append(f"short: block {', '.join(state.short_blocks)}")
        if after:
            yield "; ".join(after)
    if state.never_steady:
        warm_ups = "warm-up" if state.never_steady == 1 else "warm-ups"
        yield f"{state.never_steady} {warm_ups} never steady"


class LiveRun:
    """The view of a run, drawn several times a second by a thread of its own; gone without a trace when it ends."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._state = RunState()
        self._lock = threading.Lock()
        self._live = Live(
            console=console,
            get_renderable=self._draw,
            refresh_per_second=_REFRESHES_A_SECOND,
            transient=True,
            vertical_overflow="crop",
        )

    def take(self, event: Event, at: float) -> None:
        """Take in what was told at a moment of the monotonic clock."""
        with self._lock:
            self._state.take(event, at)

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def _draw(self) -> RenderableType:
        width, height = self._console.size
        with self._lock:
            rows: Sequence[RenderableType] = view(
                self._state, time.monotonic(), datetime.now().astimezone(), width=width, height=height
            )
        return Group(*rows)
