"""A report at a terminal: one screen, and every table for `lab report --all`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from analysis.formatting import MISSING, interval, plain
from analysis.pages.article import article_table, building_table, claims_table
from analysis.pages.open_loop import open_loop_tables
from analysis.pages.run import grade_name, heading, in_short, load_host_table
from analysis.pages.table import (
    Column,
    Table,
    TableCell,
    resource_table,
    summary_table,
    without_columns,
    without_empty,
)
from analysis.pages.verdicts import load_verdicts, ranked_apis, ranking_table, verdict_tables
from documents.report import Measurements, Report

MOST_ROWS = 8
"""How many APIs fit one screen; if there are more, a line says how many follow."""

MOST_CAVEATS = 6
"""How many caveats fit it; the most important come first, and a line says how many follow."""


@dataclass(frozen=True)
class Screen:
    """A report in about 25 lines.

    Attributes:
        heading: the APIs and loads.
        extent: the size of the run and its host, in one sentence.
        verdicts: the name of each load with its verdict.
        tables: the same table from wide to narrow, for the first that fits the terminal. Empty without numbers.
        caveats: the first ones, each in one line, and how many follow.
    """

    heading: str
    extent: str
    verdicts: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]
    caveats: tuple[str, ...]


def screen(report: Report) -> Screen:
    """The screen that a run and `lab report` end with."""
    grade = grade_name(report)
    return Screen(
        heading=heading(report),
        extent=f"{in_short(report)} {grade}.",
        verdicts=tuple((verdict.load, verdict.sentence) for verdict in load_verdicts(report)),
        tables=tuple(
            table
            for intervals, latency in ((True, True), (False, True), (False, False))
            if (table := _small_table(report, intervals=intervals, latency=latency)).rows
        ),
        caveats=_in_lines(report.caveats),
    )


def _in_lines(caveats: Sequence[str]) -> tuple[str, ...]:
    shown = tuple(map(headline, caveats[:MOST_CAVEATS]))
    more = len(caveats) - len(shown)
    return (*shown, f"and {more} more") if more else shown


def headline(caveat: str) -> str:
    """The first sentence of a caveat, which fits one line."""
    first, _, rest = caveat.partition(". ")
    return f"{first}." if rest else caveat


def _small_table(report: Report, *, intervals: bool, latency: bool) -> Table:
    """A row for each API, the best under the first load first; throughput and p99 under each load."""
    measured = {(found.api, found.scenario): found.measured for found in report.summaries}

    def under(found: Measurements | None) -> Sequence[TableCell]:
        if found is None:
            return (TableCell(MISSING),) * (2 if latency else 1)
        throughput = TableCell(plain(found.throughput.value), interval(found.throughput) if intervals else "")
        return (throughput, TableCell(plain(found.raw.p99_us.value / 1e3))) if latency else (throughput,)

    rows = [
        (TableCell(api), *(cell for load in report.scenarios for cell in under(measured.get((api, load.name)))))
        for api in ranked_apis(report, report.scenarios[0].name)
    ]
    more = len(rows) - MOST_ROWS
    shown = without_empty(
        Table(
            title=f"Throughput{' with its 95% interval' if intervals else ''}{' and p99' if latency else ''}",
            note="",
            columns=(
                Column("API", numeric=False),
                *(
                    column
                    for load in report.scenarios
                    for column in (Column(load.name, "requests/s"), *((Column("p99", "ms"),) if latency else ()))
                ),
            ),
            rows=tuple(rows[:MOST_ROWS]),
        )
    )
    if more <= 0 or not shown.rows:
        return shown
    last = (TableCell(f"and {more} more"), *(TableCell("") for _ in shown.columns[1:]))
    return replace(shown, rows=(*shown.rows, last))


def terminal_tables(report: Report) -> tuple[Table, ...]:
    """The tables of `lab report --all`, which fit 80 columns, without empty rows and columns."""
    tables = (
        without_columns(summary_table(report, brief=True), {"Mean", "p90", "Valid cells"}),
        ranking_table(report),
        *verdict_tables(report, brief=True),
        *open_loop_tables(report, brief=True),
        without_columns(resource_table(report, brief=True), {"Memory average", "Memory peak", "Page cache"}),
        article_table(report),
        claims_table(report, brief=True),
        load_host_table(report),
    )
    shown = tuple(kept for table in tables if (kept := without_empty(table)).rows)
    building = building_table(report, brief=True)
    # Without any facts, its note is the only line.
    return (*shown, building) if building.rows or building.note else shown
