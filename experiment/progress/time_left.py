"""The time until a run ends, computed from its events alone.

A cell takes its load window, which is known, and the time to start, warm up and stop its API, which isn't: a warm-up
ends when throughput is steady, and a JVM starts slowly. The estimate is the mean over the earlier cells of the same
API under the same load; without one, over the API's other cells, or over all cells. So the first block measures each,
and every later cell improves the mean. The share of attempts that are void, and how much of a cell they take, are also
those of the run so far, for each API.

Nothing here reads a clock: each event comes with its time.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from documents.run import Cell, OpenLoopCell, Protocol
from experiment.progress.events import (
    BudgetSpent,
    CellFinished,
    CellStarted,
    Event,
    OpenLoopPlanned,
    Phase,
    PhaseStarted,
    RunFinished,
    RunStarted,
)

CELL_OVERHEAD_SECONDS = 3.0
"""The time of a cell outside of its warm-up and load, if no cell has shown it yet.

docs/benchmarks.md has 2.9 s for an API that starts at once. A JVM takes 2 to 4 s more to be ready, so one of
four APIs adds a second to the mean.
"""

ENDING_SECONDS = 2.0
"""The time after the last cell, to restore the kernel settings and read the host's state."""

POOLED_ATTEMPTS = 3
"""An API's own share of void attempts is combined with that of all APIs, which counts as this many attempts."""


@dataclass
class _Mean:
    """A mean of the values so far."""

    count: int = 0
    total: float = 0.0

    def add(self, value: float) -> None:
        self.count += 1
        self.total += value

    @property
    def value(self) -> float | None:
        return self.total / self.count if self.count else None


@dataclass
class CellUnderWay:
    """The current attempt; `phase` is None before its first one. Times are those of the monotonic clock."""

    cell: Cell
    attempt: int
    began_at: float
    phase: Phase | None
    phase_began_at: float


_Load = tuple[str, str, bool]
"""An API, the name of a scenario, and whether the loop is open."""


def _load_of(cell: Cell) -> _Load:
    return cell.api, cell.scenario.name, isinstance(cell, OpenLoopCell)


@dataclass
class _Learned:
    """Means over the attempts so far: seconds besides the window, the share that is void, and how long those took."""

    assumed_seconds: float
    besides: defaultdict[_Load, _Mean] = field(default_factory=lambda: defaultdict(_Mean))
    made: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    void: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    part_of_void: _Mean = field(default_factory=_Mean)

    def add(self, cell: Cell, seconds: float, *, valid: bool) -> None:
        self.made[cell.api] += 1
        if valid:
            self.besides[_load_of(cell)].add(max(0.0, seconds - cell.scenario.duration_seconds))
        else:
            self.void[cell.api] += 1
            self.part_of_void.add(seconds / self.seconds_of(cell))

    def seconds_of(self, cell: Cell) -> float:
        """The expected time of a valid attempt at a cell."""
        api, scenario, is_open = _load_of(cell)
        loads = ((api, scenario, is_open), (api, scenario, False))
        same_load = [self.besides[load] for load in loads if load in self.besides]
        same_api = [mean for (name, _, _), mean in self.besides.items() if name == api]
        for known in (same_load[:1], same_api, [*self.besides.values()]):
            if known:
                besides = sum(mean.total for mean in known) / sum(mean.count for mean in known)
                return cell.scenario.duration_seconds + besides
        return cell.scenario.duration_seconds + self.assumed_seconds

    def void_share(self, api: str) -> float:
        """The expected share of an API's attempts that are void."""
        made = sum(self.made.values())
        if not made:
            return 0.0
        overall = sum(self.void.values()) / made
        return (self.void[api] + POOLED_ATTEMPTS * overall) / (self.made[api] + POOLED_ATTEMPTS)

    def whole_seconds_of(self, cell: Cell, *, allowed: int) -> float:
        """The expected time of a cell with its void attempts, of which this many are allowed."""
        share, seconds = self.void_share(cell.api), self.seconds_of(cell)
        void_attempts = sum(share**number for number in range(1, allowed + 1))
        part = self.part_of_void.value or 0.0
        return seconds * (1 - share**allowed) + seconds * part * void_attempts


class TimeLeft:
    """Estimates the time until a run ends, from its events.

    Times are seconds of a monotonic clock.
    """

    def __init__(self) -> None:
        self._started: RunStarted | None = None
        self._left: dict[str, Cell] = {}
        self._attempts: defaultdict[str, int] = defaultdict(int)
        self._unplanned: tuple[Cell, ...] = ()
        self._learned = _Learned(CELL_OVERHEAD_SECONDS)
        self.under_way: CellUnderWay | None = None
        self._last_ended_at: float | None = None
        self._began_at = 0.0
        self._blocks_begun: set[int] = set()
        self._finished = False

    def take(self, event: Event, at: float) -> None:
        """Update the estimate by an event and its time."""
        match event:
            case RunStarted():
                self._begin(event, at)
            case CellStarted():
                self.under_way = CellUnderWay(event.cell, event.attempt, at, None, at)
                if not isinstance(event.cell, OpenLoopCell):
                    self._blocks_begun.add(event.cell.block)
            case PhaseStarted() if self.under_way is not None:
                self.under_way.phase, self.under_way.phase_began_at = event.phase, at
            case CellFinished():
                self._end(event, at)
            case OpenLoopPlanned():
                self._unplanned = ()
                self._left |= {cell.id: cell for cell in event.cells}
            case BudgetSpent():
                self._left = {name: cell for name, cell in self._left.items() if cell.block < event.before_block}
            case RunFinished():
                self._finished = True
            case _:
                pass

    def seconds(self, at: float) -> float | None:
        """The seconds from a time until the run ends; None before it has begun."""
        if self._started is None:
            return None
        if self._finished:
            return 0.0
        allowed = self._started.attempts
        open_loop = [cell for cell in self._waiting() if isinstance(cell, OpenLoopCell)]
        open_seconds = self._sum((*open_loop, *self._unplanned), allowed)
        closed_seconds = self._closed_seconds(allowed, open_seconds, at)
        return self._rest_of_the_attempt(at) + closed_seconds + open_seconds + ENDING_SECONDS

    @property
    def measured(self) -> bool:
        """Whether each API has a valid cell under each load of its unfinished cells.

        For a load of the open loop, a cell of the same scenario in the closed loop is enough.
        """
        cells, known = (*self._waiting(), *self._unplanned), self._learned.besides
        return self._started is not None and all(
            any((cell.api, cell.scenario.name, loop) in known for loop in (True, False)) for cell in cells
        )

    def _begin(self, event: RunStarted, at: float) -> None:
        self._started, self._began_at = event, at
        self._left = {cell.id: cell for cell in event.planned}
        self._unplanned = tuple(_unplanned(event.protocol, self._left.values(), event.unplanned))
        self._learned = _Learned(event.protocol.warm_up_seconds + CELL_OVERHEAD_SECONDS)
        for made in event.made:
            if (cell := self._left.get(made.cell_id)) is not None:
                # In order: a valid attempt is the last one at its cell.
                self._count(cell, made.attempt, made.seconds, valid=not made.voids)
                self._began_at -= made.seconds
                if not isinstance(cell, OpenLoopCell):
                    self._blocks_begun.add(cell.block)

    def _end(self, event: CellFinished, at: float) -> None:
        if self.under_way is not None:
            # The time between two cells belongs to the later one: the journal, and the lease on the kernel settings.
            began_at = self.under_way.began_at if self._last_ended_at is None else self._last_ended_at
            self._count(event.cell, event.record.attempt, at - began_at, valid=event.record.valid)
        self.under_way, self._last_ended_at = None, at

    def _count(self, cell: Cell, attempt: int, seconds: float, *, valid: bool) -> None:
        self._learned.add(cell, seconds, valid=valid)
        self._attempts[cell.id] = attempt
        if valid or (self._started is not None and attempt >= self._started.attempts):
            self._left.pop(cell.id, None)

    def _waiting(self) -> Iterator[Cell]:
        """The unfinished cells without the current one."""
        under_way = self.under_way and self.under_way.cell.id
        return (cell for cell in self._left.values() if cell.id != under_way)

    def _sum(self, cells: Iterable[Cell], allowed: int) -> float:
        return sum(
            self._learned.whole_seconds_of(cell, allowed=max(1, allowed - self._attempts[cell.id])) for cell in cells
        )

    def _rest_of_the_attempt(self, at: float) -> float:
        """The time left of the current attempt, and of those that follow if it is void."""
        if self.under_way is None or self._started is None:
            return 0.0
        cell = self.under_way.cell
        rest = self._learned.seconds_of(cell) - (at - self.under_way.began_at)
        if self.under_way.phase == "load":
            rest = max(rest, cell.scenario.duration_seconds - (at - self.under_way.phase_began_at))
        more = self._started.attempts - self.under_way.attempt
        again = self._learned.whole_seconds_of(cell, allowed=more) if more else 0.0
        return max(0.0, rest) + self._learned.void_share(cell.api) * again

    def _closed_seconds(self, allowed: int, open_seconds: float, at: float) -> float:
        """The time left of the closed loop: the current block, and as many more as its budget has time for."""
        blocks: defaultdict[int, list[Cell]] = defaultdict(list)
        for cell in self._waiting():
            if not isinstance(cell, OpenLoopCell):
                blocks[cell.block].append(cell)
        budget = None if self._started is None else self._started.budget_seconds
        time = math.inf if budget is None else budget - (at - self._began_at) - open_seconds
        total = 0.0
        for number, cells in blocks.items():
            seconds = self._sum(cells, allowed)
            if number not in self._blocks_begun and total + seconds > time:
                break
            total += seconds
        return total


def _unplanned(protocol: Protocol, planned: Iterable[Cell], count: int) -> Iterator[Cell]:
    """This many cells like those of the open loop, each API in turn."""
    if protocol.open_loop is None or not count:
        return
    window = protocol.window_of(protocol.open_loop)
    apis = sorted({cell.api for cell in planned})
    for number in range(count):
        yield OpenLoopCell(number=number + 1, block=1, api=apis[number % len(apis)], scenario=window, rate=1)
