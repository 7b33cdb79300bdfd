"""The events of a run: small frozen documents that the command line shows or prints as JSON."""

from datetime import datetime
from typing import Literal

from documents.base import Document
from documents.run import Cell, CellRecord, OpenLoopCell, Protocol, VoidReason

Phase = Literal["reset", "restart", "ready", "probe", "warm_up", "pinning", "load", "pull"]
"""The phases of a cell, in their order; `CellRecord.phases_seconds` has their wall times."""


class Resolution(Document):
    """The smallest true ratio that is found.

    Attributes:
        noise: standard deviation of the logs of the blocks' ratios
        power: the probability of finding it
        ratio: null where a ratio of 100 isn't found
    """

    noise: float
    power: float
    ratio: float | None


class ShownSame(Document):
    """How often two APIs without a difference are shown to be the same.

    Attributes:
        noise: standard deviation of the logs of the blocks' ratios
        share: of runs
    """

    noise: float
    share: float


class BudgetFitted(Document):
    """A budget was turned into whole blocks, before the run begins.

    Attributes:
        blocks: how many fit
        block_cells: cells of each
        block_seconds: at most
        open_loop_seconds: what is kept for the open loop
        overhead_run: the earlier run that shows how long a cell takes besides its load; null where that is assumed
        noise_run: the earlier run that shows the noise; null where that is assumed
        tests: pairs and loads that are tested
        margin: the protocol's
        resolutions: for each noise and power; empty for a single API
        shown_same: for each noise; empty for a single API
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
    """An attempt that was finished before a run went on.

    Attributes:
        voids: why it is void; empty where it is valid
        seconds: the sum of its phases
        throughput: requests a second; null where it is void
        never_steady: throughput still changed after the longest warm-up
    """

    cell_id: str
    attempt: int
    voids: tuple[VoidReason, ...]
    seconds: float
    throughput: float | None
    never_steady: bool


class RunStarted(Document):
    """A run begins or goes on.

    Attributes:
        cells: all of them, those of the open loop included
        finished: how many of them are done already
        attempts: how many a cell is allowed
        planned: the cells that are planned so far, in their order
        unplanned: cells of the open loop, at most, which an `open-loop-planned` will name
        made: the attempts that were finished before, in their order
        budget_seconds: null without a budget
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
    """The budget leaves no time for further blocks of the closed loop.

    Attributes:
        before_block: this block and those after it aren't measured
    """

    kind: Literal["budget-spent"] = "budget-spent"
    before_block: int


class OpenLoopPlanned(Document):
    """The closed loop is over, and the open loop has its cells.

    Attributes:
        cells: empty where no API has a valid cell
    """

    kind: Literal["open-loop-planned"] = "open-loop-planned"
    cells: tuple[OpenLoopCell, ...]


class CellStarted(Document):
    """An attempt at a cell begins.

    Attributes:
        expected_seconds: its warm-up, at most, and its load
    """

    kind: Literal["cell-started"] = "cell-started"
    cell: OpenLoopCell | Cell
    attempt: int = 1
    expected_seconds: int


class PhaseStarted(Document):
    """A phase of an attempt begins."""

    kind: Literal["phase-started"] = "phase-started"
    cell_id: str
    attempt: int = 1
    phase: Phase


class CellFinished(Document):
    """An attempt is done and on disk, valid or void.

    Attributes:
        throughput: requests a second, in an open loop those that were sent; null without a load
    """

    kind: Literal["cell-finished"] = "cell-finished"
    cell: OpenLoopCell | Cell
    record: CellRecord
    throughput: float | None


class RunFinished(Document):
    """All cells of a run are done.

    Attributes:
        void_cells: of which no attempt is valid
        short_blocks: that lack such a cell
        short_open_loop_blocks: the same for the open loop
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
    """How long the run will take; it follows each event that changes it.

    Attributes:
        seconds: until the run is over
        basis: `measured`, or `assumed` until each API was measured under each load
    """

    kind: Literal["time-left"] = "time-left"
    seconds: float
    ends_at: datetime
    basis: Literal["assumed", "measured"]


WarningTopic = Literal["void", "run-again", "short-block", "never-steady", "budget-spent"]
"""What a warning is about: an attempt that doesn't count, one more that follows from it or none, a warm-up that never
was steady, or a budget that ended before the run's blocks did."""


class Warned(Document):
    """Something that whoever watches a run should know; it follows the event that it is about.

    Attributes:
        reason: of a `void`: why the attempt doesn't count
        message: a sentence
    """

    kind: Literal["warning"] = "warning"
    about: WarningTopic
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
"""The events of a run. `TimeLeftTold` and `Warned` follow from the others."""
