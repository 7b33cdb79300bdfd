"""What orders and ratios have in common: two stacks of a column, and the run's comparison of them."""

from dataclasses import dataclass
from itertools import combinations

from analysis.claims.claim import Judgement, not_comparable, sentence
from analysis.claims.columns import PublishedColumn
from analysis.claims.conditions import why_no_order
from analysis.claims.evidence import Evidence
from analysis.pages.numbers import ratio_text
from documents.comparison import Interval, PairComparison


@dataclass(frozen=True)
class ComparedPair:
    """A run's comparison of two stacks.

    `interval_95` is that of their ratio, turned so that the stack which the claim names first is above the line.
    `margin` is what the comparison calls the same, `measured` the ratio in words.
    """

    verdicts: PairComparison
    interval_95: Interval | None
    margin: float
    measured: str


def pairs_of(column: PublishedColumn) -> tuple[tuple[str, str], ...]:
    """Every pair of stacks, the one that the article has before the other first; adjacent ones are among them."""
    return tuple(combinations(column.best_first, 2))


def compared_pair(evidence: Evidence, column: PublishedColumn, above: str, below: str) -> ComparedPair | Judgement:
    """The run's comparison of two stacks, or the judgement where there is nothing that may be compared.

    Its `measured` says the ratio of `above` over `below` in words, with its interval and the number of blocks.
    """
    comparison = evidence.comparison(column.compared_by)
    if comparison is None:
        return not_comparable(
            f"Nothing is compared by {column.noun} in this run: it isn't above 0 in one valid cell at least, and so "
            "has no ratio."
        )
    both = {above, below}
    found = (pair for pair in comparison.pairs if pair.scenario == column.load and {pair.first, pair.second} == both)
    pair = next(found, None)
    if pair is None or pair.ratio is None:
        return not_comparable(
            f"No block of this run has valid cells of both {above} and {below} under a load named {column.load}."
        )
    ratio, interval = pair.ratio.value, pair.ratio.interval_95
    if pair.first != above:
        ratio, interval = 1 / ratio, interval and Interval(low=1 / interval.high, high=1 / interval.low)
    ends = f", 95% interval {ratio_text(interval.low)} to {ratio_text(interval.high)}" if interval else ""
    measured = (
        f"{column.noun} of {above} over {below} is {ratio_text(ratio)}{ends}, "
        f"of {pair.blocks} {'block' if pair.blocks == 1 else 'blocks'}"
    )
    reason = why_no_order(evidence, column.load)
    if reason is not None:
        return not_comparable(f"{sentence(reason)}. Measured here: {measured}.")
    return ComparedPair(pair, interval, comparison.margin, measured)
