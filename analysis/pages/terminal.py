"""What a terminal shows after a run: the tables, without what 80 columns have no room for."""

from dataclasses import replace

from analysis.pages.building import building_table
from analysis.pages.claims import article_table, claims_table
from analysis.pages.host import load_host_table
from analysis.pages.open_loop import open_loop_tables
from analysis.pages.table import Table, resource_table, summary_table
from analysis.pages.verdicts import verdict_tables
from documents.report import Report


def terminal_tables(report: Report) -> tuple[Table, ...]:
    """The tables for a terminal; that of the article is left out where the run has none of its loads."""
    tables = (
        _without(summary_table(report, brief=True), {"Mean", "p90", "Valid cells"}),
        *verdict_tables(report, brief=True),
        *open_loop_tables(report, brief=True),
        _without(resource_table(report, brief=True), {"Memory average", "Memory peak", "Page cache"}),
        article_table(report),
        claims_table(report, brief=True),
        building_table(report, brief=True),
        load_host_table(report),
    )
    return tuple(table for table in tables if table.rows)


def _without(table: Table, titles: set[str]) -> Table:
    kept = [index for index, column in enumerate(table.columns) if column.title not in titles]
    return replace(
        table,
        columns=tuple(table.columns[index] for index in kept),
        rows=tuple(tuple(row[index] for index in kept) for row in table.rows),
    )
