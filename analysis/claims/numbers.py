"""Absolute numbers: throughput, average memory and p99 of each stack."""

from analysis.claims.agreement import agreement, place_text
from analysis.claims.claim import Claim, Judgement, not_comparable, sentence
from analysis.claims.columns import PublishedColumn
from analysis.claims.conditions import why_no_number
from analysis.claims.evidence import Evidence
from analysis.pages.numbers import interval
from documents.comparison import Interval
from documents.summaries import Estimate


def number_claims(column: PublishedColumn) -> tuple[Claim, ...]:
    """One claim for each stack: that its number is the published one."""

    def claim(api: str) -> Claim:
        return Claim(
            name=f"number-{api}",
            kind="number",
            says=f"{api.capitalize()}: {column.text(column.values[api])}.",
            judge=lambda evidence: judge_number(evidence, column, api),
        )

    return tuple(map(claim, column.best_first))


def judge_number(evidence: Evidence, column: PublishedColumn, api: str) -> Judgement:
    """Judge by the API's 95% interval over cells; see `agreement`."""
    measured = evidence.estimate(api, column.load, column.measure)
    if measured is None:
        return not_comparable(f"This run has no valid cell of {api} under a load named {column.load}.")
    found = f"{column.text(measured.value)}{_interval_text(measured, column)}"
    reason = why_no_number(evidence, column.load)
    if reason is not None:
        return not_comparable(f"{sentence(reason)}. Measured here: {found}.")
    if measured.low is None or measured.high is None:
        return Judgement("cannot-tell", f"Measured {found}, in one block alone: there is no interval.")
    published = column.values[api]
    outcome = agreement(published, Interval(low=measured.low, high=measured.high))
    return Judgement(outcome, f"Measured {found}, {place_text(outcome, column.text(published))}.")


def _interval_text(measured: Estimate, column: PublishedColumn) -> str:
    ends = interval(measured, column.per)
    return f" (95% interval {ends})" if ends else ""
