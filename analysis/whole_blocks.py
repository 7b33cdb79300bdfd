"""Which blocks a run has that was cut by its budget.

Its closed loop ends between two blocks, so the blocks that it lacks are its last ones, and nothing of them was
measured. That is known once the open loop is planned, or the run has come to its end.
"""

from collections.abc import Collection

from documents.plan import Cell, Plan


def without_last_blocks(plan: Plan, finished: Collection[str]) -> tuple[Cell, ...]:
    """The cells of a plan up to the last block of which any is finished.

    Args:
        plan: the run's plan.
        finished: the ids of its finished cells.
    """
    last = max((cell.block for cell in plan.cells if cell.id in finished), default=0)
    return tuple(cell for cell in plan.cells if cell.block <= last)
