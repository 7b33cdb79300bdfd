"""Orders: which of two stacks is ahead, for every pair, and all four in a row.

They are judged by the verdicts of the comparison, which are Holm's over all pairs and loads of a measure. So a tie
contradicts an order only where it is shown: *same* does, *can't tell* doesn't. Nor does *same* where a protocol's
margin is so wide that what the article has between the two is the same by it.
"""

from itertools import pairwise

from analysis.claims.claim import Claim, Judgement, all_of
from analysis.claims.columns import PublishedColumn
from analysis.claims.evidence import Evidence
from analysis.claims.pairs import ComparedPair, compared_pair, pairs_of
from analysis.pages.numbers import listing, plain
from documents.claims import ClaimOutcome


def order_claims(column: PublishedColumn) -> tuple[Claim, ...]:
    """That all four are in the article's order, and that each of two is before the other."""

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
        says=f"{order_text(column.best_first)}, in this order of {column.noun}, the best first.",
        judge=lambda evidence: judge_whole_order(evidence, column),
    )
    return whole, *(claim(*pair) for pair in pairs_of(column))


def order_text(names: tuple[str, ...]) -> str:
    """Stacks as the article writes them."""
    return listing([name.capitalize() for name in names])


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
    blocks = verdicts.blocks_to_detect
    more = f" {blocks} blocks would show a difference as large as this one looks." if blocks else ""
    return Judgement("cannot-tell", f"Neither an order nor a tie is shown: {measured}.{more}")


def _judge_tie(found: ComparedPair, published: float) -> Judgement:
    """Judge two that are shown to be the same; `published` is their ratio in the article, from 1 on."""
    same, measured = f"the same within {found.margin:.0%}", found.measured
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

    If neighbours are shown, the others follow; the others are asked as well, because a pair that is shown the other way
    round contradicts the whole, whatever stands between.
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
    "cannot-tell": "can't be told",
    "not-comparable": "not comparable",
}


def _pairs_text(pairs: list[tuple[str, str]]) -> str:
    return listing([f"{first} before {second}" for first, second in pairs])
