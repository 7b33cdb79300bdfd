"""Claims in numbers: absolute numbers, orders of two or all stacks, and ratios."""

from dataclasses import dataclass
from itertools import combinations, pairwise

from analysis.claims.article import PublishedColumn
from analysis.claims.claim import (
    Claim,
    Evidence,
    Judgement,
    agreement,
    all_of,
    not_comparable,
    place_text,
    why_no_number,
    why_no_order,
)
from analysis.formatting import capital, counted, exact_percent, in_brackets, listing, plain, ratio_interval, ratio_text
from analysis.statistics import blocks_text
from documents.report import ClaimOutcome, Interval, PairComparison


@dataclass(frozen=True)
class ComparedPair:
    """A run's comparison of two stacks.

    `interval_95` is that of their ratio, with the stack that the claim names first as the numerator. `margin` is the
    comparison's, `measured` the ratio in words.
    """

    verdicts: PairComparison
    interval_95: Interval | None
    margin: float
    measured: str


def pairs_of(column: PublishedColumn) -> tuple[tuple[str, str], ...]:
    """Every pair of stacks, adjacent ones included, in the article's order."""
    return tuple(combinations(column.best_first, 2))


def compared_pair(evidence: Evidence, column: PublishedColumn, above: str, below: str) -> ComparedPair | Judgement:
    """The run's comparison of two stacks, or the judgement that they aren't comparable.

    Its `measured` is the ratio of `above` over `below` in words, with its interval and the number of blocks.
    """
    comparison = evidence.comparison(column.compared_by)
    if comparison is None:
        return not_comparable(
            f"Nothing is compared by {column.noun} in this run: it isn't above 0 in at least one valid cell, which has "
            "no ratio."
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
    ends = f", 95% interval {ratio_interval(interval)}" if interval else ""
    measured = f"{column.noun} of {above} over {below} is {ratio_text(ratio)}{ends}, of {counted(pair.blocks, 'block')}"
    reason = why_no_order(evidence, column.load)
    if reason is not None:
        return not_comparable(f"{capital(reason)}. Measured here: {measured}.")
    return ComparedPair(pair, interval, comparison.margin, measured)


def number_claims(column: PublishedColumn) -> tuple[Claim, ...]:
    """A claim for each stack that its number is the published one."""

    def claim(api: str) -> Claim:
        return Claim(
            name=f"number-{api}",
            kind="number",
            says=f"{api.capitalize()}: {column.text(column.values[api])}.",
            judge=lambda evidence: judge_number(evidence, column, api),
        )

    return tuple(map(claim, column.best_first))


def judge_number(evidence: Evidence, column: PublishedColumn, api: str) -> Judgement:
    """Judge the API's 95% interval over cells; see `agreement`."""
    measured = evidence.estimate(api, column.load, column.measure)
    if measured is None:
        return not_comparable(f"This run has no valid cell of {api} under a load named {column.load}.")
    found = f"{column.text(measured.value)}{in_brackets(measured, column.terms.per)}"
    reason = why_no_number(evidence, column.load)
    if reason is not None:
        return not_comparable(f"{capital(reason)}. Measured here: {found}.")
    if measured.low is None or measured.high is None:
        return Judgement("cannot-tell", f"Measured {found}, in one block alone: there is no interval.")
    published = column.values[api]
    outcome = agreement(published, Interval(low=measured.low, high=measured.high))
    return Judgement(outcome, f"Measured {found}, {place_text(outcome, column.text(published))}.")


def order_claims(column: PublishedColumn) -> tuple[Claim, ...]:
    """Claims that all four are in the article's order, and each pair of them."""

    def claim(first: str, second: str) -> Claim:
        return Claim(
            name=f"order-{first}-{second}",
            kind="order",
            says=f"{first.capitalize()} {column.better} {second.capitalize()}.",
            judge=lambda evidence: judge_order(evidence, column, first, second),
        )

    whole = Claim(
        name="order",
        kind="order",
        says=f"{listing([api.capitalize() for api in column.best_first])}, in this order of {column.noun}, the best "
        "first.",
        judge=lambda evidence: judge_whole_order(evidence, column),
    )
    return whole, *(claim(*pair) for pair in pairs_of(column))


def judge_order(evidence: Evidence, column: PublishedColumn, first: str, second: str) -> Judgement:
    """Judge whether `first` is shown to be the better one of two."""
    found = compared_pair(evidence, column, first, second)
    if isinstance(found, Judgement):
        return found
    verdicts, measured = found.verdicts, found.measured
    if verdicts.verdict == "better":
        if verdicts.better == first:
            return Judgement("reproduced", f"Shown: {measured}.")
        return Judgement("contradicted", f"The reverse is shown: {measured}.")
    if verdicts.verdict == "same":
        return _judge_tie(found, max(column.ratio(first, second), column.ratio(second, first)))
    needed = verdicts.blocks_to_detect
    more = (
        f" {blocks_text(needed)} blocks would show a difference as large as this one looks."
        if needed and needed.blocks
        else ""
    )
    return Judgement("cannot-tell", f"Neither an order nor a tie is shown: {measured}.{more}")


def _judge_tie(found: ComparedPair, published: float) -> Judgement:
    """Judge two that are shown to be the same; `published` is their ratio in the article, from 1 on."""
    same, measured = f"the same within {exact_percent(found.margin)}", found.measured
    if found.verdicts.bound_by_postgres:
        return Judgement("cannot-tell", f"They are {same}, but PostgreSQL is the limit of both: {measured}.")
    if published <= 1 + found.margin:
        return Judgement(
            "cannot-tell",
            f"They are {same}, but so are the article's two, whose ratio is {plain(published)}: {measured}.",
        )
    return Judgement("contradicted", f"They are shown to be {same}: {measured}.")


def judge_whole_order(evidence: Evidence, column: PublishedColumn) -> Judgement:
    """Judge whether all pairs are in the article's order, neighbours and others.

    The order of the neighbours implies the others. The other pairs are judged too, because a single reversed pair
    contradicts the whole order.
    """
    outcomes: dict[tuple[str, str], ClaimOutcome] = {
        pair: judge_order(evidence, column, *pair).outcome for pair in pairs_of(column)
    }
    neighbours = [outcomes[pair] for pair in pairwise(column.best_first)]
    parts = [
        f"{_pairs_text([pair for pair, found in outcomes.items() if found == outcome])} {words}"
        for outcome, words in _WORDS.items()
        if outcome in outcomes.values()
    ]
    shown = sum(outcome == "reproduced" for outcome in neighbours)
    outcome = all_of(outcomes.values())
    return Judgement(
        outcome, f"{shown} of {len(neighbours)} neighbours are shown in this order. By pairs: {'; '.join(parts)}."
    )


_WORDS: dict[ClaimOutcome, str] = {
    "reproduced": "shown",
    "contradicted": "contradicted",
    "cannot-tell": "not decided",
    "not-comparable": "not comparable",
}


def _pairs_text(pairs: list[tuple[str, str]]) -> str:
    return listing([f"{first} before {second}" for first, second in pairs])


def ratio_claims(column: PublishedColumn) -> tuple[Claim, ...]:
    """A claim for each pair, with the greater published number as the numerator."""

    def claim(above: str, below: str) -> Claim:
        return Claim(
            name=f"ratio-{above}-{below}",
            kind="ratio",
            says=f"{above.capitalize()} has {plain(column.ratio(above, below))} times the {column.noun} of "
            f"{below.capitalize()}.",
            judge=lambda evidence: judge_ratio(evidence, column, above, below),
        )

    return tuple(claim(*(pair if column.terms.higher_is_better else pair[::-1])) for pair in pairs_of(column))


def judge_ratio(evidence: Evidence, column: PublishedColumn, above: str, below: str) -> Judgement:
    """Judge the 95% interval of the pair's ratio; see `agreement`.

    If PostgreSQL is the limit of both, their ratio is that of the work they give it, so the outcome is *can't tell*.
    """
    found = compared_pair(evidence, column, above, below)
    if isinstance(found, Judgement):
        return found
    if found.interval_95 is None:
        return Judgement("cannot-tell", f"Measured: {found.measured}, so there is no interval.")
    if found.verdicts.bound_by_postgres:
        return Judgement(
            "cannot-tell", f"PostgreSQL is the limit of both, so this is about the work they give it: {found.measured}."
        )
    published = column.ratio(above, below)
    outcome = agreement(published, found.interval_95)
    return Judgement(outcome, f"Measured: {found.measured}; {place_text(outcome, plain(published))}.")
