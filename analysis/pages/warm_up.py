"""The warm-ups as a table: how long they took by load and API, and each cell that never got steady."""

from analysis.pages.numbers import MISSING, plain
from analysis.pages.table import Column, Table, TableCell
from documents.report import Report
from documents.run import STEADY_SECONDS
from documents.summaries import WarmUpSummary


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
