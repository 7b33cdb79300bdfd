"""What a run tells while it goes on: small frozen events that the command line shows or prints as JSON."""

from datetime import datetime
from typing import Literal

from documents.base import Document
from documents.run import Cell, CellRecord, OpenLoopCell, Protocol, VoidReason

Phase = Literal["reset", "restart", "ready", "probe", "warm_up", "pinning", "load", "pull"]
"""The phases of a cell, in their order; `CellRecord.phases_seconds` has their wall times."""


class Resolution(Document):
    """The smallest true ratio that is found with this power at this noise of blocks; None where one of 100 isn't."""

    noise: float
    power: float
    ratio: float | None


class ShownSame(Document):
    """The share of runs that show two APIs without a difference to be the same, at this noise of blocks."""

    noise: float
    share: float


class BudgetFitted(Document):
    """A budget was turned into whole blocks, before the run begins.

    A block has `block_cells` cells and takes `block_seconds` at most. `open_loop_seconds` are kept for the open loop, 0
    where there is none. `resolutions` are for the throughput of two APIs, at the level that is left to each of `tests`
    pairs and loads; `shown_same` is for the protocol's `margin`, and at a level of its own. With one API there are
    none of both. `overhead_run` and `noise_run` are the earlier runs that told how long a cell takes besides its load,
    and the noise of blocks; None where that was assumed.
    """

    kind: Literal["budget-fitted"] = "budget-fitted"
    budget_seconds: int
    blocks: int
    block_cells: int
    block_seconds: float
    open_loop_seconds: float = 0.0
    overhead_run: str | None
    noise_run: str | None
    tests: int
    margin: float
    resolutions: tuple[Resolution, ...]
    shown_same: tuple[ShownSame, ...]


class AttemptMade(Document):
    """An attempt that was finished before a run went on, by the reasons for which it is void; none where it is valid.

    `seconds` is the sum of its phases, `throughput` as in `CellFinished`. `never_steady` says that its warm-up
    lasted as long as it may, and throughput still changed.
    """

    cell_id: str
    attempt: int
    voids: tuple[VoidReason, ...]
    seconds: float
    throughput: float | None
    never_steady: bool


class RunStarted(Document):
    """A run begins or goes on. `directory` is its folder; `finished` of its `cells` are done already.

    A cell that is void is run again at once, until `attempts` were made at it. `planned` are the cells as far as they
    are planned by now, in their order; `unplanned` cells of the open loop, at most, will come with an
    `OpenLoopPlanned`. `made` are the attempts that were finished before, in their order. `budget_seconds` is the time
    that the run was given, None where it may take as long as it does.
    """

    kind: Literal["run-started"] = "run-started"
    run_id: str
    directory: str
    cells: int
    finished: int
    attempts: int
    protocol: Protocol
    planned: tuple[OpenLoopCell | Cell, ...]
    unplanned: int
    made: tuple[AttemptMade, ...]
    budget_seconds: int | None


class BudgetSpent(Document):
    """The budget leaves no time for the blocks of the closed loop from `before_block` on: they aren't measured."""

    kind: Literal["budget-spent"] = "budget-spent"
    before_block: int


class OpenLoopPlanned(Document):
    """The closed loop is over, and so the open loop has its cells: none where no API has a valid cell."""

    kind: Literal["open-loop-planned"] = "open-loop-planned"
    cells: tuple[OpenLoopCell, ...]


class CellStarted(Document):
    """An attempt at a cell begins; `expected_seconds` is its warm-up and load, without what is done around them."""

    kind: Literal["cell-started"] = "cell-started"
    cell: OpenLoopCell | Cell
    attempt: int = 1
    expected_seconds: int


class PhaseStarted(Document):
    """A phase of an attempt at a cell begins."""

    kind: Literal["phase-started"] = "phase-started"
    cell_id: str
    attempt: int = 1
    phase: Phase


class CellFinished(Document):
    """An attempt at a cell is done and on disk, valid or void.

    `throughput` is in requests a second, in an open loop those that were sent; None where there was no load.
    """

    kind: Literal["cell-finished"] = "cell-finished"
    cell: OpenLoopCell | Cell
    record: CellRecord
    throughput: float | None


class RunFinished(Document):
    """All cells of a run are done.

    `void_attempts` counts the attempts that were void. `void_cells` of its `cells` had no other, and leave the
    `short_blocks` of the closed loop, and the `short_open_loop_blocks`, without them.
    """

    kind: Literal["run-finished"] = "run-finished"
    run_id: str
    directory: str
    cells: int
    void_cells: int
    void_attempts: int
    short_blocks: tuple[int, ...]
    short_open_loop_blocks: tuple[int, ...] = ()


class TimeLeftTold(Document):
    """How long the run will take yet, in seconds, and when it ends if it does; told after each thing that changes it.

    `basis` is `measured` as soon as each API was measured under each load that it has yet to meet. Before, it is
    `assumed`: what isn't known is then taken to be what the protocol allows at most.
    """

    kind: Literal["time-left"] = "time-left"
    seconds: float
    ends_at: datetime
    basis: Literal["assumed", "measured"]


Subject = Literal["void", "run-again", "short-block", "never-steady", "budget-spent"]
"""What a warning is about: an attempt that doesn't count, one more that follows from it or none, a warm-up that never
was steady, or a budget that ended before the run's blocks did."""


class Warned(Document):
    """Something that whoever watches a run should know; `message` is a sentence, or the reason's own.

    `reason` is that of a `void` one. `cell_id` and `attempt` are None where it is about no attempt.
    """

    kind: Literal["warning"] = "warning"
    about: Subject
    reason: VoidReason | None = None
    cell_id: str | None = None
    attempt: int | None = None
    message: str


Event = (
    BudgetFitted
    | RunStarted
    | CellStarted
    | PhaseStarted
    | CellFinished
    | BudgetSpent
    | OpenLoopPlanned
    | RunFinished
    | TimeLeftTold
    | Warned
)
"""What a run tells. `TimeLeftTold` and `Warned` follow from the others, and are told by whoever watches these."""
