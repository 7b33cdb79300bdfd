"""The article's table with this run's numbers beside its own, and its claims with their outcomes."""

from collections import Counter

from analysis.claims import TOLERANCE, article
from analysis.claims.conditions import unlike_for_numbers, unlike_for_orders, unlike_host
from analysis.numbers import MISSING, interval, plain
from analysis.pages.table import Column, Table, TableCell
from documents.report import ClaimKind, ClaimOutcome, JudgedLine, PublishedNumber, Report

_PER = {"throughput": 1, "memory_mean": 1e6, "p99": 1e3}


def article_table(report: Report) -> Table:
    """The article's rows, and below each what this run measured; no rows where the run has none of its loads."""
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
            if any(number.measured is not None for number in numbers):
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


OUTCOME_NAMES: dict[ClaimOutcome, str] = {
    "reproduced": "reproduced",
    "contradicted": "contradicted",
    "cannot-tell": "can't tell",
    "not-comparable": "not comparable",
}

KIND_NAMES: dict[ClaimKind, str] = {
    "number": "absolute number",
    "order": "order",
    "ratio": "ratio",
    "limit": "limit",
    "unstated": "no number",
}


def claims_table(report: Report, *, brief: bool = False) -> Table:
    """How many claims of each line have which outcome; what the article says stands below a line unless `brief`.

    No rows where the report has nothing that a claim is about: neither one of the article's loads nor a fact about
    building.
    """
    columns = (Column("The article", numeric=False), *(Column(name.capitalize()) for name in OUTCOME_NAMES.values()))
    return Table(
        title="The article's claims",
        note=_note(report),
        columns=columns,
        rows=tuple(_counts(judged, brief=brief) for judged in _shown(report)),
    )


def claim_tables(report: Report) -> tuple[Table, ...]:
    """A table for each line, with its claims, their outcomes and why; none where `claims_table` has no rows."""
    columns = (
        Column("Claim", numeric=False),
        Column("Kind", numeric=False),
        Column("Outcome", numeric=False),
        Column("Why", numeric=False),
    )
    return tuple(
        Table(
            title=judged.line.title,
            note=f"The article: {judged.line.says}",
            columns=columns,
            rows=tuple(
                (
                    TableCell(claim.says),
                    TableCell(KIND_NAMES[claim.kind]),
                    TableCell(OUTCOME_NAMES[claim.outcome]),
                    TableCell(claim.why),
                )
                for claim in judged.claims
            ),
        )
        for judged in _shown(report)
    )


def _shown(report: Report) -> tuple[JudgedLine, ...]:
    return report.claims if report.article or report.building else ()


def _counts(judged: JudgedLine, *, brief: bool) -> tuple[TableCell, ...]:
    found = Counter(claim.outcome for claim in judged.claims)
    counts = (TableCell(str(found[outcome])) for outcome in OUTCOME_NAMES)
    return TableCell(judged.line.title, "" if brief else judged.line.says), *counts


def _note(report: Report) -> str:
    """What the outcomes mean, and under which conditions those of orders and ratios stand where they are judged."""
    judged = (scenario for scenario in report.scenarios if not unlike_for_orders(scenario))
    unlike = (reason for scenario in judged for reason in unlike_for_numbers(scenario))
    conditions = [*unlike_host(report.size, report.cores), *unlike]
    under = f" Here they hold for this: {'; '.join(conditions)}." if conditions else ""
    return (
        "How many claims of each line have which outcome. A number or a ratio is reproduced if its whole 95% interval "
        f"is within {TOLERANCE:.0%} of the article's, and contradicted if none of it is; an order by the verdicts on "
        "pairs. Orders and ratios are judged apart from absolute numbers, on any host and for windows of any length."
        f"{under}"
    )
