"""What of a run is void, for its report: attempts with their reasons, cells without a valid one, and short blocks."""

from analysis.attempts import cells_without
from analysis.run_folder import RunFolder
from documents.report import ShortBlock, VoidAttempt, VoidCell


def void_attempts(run: RunFolder) -> tuple[VoidAttempt, ...]:
    """Every finished attempt that doesn't count, in the order of the plan."""
    return tuple(
        VoidAttempt(
            cell_id=cell.id,
            attempt=record.attempt,
            block=cell.block,
            api=cell.api,
            scenario=cell.scenario.name,
            voids=record.voids,
        )
        for cell in run.plan.cells
        for record in run.attempts[cell.id]
        if not record.valid
    )


def void_cells(run: RunFolder) -> tuple[VoidCell, ...]:
    """The cells of which no attempt counts and none is left, in the order of the plan."""
    return tuple(
        VoidCell(
            cell_id=cell.id,
            attempts=len(run.attempts[cell.id]),
            block=cell.block,
            api=cell.api,
            scenario=cell.scenario.name,
            voids=run.records[cell.id].voids,
        )
        for cell in run.plan.cells
        if cell.id in run.records and not run.records[cell.id].valid
    )


def short_blocks(run: RunFolder) -> tuple[ShortBlock, ...]:
    """The blocks that lack a cell for good, in their order."""
    without = cells_without(run.plan.cells, run.attempts, run.manifest.protocol.attempts)
    return tuple(
        ShortBlock(block=block, lacking=tuple(cell.id for cell in lacking)) for block, lacking in without.items()
    )
