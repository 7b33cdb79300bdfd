"""What a run tells while it goes on: small frozen events that the command line shows or prints as JSON."""

from typing import Literal

from documents.base import Document
from documents.open_loop import OpenLoopCell
from documents.plan import Cell
from documents.run import CellRecord

Phase = Literal["reset", "restart", "ready", "probe", "warm_up", "pinning", "load", "pull"]
"""The phases of a cell, in their order; `CellRecord.phases_seconds` has their wall times."""


class RunStarted(Document):
    """A run begins or goes on. `directory` is its folder; `finished` of its `cells` are done already."""

    kind: Literal["run-started"] = "run-started"
    run_id: str
    directory: str
    cells: int
    finished: int


class CellStarted(Document):
    """A cell begins; `expected_seconds` is its warm-up and load, without what is done around them."""

    kind: Literal["cell-started"] = "cell-started"
    cell: OpenLoopCell | Cell
    expected_seconds: int


class PhaseStarted(Document):
    """A phase of a cell begins."""

    kind: Literal["phase-started"] = "phase-started"
    cell_id: str
    phase: Phase


class CellFinished(Document):
    """A cell is done and on disk, valid or void. `throughput` is in requests a second; None where there was no load.

    In an open loop it is the rate at which requests were sent.
    """

    kind: Literal["cell-finished"] = "cell-finished"
    cell: OpenLoopCell | Cell
    record: CellRecord
    throughput: float | None


class RunFinished(Document):
    """All cells of a run are done; `void_cells` of its `cells` don't count."""

    kind: Literal["run-finished"] = "run-finished"
    run_id: str
    directory: str
    cells: int
    void_cells: int


Event = RunStarted | CellStarted | PhaseStarted | CellFinished | RunFinished
