"""What a run tells while it goes on."""

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
from experiment.progress.state import CellUnderWay, RunState, Watcher, warnings_of

__all__ = [
    "AttemptMade",
    "BudgetFitted",
    "BudgetSpent",
    "CellFinished",
    "CellStarted",
    "CellUnderWay",
    "Event",
    "OpenLoopPlanned",
    "Phase",
    "PhaseStarted",
    "Resolution",
    "RunFinished",
    "RunStarted",
    "RunState",
    "ShownSame",
    "Watcher",
    "warnings_of",
]
