"""The events of a run, its state, and the time left."""

from experiment.progress.events import (
    AttemptMade,
    BudgetFitted,
    BudgetSpent,
    CellFinished,
    CellStarted,
    Event,
    OpenLoopPlanned,
    Phase,
    PhaseStarted,
    Resolution,
    RunFinished,
    RunStarted,
    ShownSame,
)
from experiment.progress.state import FollowUps, RunState, warnings_of
from experiment.progress.time_left import CELL_OVERHEAD_SECONDS, CellUnderWay

__all__ = [
    "CELL_OVERHEAD_SECONDS",
    "AttemptMade",
    "BudgetFitted",
    "BudgetSpent",
    "CellFinished",
    "CellStarted",
    "CellUnderWay",
    "Event",
    "FollowUps",
    "OpenLoopPlanned",
    "Phase",
    "PhaseStarted",
    "Resolution",
    "RunFinished",
    "RunStarted",
    "RunState",
    "ShownSame",
    "warnings_of",
]
