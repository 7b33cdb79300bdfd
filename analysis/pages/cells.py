"""The cells of a run in tables: warm-ups, work for a second of CPU, and void ones."""

from collections.abc import Iterator
from dataclasses import dataclass

from analysis.numbers import MISSING, interval, listing, plain
from analysis.pages.table import Column, Table, TableCell, load_and_api
from documents.report import Report, ShortBlock, VoidAttempt, VoidCell, WarmUpSummary
from documents.run import STEADY_SECONDS


def warm_up_table(report: Report) -> Table:
    """Warm-ups of the valid cells; without rows where none was watched, as in runs from before they were."""

    def row(summary: WarmUpSummary) -> tuple[TableCell, ...]:
        seconds = summary.seconds
        spread = f"{plain(seconds.least)} to {plain(seconds.most)}" if seconds.count > 1 else ""
        not_judged = summary.cells - summary.steady - len(summary.never_steady)
        return (
            TableCell(summary.scenario),
            TableCell(summary.api),
            TableCell(plain(seconds.median), spread),
            TableCell(f"{summary.steady} of {summary.cells}", "not judged" if not_judged else ""),
            TableCell(", ".join(summary.never_steady) or MISSING),
        )

    return Table(
        title="Warm-up",
        note=(
            "Medians over cells, with the shortest and the longest. A warm-up ends when the requests of each second "
            f"haven't changed for {STEADY_SECONDS} s, by changepoint detection, and after {report.warm_up_seconds} s "
            "at the latest; a cell that wasn't steady by then is named."
        ),
        columns=(
            Column("Load", numeric=False),
            Column("API", numeric=False),
            Column("Warm-up", "s"),
            Column("Steady", "cells"),
            Column("Never steady", numeric=False),
        ),
        rows=tuple(row(summary) for summary in report.warm_ups),
        named_by=2,
    )


def work_table(report: Report) -> Table:
    """Requests for each CPU second and CPU for each request, by load and API; no row where nothing was measured."""
    return Table(
        title="Work for each CPU second",
        note=(
            "Requests that an API answered for each second of its own CPU time: geometric means over blocks with 95% t "
            "intervals. It is the same number turned round that one request takes. What PostgreSQL, Redis and the "
            f"generator spend on it isn't in it; {MISSING} where an API's CPU time couldn't be told from none."
        ),
        columns=(
            Column("Load", numeric=False),
            Column("API", numeric=False),
            Column("Requests a CPU second"),
            Column("CPU a request", "µs"),
            Column("CPU of API", "cores"),
        ),
        rows=tuple(
            (
                *load_and_api(report, summary),
                TableCell(MISSING) if work is None else TableCell(plain(work.value), interval(work)),
                TableCell(MISSING if work is None else plain(1e6 / work.value)),
                TableCell(plain(cores.value), interval(cores)),
            )
            for summary in report.summaries
            if (measured := summary.measured) is not None
            for work, cores in [(measured.requests_per_cpu_second, measured.cpu_cores["api"])]
        ),
        named_by=2,
    )


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
