"""The article's table, with this run's numbers beside its own."""

from analysis import article
from analysis.pages.numbers import MISSING, interval, plain
from analysis.pages.table import Column, Table, TableCell
from documents.report import PublishedNumber, Report

_PER = {"throughput": 1, "memory_mean": 1e6, "p99": 1e3}


def article_table(report: Report) -> Table:
    """All of the article's rows, and below each the same of this run; no row where the run has none of its loads."""
    columns = (
        Column("Stack", numeric=False),
        Column("Whose", numeric=False),
        *(Column(load.capitalize(), "requests/s") for load in article.LOADS),
        Column("Memory average", "MB"),
        Column("p99 heavy", "ms"),
    )
    rows: list[tuple[TableCell, ...]] = []
    for api in article.STACKS:
        numbers = [number for number in report.article if number.api == api]
        if numbers:
            rows.append((TableCell(api), TableCell("article"), *map(_published, numbers)))
            rows.append((TableCell(api), TableCell("this run"), *map(_measured, numbers)))
    return Table(
        title="The article's table",
        note=f"{report.article_note} p99 is as wrk prints it; the memory of this run is that under heavy load.",
        columns=columns,
        rows=tuple(rows),
        named_by=2,
    )


def _published(number: PublishedNumber) -> TableCell:
    return TableCell(plain(number.published / _PER[number.measure]))


def _measured(number: PublishedNumber) -> TableCell:
    per = _PER[number.measure]
    if number.measured is None:
        return TableCell(MISSING)
    return TableCell(plain(number.measured.value / per), interval(number.measured, per))
