"""The progress of a run: a live view at a terminal, plain lines elsewhere, and events for programs."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime, timedelta

import typer
from rich.console import Console

from analysis.pages.numbers import listing
from cli.budget import budget_lines
from cli.live_run import LiveRun, time_left_text
from cli.progress import UnderWay, elapsed, under_way
from documents.open_loop import OpenLoopCell
from experiment.events import BudgetFitted, CellFinished, CellStarted, Event, PhaseStarted, RunFinished, RunStarted
from experiment.run_state import RunState
from experiment.watching import Watcher, warnings_of


@contextmanager
def run_progress(console: Console, *, json: bool = False) -> Generator["RunProgress | JsonProgress"]:
    """Show a run while the context is open, as it fits to where the output goes."""
    if json:
        yield JsonProgress()
    elif console.is_interactive and not console.quiet:
        with LiveRun(console) as view:
            yield RunProgress(console, view)
    else:
        with under_way(console, "starting") as doing:
            yield RunProgress(console, doing)


class JsonProgress:
    """Prints each event, and what follows from it, as one line of JSON."""

    def __init__(self) -> None:
        self.finished: RunFinished | None = None
        self._watcher = Watcher()

    def __call__(self, event: Event) -> None:
        """Print one event."""
        if isinstance(event, RunFinished):
            self.finished = event
        typer.echo(event.model_dump_json())
        for following in self._watcher.hear(event):
            typer.echo(following.model_dump_json())


class RunProgress:
    """Shows each cell as a line; what is under way is told to a live view, or to who reminds of it."""

    def __init__(self, console: Console, shown: UnderWay | LiveRun) -> None:
        self._console = console
        self._shown = shown
        self._start = time.monotonic()
        self._state = RunState()
        self.finished: RunFinished | None = None

    def __call__(self, event: Event) -> None:
        """Show one event."""
        now = time.monotonic()
        self._state.take(event, now)
        if isinstance(self._shown, LiveRun):
            self._shown.take(event, now)
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
                number = self._state.number_of(event.cell)
                self._remind(f"cell {number} of {self._state.cells}{_again(event.attempt)}: {event.cell.id}")
            case PhaseStarted():
                phase = event.phase.replace("_", " ")
                self._remind(f"cell {event.cell_id} of {self._state.cells}{_again(event.attempt)}: {phase}")
            case CellFinished():
                self._show(event)
            case RunFinished():
                self.finished = event
                self._console.print(
                    f"{elapsed(self._start)}  done{_said_of_voids(event)}; `lab report` shows the numbers.",
                    markup=False,
                    soft_wrap=True,
                )
            case _:
                pass
        if not isinstance(event, CellFinished):
            self._warn(event)

    def _remind(self, doing: str) -> None:
        if isinstance(self._shown, UnderWay):
            self._shown.become(doing)

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
        """Tell the time left where a block is over; at a terminal it is in sight all the time."""
        now = time.monotonic()
        seconds = self._state.time_left.seconds(now)
        if seconds is None or not self._state.is_over(event.cell):
            return
        of_which = " of the open loop" if isinstance(event.cell, OpenLoopCell) else ""
        told = time_left_text(
            seconds, datetime.now().astimezone() + timedelta(seconds=seconds), measured=self._state.time_left.measured
        )
        self._console.print(f"{elapsed(self._start)}  block {event.cell.block}{of_which} is over: {told}", markup=False)


def _again(attempt: int) -> str:
    """How an attempt is told beside its cell: the first isn't."""
    return f", attempt {attempt}" if attempt > 1 else ""


def _said_of_voids(event: RunFinished) -> str:
    """What was void in a run, and which blocks lack a cell by it."""
    if not event.void_attempts:
        return ""
    said = f", {event.void_attempts} void attempt{'' if event.void_attempts == 1 else 's'}"
    for blocks, of_which in ((event.short_blocks, ""), (event.short_open_loop_blocks, " of the open loop")):
        if blocks:
            plural = "" if len(blocks) == 1 else "s"
            said += f", short block{plural} {listing([str(block) for block in blocks])}{of_which}"
    return said
