"""What the pages say of void cells: each attempt with its reasons, what became of its cell, and the short blocks."""

from collections.abc import Iterator
from dataclasses import dataclass

from analysis.pages.numbers import listing
from documents.report import Report, ShortBlock, VoidAttempt, VoidCell


@dataclass(frozen=True)
class VoidEntry:
    """One cell with void attempts: its id, a line for each reason, and what became of it."""

    cell_id: str
    reasons: tuple[str, ...]
    outcome: str


def void_note(report: Report) -> str:
    """How to read what is said of void cells; that there is none, where that is so."""
    if not report.void_attempts:
        return "No attempt at a cell was void."
    note = "Measured, but not valid: what stands here counts in no number above but the errors."
    if report.attempts > 1:
        note += f" A void cell is run again at once, until an attempt is valid or {report.attempts} were made."
    return note


def void_entries(report: Report) -> tuple[VoidEntry, ...]:
    """Every cell with a void attempt, in the order of the plan."""
    by_cell: dict[str, list[VoidAttempt]] = {}
    for attempt in report.void_attempts:
        by_cell.setdefault(attempt.cell_id, []).append(attempt)
    return tuple(
        VoidEntry(
            cell_id=cell_id,
            reasons=tuple(line for attempt in attempts for line in _reasons(report, attempt)),
            outcome=_outcome(report, cell_id),
        )
        for cell_id, attempts in by_cell.items()
    )


def short_blocks(report: Report) -> tuple[str, ...]:
    """What each short block lacks, a sentence for each."""

    def lacking(short: ShortBlock) -> str:
        return listing(
            [f"{_load(cell)} ({cell.cell_id})" for cell in report.void_cells if cell.cell_id in short.lacking]
        )

    return tuple(
        f"Block {short.block}{' of the open loop' if short.open_loop else ''} is short of {lacking(short)}."
        for short in report.short_blocks
    )


def _load(cell: VoidCell) -> str:
    load = f"{cell.api} at {cell.scenario}"
    return load if cell.rate is None else f"{load} with {cell.rate:,} requests/s"


def _reasons(report: Report, attempt: VoidAttempt) -> Iterator[str]:
    which = f"attempt {attempt.attempt}: " if report.attempts > 1 else ""
    for void in attempt.voids:
        yield f"{which}{void.message} ({void.reason})"


def _outcome(report: Report, cell_id: str) -> str:
    for cell in (*report.cells, *(report.open_loop.cells if report.open_loop else ())):
        if cell.cell_id == cell_id:
            return f"attempt {cell.attempt} counts"
    void = any(cell.cell_id == cell_id for cell in report.void_cells)
    return "no attempt counts" if void else "still to be run again"
