"""The progress of a run: a live view at a terminal, plain lines elsewhere, and events for programs."""

import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

import typer
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from analysis.formatting import MISSING, counted, listing
from cli.progress import UnderWay, elapsed, under_way
from documents.base import format_duration
from documents.run import Cell, OpenLoopCell
from experiment.progress import (
    BudgetFitted,
    BudgetSpent,
    CellFinished,
    CellStarted,
    CellUnderWay,
    Event,
    FollowUps,
    PhaseStarted,
    RunFinished,
    RunStarted,
    RunState,
    warnings_of,
)


def budget_lines(fitted: BudgetFitted) -> Iterator[str]:
    """The result of a budget, in sentences."""
    overhead = f"as in the run {fitted.overhead_run}" if fitted.overhead_run else "as assumed"
    yield (
        f"A budget of {format_duration(fitted.budget_seconds)} fits {fitted.blocks} blocks of {fitted.block_cells} "
        f"cells, each block in {format_duration(fitted.block_seconds)} at most (set-up {overhead})."
    )
    if fitted.open_loop_seconds:
        yield f"{format_duration(fitted.open_loop_seconds)} of it are reserved for the open loop, which follows."
    if not fitted.tests:
        yield "With a single API there is no verdict; its A/A twin shows the host's noise."
    seen = f" (as in the run {fitted.noise_run})" if fitted.noise_run else ""
    for same in fitted.shown_same:
        found = [
            f"{resolution.power:.0%} of runs find a ratio of {resolution.ratio:.3f} or more"
            for resolution in fitted.resolutions
            if resolution.noise == same.noise and resolution.ratio is not None
        ]
        yield (
            f"With a noise of {same.noise:.1%}{seen}, {listing(found) or 'runs find no ratio below 100'}. "
            f"Two equal APIs are shown to be the same within {100 * fitted.margin:g}% in {same.share:.0%} of runs."
        )


_BAR_WIDTH = 34
"""With its percentage a bar fits into 40 columns. Rows are short, because a row that a narrower window wraps leaves its
first half behind when the view is redrawn."""
_REFRESHES_A_SECOND = 4
_LEAST_HEIGHT = 4


def time_left_text(seconds: float, ends_at: datetime, *, measured: bool) -> str:
    """The time left and the time of the end: ``1 h 05 min left, until 13:42``.

    Args:
        seconds: the seconds left.
        ends_at: the end, in the reader's time zone.
        measured: whether this is an estimate from measurements; otherwise it is the longest time.
    """
    until = f"until {ends_at:%H:%M}" if seconds < 12 * 3600 else f"until {ends_at:%A %H:%M}"
    return f"{_length(seconds)} left, {until}" if measured else f"at most {_length(seconds)} left, {until}"


def _length(seconds: float) -> str:
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def view(state: RunState, now: float, wall: datetime, *, width: int, height: int) -> list[RenderableType]:
    """The rows of the view, which fit the terminal's width and height.

    `now` is the time on the monotonic clock, `wall` the time of day in the reader's time zone.
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
    # One row stays free, otherwise each drawing would scroll the terminal.
    room = height - 1 - len(rows) - len(warned)
    rows += [_cropped(row) for row in _throughputs(state, width, room)]
    return [*rows, *warned][: max(_LEAST_HEIGHT, height - 1)]


def _cropped(text: str, *, style: str = "") -> Text:
    return Text(text, style=style, overflow="ellipsis", no_wrap=True)


def _place(state: RunState) -> str:
    assert state.started is not None  # noqa: S101 - asked by the caller
    protocol, attempt = state.started.protocol, state.under_way
    parts: list[str] = []
    if attempt is not None and isinstance(attempt.cell, OpenLoopCell) and protocol.open_loop is not None:
        parts.append(f"open loop, block {attempt.cell.block} of {protocol.open_loop.blocks}")
    elif attempt is not None:
        parts.append(f"block {attempt.cell.block} of {protocol.blocks}")
    number = state.finished if attempt is None else state.number_of(attempt.cell)
    parts.append(f"cell {number} of {state.cells}")
    return ", ".join(parts)


def _doing(state: RunState, attempt: CellUnderWay, now: float) -> str:
    assert state.started is not None  # noqa: S101 - asked by the caller
    so_far = now - attempt.phase_began_at
    window = {
        "warm_up": state.started.protocol.warm_up_seconds,
        "load": attempt.cell.scenario.duration_seconds,
    }.get(attempt.phase or "")
    # The phase also has the generator's start and end, so it may last longer than the window.
    seconds = f"{so_far:.0f}" if window is None or so_far > window else f"{so_far:.0f} of {window}"
    again = f", attempt {attempt.attempt}" if attempt.attempt > 1 else ""
    phase = "" if attempt.phase is None else f" {attempt.phase.replace('_', ' ')}"
    return f"{attempt.cell.id}{again}:{phase}, {seconds} s"


def _bar(state: RunState, width: int) -> RenderableType:
    total = max(state.cells, 1)
    bar_width = max(1, min(_BAR_WIDTH, width - 6))
    bar = ProgressBar(total=total, completed=state.finished, width=bar_width)
    return _BarAndText(bar, bar_width, f" {state.finished / total:.0%}")


class _BarAndText:
    """A bar of this many columns, and a text after it in the same row."""

    def __init__(self, bar: ProgressBar, width: int, text: str) -> None:
        self._bar = bar
        self._width = width
        self._text = text

    def __rich_console__(self, console: Console, options: object) -> Iterator[RenderableType]:
        segments = [segment for segment in console.render(self._bar) if not segment.control]
        drawn = Text.assemble(*((segment.text, segment.style or "") for segment in segments))
        # Without colours, the unfinished part isn't drawn.
        drawn.pad_right(self._width - drawn.cell_len)
        yield drawn.append(self._text)


def _throughputs(state: RunState, width: int, room: int) -> list[str]:
    """The medians so far in at most this many rows: a table if it fits, else a list, else a part of it."""
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
        yield f"{counted(state.never_steady, 'warm-up')} never steady"


class LiveRun:
    """The view of a run, which a thread redraws several times a second, and which disappears at the end."""

    def __init__(self, console: Console) -> None:
        self.state = RunState()
        self._console = console
        self._lock = threading.Lock()
        self._live = Live(
            console=console,
            get_renderable=self._draw,
            refresh_per_second=_REFRESHES_A_SECOND,
            transient=True,
            vertical_overflow="crop",
        )

    def take(self, event: Event, at: float) -> None:
        """Update the state by an event and its time on the monotonic clock."""
        with self._lock:
            self.state.take(event, at)

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
                self.state, time.monotonic(), datetime.now().astimezone(), width=width, height=height
            )
        return Group(*rows)


@contextmanager
def run_progress(console: Console, *, json: bool = False) -> Generator["RunProgress | JsonProgress"]:
    """Show a run during the context, in the form that suits the output."""
    if json:
        yield JsonProgress()
    elif console.is_interactive and not console.quiet:
        with LiveRun(console) as live:
            yield RunProgress(console, live)
    else:
        with under_way(console, "starting") as doing:
            yield RunProgress(console, doing)


class JsonProgress:
    """Prints each event, and the events derived from it, as a line of JSON."""

    def __init__(self) -> None:
        self.finished: RunFinished | None = None
        self._follow_ups = FollowUps()

    def __call__(self, event: Event) -> None:
        """Print one event."""
        if isinstance(event, RunFinished):
            self.finished = event
        typer.echo(event.model_dump_json())
        for following in self._follow_ups.of(event):
            typer.echo(following.model_dump_json())


class RunProgress:
    """Shows each cell as a line, and the current one in a live view or by reminders."""

    def __init__(self, console: Console, shown: UnderWay | LiveRun) -> None:
        self._console = console
        self._shown = shown
        self._start = time.monotonic()
        self._state = shown.state if isinstance(shown, LiveRun) else RunState()
        self.finished: RunFinished | None = None

    def __call__(self, event: Event) -> None:
        """Show one event."""
        taking = self._shown if isinstance(self._shown, LiveRun) else self._state
        taking.take(event, time.monotonic())
        match event:
            case BudgetFitted():
                for line in budget_lines(event):
                    self._console.print(line, markup=False)
            case RunStarted():
                done = f", {event.finished} of them done already" if event.finished else ""
                self._console.print(
                    f"Run {event.run_id}: {event.cells} cells{done}, in {event.directory}", markup=False
                )
            case CellStarted():
                self._remind(event.cell, event.attempt)
            case PhaseStarted() if self._state.under_way is not None:
                self._remind(self._state.under_way.cell, event.attempt, f", {event.phase.replace('_', ' ')}")
            case CellFinished():
                self._show(event)
            case BudgetSpent():
                self._warn(event)
            case RunFinished():
                self.finished = event
                self._console.print(
                    f"{elapsed(self._start)}  done{_said_of_voids(event)}.",
                    markup=False,
                    soft_wrap=True,
                )
            case _:
                pass

    def _remind(self, cell: Cell, attempt: int, phase: str = "") -> None:
        if isinstance(self._shown, UnderWay):
            number = self._state.number_of(cell)
            again = f", attempt {attempt}" if attempt > 1 else ""
            self._shown.become(f"cell {number} of {self._state.cells}{again}: {cell.id}{phase}")

    def _show(self, event: CellFinished) -> None:
        rate = "" if event.throughput is None else f"{event.throughput:>12,.0f} requests/s"
        place = f"{self._state.number_of(event.cell):>3}/{self._state.cells}"
        self._console.print(f"{elapsed(self._start)}  {place}  {event.record.attempt_id:<32}{rate}", markup=False)
        self._warn(event)
        if isinstance(self._shown, UnderWay):
            self._show_block(event)

    def _warn(self, event: Event) -> None:
        attempts = self._state.started.attempts if self._state.started else 1
        for warning in warnings_of(event, attempts=attempts):
            void = "void: " if warning.about == "void" else ""
            self._console.print(f"              {void}{warning.message}", markup=False, soft_wrap=True)

    def _show_block(self, event: CellFinished) -> None:
        """Show the time left at the end of a block; a terminal always shows it."""
        now = time.monotonic()
        seconds = self._state.time_left.seconds(now)
        if seconds is None or not self._state.is_over(event.cell):
            return
        of_which = " of the open loop" if isinstance(event.cell, OpenLoopCell) else ""
        left = time_left_text(
            seconds, datetime.now().astimezone() + timedelta(seconds=seconds), measured=self._state.time_left.measured
        )
        self._console.print(f"{elapsed(self._start)}  block {event.cell.block}{of_which} is over: {left}", markup=False)


def _said_of_voids(event: RunFinished) -> str:
    """The void attempts of a run, and its short blocks."""
    if not event.void_attempts:
        return ""
    said = f", {counted(event.void_attempts, 'void attempt')}"
    for blocks, of_which in ((event.short_blocks, ""), (event.short_open_loop_blocks, " of the open loop")):
        if blocks:
            plural = "" if len(blocks) == 1 else "s"
            said += f", short block{plural} {listing([str(block) for block in blocks])}{of_which}"
    return said
