"""What whoever watches a run is told beside its own events: the time left, and what should be known of it."""

from collections.abc import Iterator
from datetime import timedelta

from documents.open_loop import OpenLoopCell
from experiment.clock import SYSTEM_CLOCK, Clock
from experiment.events import (
    BudgetSpent,
    CellFinished,
    CellStarted,
    Event,
    OpenLoopPlanned,
    RunStarted,
    TimeLeftTold,
    Warned,
)
from experiment.time_left import TimeLeft


def warnings_of(event: Event, *, attempts: int) -> Iterator[Warned]:
    """What somebody should know of an event.

    Args:
        event: any one.
        attempts: how many the protocol allows a cell.
    """
    match event:
        case CellFinished():
            yield from _of_an_attempt(event, attempts=attempts)
        case BudgetSpent():
            yield Warned(
                about="budget-spent",
                message=f"The budget leaves no time for block {event.before_block} and what comes after it.",
            )
        case _:
            pass


def _of_an_attempt(event: CellFinished, *, attempts: int) -> Iterator[Warned]:
    record, cell = event.record, event.cell
    for void in record.voids:
        yield Warned(about="void", reason=void.reason, cell_id=cell.id, attempt=record.attempt, message=void.message)
    if not record.valid and attempts > 1:
        made = f"attempt {record.attempt} of {attempts} was void"
        block = f"block {cell.block}{' of the open loop' if isinstance(cell, OpenLoopCell) else ''}"
        left = record.attempt < attempts
        yield Warned(
            about="run-again" if left else "short-block",
            cell_id=cell.id,
            attempt=record.attempt,
            message=f"{made}: {'run again' if left else f'{block} stays short'}",
        )
    if record.valid and record.warm_up is not None and record.warm_up.outcome == "never-steady":
        yield Warned(
            about="never-steady",
            cell_id=cell.id,
            attempt=record.attempt,
            message=f"throughput wasn't steady after {record.warm_up.seconds:.0f} s of warm-up",
        )


class Watcher:
    """Tells of each event what follows from it; it is to hear them all, each when it is told."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._time_left = TimeLeft()
        self._attempts = 1

    def hear(self, event: Event) -> Iterator[Event]:
        """Take in an event.

        Yields:
            What follows from it: warnings, then the time left where it is another one than before.
        """
        if isinstance(event, RunStarted):
            self._attempts = event.attempts
        self._time_left.take(event, self._clock.monotonic())
        yield from warnings_of(event, attempts=self._attempts)
        if isinstance(event, (RunStarted, CellStarted, CellFinished, OpenLoopPlanned, BudgetSpent)):
            yield from self._told()

    def _told(self) -> Iterator[TimeLeftTold]:
        seconds = self._time_left.seconds(self._clock.monotonic())
        if seconds is not None:
            yield TimeLeftTold(
                seconds=round(seconds, 1),
                ends_at=self._clock.now() + timedelta(seconds=seconds),
                basis="measured" if self._time_left.measured else "assumed",
            )
