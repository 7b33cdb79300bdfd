"""The events of a run: small frozen documents that the command line shows or prints as JSON."""

from datetime import datetime
from typing import Literal

from documents.base import Document
from documents.run import Cell, CellRecord, OpenLoopCell, Protocol, VoidReason

Phase = Literal["reset", "restart", "ready", "probe", "warm_up", "pinning", "load", "pull"]
"""The phases of a cell, in order; `CellRecord.phases_seconds` has their wall times."""


class Resolution(Document):
    """The smallest true ratio that a run finds.

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
    """The number of whole blocks that fit into a budget, before the run begins.

    Attributes:
        blocks: how many fit
        block_cells: cells of each
        block_seconds: at most
        open_loop_seconds: what is kept for the open loop
        overhead_run: the earlier run with the time of a cell besides its load; null where that is assumed
        noise_run: the earlier run with the noise; null where that is assumed
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
    open_loop_seconds: float
    overhead_run: str | None
    noise_run: str | None
    tests: int
    margin: float
    resolutions: tuple[Resolution, ...]
    shown_same: tuple[ShownSame, ...]


class AttemptMade(Document):
    """An attempt that was finished before a run was resumed.

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
    """A run begins or is resumed.

    Attributes:
        cells: all of them, those of the open loop included
        finished: how many of them are finished already
        attempts: how many a cell may have
        planned: the cells that are planned so far, in their order
        unplanned: how many cells `open-loop-planned` will add at most
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
    """The closed loop is finished, and the open loop is planned.

    Attributes:
        cells: empty where no API has a valid cell
    """

    kind: Literal["open-loop-planned"] = "open-loop-planned"
    cells: tuple[OpenLoopCell, ...]


class CellStarted(Document):
    """An attempt at a cell begins.

    Attributes:
        expected_seconds: the longest warm-up and the load
    """

    kind: Literal["cell-started"] = "cell-started"
    cell: OpenLoopCell | Cell
    attempt: int
    expected_seconds: int


class PhaseStarted(Document):
    """A phase of an attempt begins."""

    kind: Literal["phase-started"] = "phase-started"
    cell_id: str
    attempt: int
    phase: Phase


class CellFinished(Document):
    """An attempt is finished and on disk, valid or void.

    Attributes:
        throughput: requests a second, in an open loop those that were sent; null without a load
    """

    kind: Literal["cell-finished"] = "cell-finished"
    cell: OpenLoopCell | Cell
    record: CellRecord
    throughput: float | None


class RunFinished(Document):
    """All cells of a run are finished.

    Attributes:
        void_cells: cells without a valid attempt
        short_blocks: blocks with such a cell
        short_open_loop_blocks: the same for the open loop
    """

    kind: Literal["run-finished"] = "run-finished"
    run_id: str
    directory: str
    cells: int
    void_cells: int
    void_attempts: int
    short_blocks: tuple[int, ...]
    short_open_loop_blocks: tuple[int, ...]


class TimeLeftChanged(Document):
    """The time until the run ends; follows each event that changes it.

    Attributes:
        seconds: until the run ends
        basis: `measured`, or `assumed` until each API was measured under each load
    """

    kind: Literal["time-left"] = "time-left"
    seconds: float
    ends_at: datetime
    basis: Literal["assumed", "measured"]


WarningTopic = Literal["void", "run-again", "short-block", "never-steady", "budget-spent"]
"""The topic of a warning: a void attempt, whether the cell is run again, a short block, a warm-up that was never
steady, or a budget that ended before the run's blocks."""


class Warned(Document):
    """A warning to a person who watches the run; follows the event that causes it.

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
    | TimeLeftChanged
    | Warned
)
"""The events of a run. `TimeLeftChanged` and `Warned` are derived from the others."""
