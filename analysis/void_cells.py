"""What of a run is void, for its report: attempts with their reasons, cells without a valid one, and short blocks.

The open loop's cells are attempts like the others, and come after them. What tells them apart is their rate.
"""

from collections.abc import Iterator

from analysis.attempts import cells_without
from analysis.run_folder import RunFolder
from documents.open_loop import OpenLoopCell
from documents.plan import Cell
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
            rate=_rate(cell),
            voids=record.voids,
        )
        for cell in run.cells
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
            rate=_rate(cell),
            voids=run.records[cell.id].voids,
        )
        for cell in run.cells
        if cell.id in run.records and not run.records[cell.id].valid
    )


def short_blocks(run: RunFolder) -> tuple[ShortBlock, ...]:
    """The blocks that lack a cell for good, in their order; those of the open loop last."""
    open_loop = () if run.open_loop_plan is None else run.open_loop_plan.cells
    return (*_short(run, run.plan.cells, open_loop=False), *_short(run, open_loop, open_loop=True))


def _short(run: RunFolder, cells: tuple[Cell, ...], *, open_loop: bool) -> Iterator[ShortBlock]:
    without = cells_without(cells, run.attempts, run.manifest.protocol.attempts)
    for block, lacking in without.items():
        yield ShortBlock(block=block, open_loop=open_loop, lacking=tuple(cell.id for cell in lacking))


def _rate(cell: Cell) -> int | None:
    return cell.rate if isinstance(cell, OpenLoopCell) else None
