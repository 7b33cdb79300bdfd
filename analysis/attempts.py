"""The attempts at a cell: which one stands for it, which one is to be made next, and which blocks are left short.

A void attempt is followed by another one, until one is valid or all that the protocol allows were made. The first valid
attempt is the cell's. Those before it stay in the run's folder with their reasons.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from documents.errors import AnalysisError
from documents.plan import Cell
from documents.run import CellRecord, attempt_id


def standing(made: Sequence[CellRecord], allowed: int) -> CellRecord | None:
    """The attempt that stands for a cell: the valid one, or where all were void, the last.

    Args:
        made: the finished attempts at one cell, in their order.
        allowed: how many attempts the protocol allows.

    Returns:
        The attempt's record; None where another attempt is to be made.
    """
    if next_attempt(made, allowed) is not None:
        return None
    return made[-1]


def next_attempt(made: Sequence[CellRecord], allowed: int) -> int | None:
    """The number of the attempt that is to be made next, counted from 1; None where none is."""
    if len(made) >= allowed or any(record.valid for record in made):
        return None
    return len(made) + 1


def in_order(cell_id: str, found: Mapping[int, CellRecord]) -> tuple[CellRecord, ...]:
    """The attempts at a cell in their order.

    Args:
        cell_id: the cell.
        found: the records of its finished attempts, by the number that their folder's name gives them.

    Raises:
        AnalysisError: an attempt is missing before one that was made, or one was made though the cell counted already.
    """
    for number in sorted(found):
        if number == 1:
            continue
        before, name = found.get(number - 1), attempt_id(cell_id, number)
        if before is None:
            raise AnalysisError(
                f"cells/{name} was measured after an attempt that isn't there: {attempt_id(cell_id, number - 1)}. "
                "Nothing is dropped in silence: restore that folder, or remove the later attempts too to have the cell "
                "measured anew with `lab run --resume`."
            )
        if before.valid:
            raise AnalysisError(
                f"cells/{name} was measured though {before.attempt_id} is valid, and a cell is run again only where it "
                "is void. Move the folder away, or restore the one before it."
            )
    return tuple(found[number] for number in sorted(found))


def cells_without(
    cells: Iterable[Cell], attempts: Mapping[str, Sequence[CellRecord]], allowed: int
) -> dict[int, tuple[Cell, ...]]:
    """The cells of which no attempt is valid and none is left to be made, by block: these blocks stay short.

    Args:
        cells: the planned cells, in their order.
        attempts: the finished attempts at each of them, by its id.
        allowed: how many attempts the protocol allows.
    """
    short: defaultdict[int, list[Cell]] = defaultdict(list)
    for cell in cells:
        record = standing(attempts[cell.id], allowed)
        if record is not None and not record.valid:
            short[cell.block].append(cell)
    return {block: tuple(lacking) for block, lacking in sorted(short.items())}
