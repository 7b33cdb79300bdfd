"""Ratios: how many times one stack's number is another's, for every pair of a column.

The article prints no ratio, but its readers quote them; each follows from two of its numbers. It is judged by the
interval of the pair's own ratio over blocks, in which what both cells of a block share cancels, and not by the two
absolute numbers.
"""

from analysis.claims.agreement import agreement, place_text
from analysis.claims.claim import Claim, Judgement
from analysis.claims.columns import PublishedColumn
from analysis.claims.evidence import Evidence
from analysis.claims.pairs import compared_pair, pairs_of
from analysis.pages.numbers import plain


def ratio_claims(column: PublishedColumn) -> tuple[Claim, ...]:
    """One claim for each pair, the stack with the greater published number above the line."""

    def claim(above: str, below: str) -> Claim:
        return Claim(
            name=f"ratio-{above}-{below}",
            kind="ratio",
            says=f"{above.capitalize()} has {plain(column.ratio(above, below))} times the {column.noun} of "
            f"{below.capitalize()}.",
            judge=lambda evidence: judge_ratio(evidence, column, above, below),
        )

    return tuple(claim(*(pair if column.higher_is_better else pair[::-1])) for pair in pairs_of(column))


def judge_ratio(evidence: Evidence, column: PublishedColumn, above: str, below: str) -> Judgement:
    """Judge by the 95% interval of the pair's ratio; see `agreement`.

    Where PostgreSQL is the limit of both, their ratio is nearer to 1 than they are, and nothing is concluded.
    """
    found = compared_pair(evidence, column, above, below)
    if isinstance(found, Judgement):
        return found
    if found.interval_95 is None:
        return Judgement("cannot-tell", f"Measured: {found.measured}, so there is no interval.")
    if found.verdicts.bound_by_postgres:
        return Judgement("cannot-tell", f"PostgreSQL is the limit of both and brings them together: {found.measured}.")
    published = column.ratio(above, below)
    outcome = agreement(published, found.interval_95)
    return Judgement(outcome, f"Measured: {found.measured}; {place_text(outcome, plain(published))}.")
