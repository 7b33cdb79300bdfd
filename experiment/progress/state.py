"""The state of a run, from its events: what is under way, what was measured, and what failed."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta
from statistics import median

from documents.run import Cell, OpenLoopCell, VoidReason
from experiment.clock import SYSTEM_CLOCK, Clock
from experiment.progress.events import (
    BudgetSpent,
    CellFinished,
    CellStarted,
    Event,
    OpenLoopPlanned,
    RunStarted,
    TimeLeftChanged,
    Warned,
)
from experiment.progress.time_left import CellUnderWay, TimeLeft


class RunState:
    """The state of a run in progress, from its events.

    `finished` cells need no further attempt. `voids` counts void attempts by their first reason, `again` those that are
    followed by another attempt. `short_blocks` lack a cell; the name of a short block of the open loop says so.
    `never_steady` counts the valid cells whose warm-up was never steady.
    """

    def __init__(self) -> None:
        self.started: RunStarted | None = None
        self.time_left = TimeLeft()
        self.finished = 0
        self.voids: Counter[VoidReason] = Counter()
        self.again = 0
        self.short_blocks: list[str] = []
        self.never_steady = 0
        self._open_loop_begun = False
        self._due: tuple[Cell, ...] = ()
        self._unplanned = 0
        self._left: defaultdict[str, set[str]] = defaultdict(set)
        self._throughputs: defaultdict[tuple[str, str], list[float]] = defaultdict(list)

    def take(self, event: Event, at: float) -> None:
        """Update the state by an event and its time."""
        self.time_left.take(event, at)
        match event:
            case RunStarted():
                self._begin(event)
            case OpenLoopPlanned():
                self._due, self._unplanned = (*self._due, *event.cells), 0
                self._expect(event.cells)
            case BudgetSpent():
                self._due = tuple(cell for cell in self._due if cell.block < event.before_block)
            case CellStarted():
                self._open_loop_begun = isinstance(event.cell, OpenLoopCell)
            case CellFinished():
                self._end(event)
            case _:
                pass

    @property
    def under_way(self) -> CellUnderWay | None:
        """The current attempt, if there is one."""
        return self.time_left.under_way

    @property
    def cells(self) -> int:
        """The number of cells of the run: all planned ones, without those that its budget leaves out."""
        return len(self._due) + self._unplanned

    @property
    def open_loop_cells(self) -> int:
        """How many of them are of the open loop."""
        return sum(isinstance(cell, OpenLoopCell) for cell in self._due) + self._unplanned

    def number_of(self, cell: Cell) -> int:
        """The position of a cell, from 1. The number in its id also counts cells that the budget leaves out."""
        return [one.id for one in self._due].index(cell.id) + 1

    @property
    def apis(self) -> tuple[str, ...]:
        """The APIs of the run, by name."""
        return tuple(sorted({cell.api for cell in self._due}))

    @property
    def loads(self) -> tuple[str, ...]:
        """The names of the loads of the closed loop, in the protocol's order."""
        return tuple(scenario.name for scenario in self.started.protocol.scenarios) if self.started else ()

    def throughput(self, api: str, load: str) -> float | None:
        """The median of an API's valid cells under a load so far, in requests a second; None without any."""
        found = self._throughputs.get((api, load))
        return median(found) if found else None

    @property
    def open_loop_comes(self) -> bool:
        """Whether the open loop has yet to begin."""
        return self.open_loop_cells > 0 and not self._open_loop_begun

    def is_over(self, cell: Cell) -> bool:
        """Whether the block of a cell has no other unfinished cell."""
        return not self._left[_block_of(cell)]

    def _expect(self, cells: Iterable[Cell]) -> None:
        for cell in cells:
            self._left[_block_of(cell)].add(cell.id)

    def _begin(self, event: RunStarted) -> None:
        self.started, self.finished = event, event.finished
        self._due, self._unplanned = event.planned, event.unplanned
        cells = {cell.id: cell for cell in event.planned}
        self._expect(event.planned)
        for made in event.made:
            self._count(cells[made.cell_id], made.attempt, made.voids, made.throughput, never_steady=made.never_steady)

    def _end(self, event: CellFinished) -> None:
        record = event.record
        voids: tuple[VoidReason, ...] = tuple(void.reason for void in record.voids)
        self._count(event.cell, record.attempt, voids, event.throughput, never_steady=record.never_steady)
        self.finished += record.valid or self._is_last(record.attempt)

    def _count(
        self, cell: Cell, attempt: int, voids: tuple[VoidReason, ...], throughput: float | None, *, never_steady: bool
    ) -> None:
        """Count an attempt that has ended."""
        last = self._is_last(attempt)
        if not voids or last:
            self._left[_block_of(cell)].discard(cell.id)
        if not voids:
            self.never_steady += never_steady
            # The throughput of an open loop is the rate at which requests were sent, not a property of the API.
            if throughput is not None and not isinstance(cell, OpenLoopCell):
                self._throughputs[cell.api, cell.scenario.name].append(throughput)
            return
        self.voids[voids[0]] += 1
        self.again += not last
        block = _block_of(cell)
        if last and block not in self.short_blocks:
            self.short_blocks.append(block)

    def _is_last(self, attempt: int) -> bool:
        return self.started is None or attempt >= self.started.attempts


def _block_of(cell: Cell) -> str:
    """The name of a block; those of the open loop are counted from 1 again."""
    return f"{cell.block} of the open loop" if isinstance(cell, OpenLoopCell) else str(cell.block)


def warnings_of(event: Event, *, attempts: int) -> Iterator[Warned]:
    """The warnings that follow from an event.

    `attempts` is how many the protocol allows a cell.
    """
    match event:
        case CellFinished():
            yield from _of_an_attempt(event, attempts=attempts)
        case BudgetSpent():
            yield Warned(
                about="budget-spent",
                message=f"The budget leaves no time for block {event.before_block} and later blocks.",
            )
        case _:
            pass


def _of_an_attempt(event: CellFinished, *, attempts: int) -> Iterator[Warned]:
    record, cell = event.record, event.cell
    for void in record.voids:
        yield Warned(about="void", reason=void.reason, cell_id=cell.id, attempt=record.attempt, message=void.message)
    if not record.valid and attempts > 1:
        made = f"attempt {record.attempt} of {attempts} was void"
        left = record.attempt < attempts
        yield Warned(
            about="run-again" if left else "short-block",
            cell_id=cell.id,
            attempt=record.attempt,
            message=f"{made}: {'run again' if left else f'block {_block_of(cell)} stays short'}",
        )
    if record.valid and record.warm_up is not None and record.warm_up.outcome == "never-steady":
        yield Warned(
            about="never-steady",
            cell_id=cell.id,
            attempt=record.attempt,
            message=f"throughput wasn't steady after {record.warm_up.seconds:.0f} s of warm-up",
        )


class FollowUps:
    """Derives warnings and the time left from all events of a run, each at its time."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._time_left = TimeLeft()
        self._attempts = 1

    def of(self, event: Event) -> Iterator[Event]:
        """Derive events from an event.

        Yields:
            Warnings, then the time left if it has changed.
        """
        if isinstance(event, RunStarted):
            self._attempts = event.attempts
        self._time_left.take(event, self._clock.monotonic())
        yield from warnings_of(event, attempts=self._attempts)
        if isinstance(event, (RunStarted, CellStarted, CellFinished, OpenLoopPlanned, BudgetSpent)):
            yield from self._time_left_event()

    def _time_left_event(self) -> Iterator[TimeLeftChanged]:
        seconds = self._time_left.seconds(self._clock.monotonic())
        if seconds is not None:
            yield TimeLeftChanged(
                seconds=round(seconds, 1),
                ends_at=self._clock.now() + timedelta(seconds=seconds),
                basis="measured" if self._time_left.measured else "assumed",
            )
