"""What a run tells while it goes on: small frozen events that the command line shows or prints as JSON."""

from typing import Literal

from documents.base import Document
from documents.open_loop import OpenLoopCell
from documents.plan import Cell
from documents.run import CellRecord

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


class RunStarted(Document):
    """A run begins or goes on. `directory` is its folder; `finished` of its `cells` are done already.

    A cell that is void is run again at once, until `attempts` were made at it.
    """

    kind: Literal["run-started"] = "run-started"
    run_id: str
    directory: str
    cells: int
    finished: int
    attempts: int


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


Event = BudgetFitted | RunStarted | CellStarted | PhaseStarted | CellFinished | RunFinished
