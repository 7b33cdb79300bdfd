"""How facts about building are read, and when one is shown to be less than another.

Times are repeated a few times only. Two are in an order where all of one lie below all of the other: if nothing
differed, that would happen with 3 and 3 builds once in 20 times in a given direction, with 5 and 5 starts once in 252
(n! m! / (n + m)!, the extreme of the rank-sum test; Mann and Whitney 1947, Annals of Mathematical Statistics 18:50).
With so few that it would happen more often than once in 20 times, nothing is shown. Counts and sizes are exact.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from analysis.claims.claim import Judgement, not_comparable
from analysis.claims.evidence import Evidence
from analysis.pages.numbers import listing, plain
from documents.facts import Fact
from documents.report import BuildingFacts
from documents.summaries import Spread

LEAST_ODDS = 20
"""An order of times is shown where chance alone, if nothing differed, would bring it once in so many times at most."""

Ordering = Literal["less", "greater", "equal", "unclear"]


@dataclass(frozen=True)
class FactTerms:
    """A fact in a sentence: its noun and unit, how it is read, and whether it is a time, which varies."""

    noun: str
    unit: str
    read: Callable[[BuildingFacts], Spread]
    per: float = 1
    varies: bool = False

    def text(self, facts: BuildingFacts) -> str:
        """The value with its range and unit."""
        spread = self.read(facts)
        median = f"{plain(spread.median / self.per)} {self.unit}"
        if not self.varies:
            return median if self.per != 1 else f"{spread.median:,.0f} {self.unit}"
        if spread.count == 1:
            return f"{median} (once)"
        return f"{median} ({plain(spread.least / self.per)} to {plain(spread.most / self.per)})"


def _exact(value: float) -> Spread:
    return Spread(median=value, least=value, most=value, count=1)


FACT_TERMS: dict[Fact, FactTerms] = {
    "clean_build": FactTerms("clean build time", "s", lambda facts: facts.clean_build_seconds, varies=True),
    "incremental_build": FactTerms(
        "incremental build time", "s", lambda facts: facts.incremental_build_seconds, varies=True
    ),
    "binary_size": FactTerms("size of the binary", "MB", lambda facts: _exact(facts.binary_bytes), per=1e6),
    "image_size": FactTerms("size of the image", "MB", lambda facts: _exact(facts.image_bytes), per=1e6),
    "code_lines": FactTerms("lines of code", "lines", lambda facts: _exact(facts.code_lines)),
    "dependencies": FactTerms("number of dependencies", "dependencies", lambda facts: _exact(facts.dependencies)),
    "first_answer": FactTerms(
        "time from start to first right answer", "ms", lambda facts: facts.first_answer_seconds, per=1e-3, varies=True
    ),
}
"""Those that a claim of the article is about."""


def ordering(fact: Fact, first: BuildingFacts, second: BuildingFacts) -> Ordering:
    """How the fact of one is shown to stand to that of another."""
    terms = FACT_TERMS[fact]
    one, other = terms.read(first), terms.read(second)
    if terms.varies and _odds(one, other) < LEAST_ODDS:
        return "unclear"
    if one.most < other.least:
        return "less"
    if other.most < one.least:
        return "greater"
    return "unclear" if terms.varies else "equal"


def too_few_text(fact: Fact, found: tuple[BuildingFacts, ...]) -> str:
    """A sentence where times were repeated too seldom to be put in an order; else empty."""
    terms = FACT_TERMS[fact]
    odds = min(_odds(terms.read(one), terms.read(other)) for one, other in combinations(found, 2))
    if not terms.varies or odds >= LEAST_ODDS:
        return ""
    return (
        f" Repeated too seldom: with so few times, chance alone puts two in an order once in {odds} times. Measure "
        "more with “lab facts --again”."
    )


def _odds(one: Spread, other: Spread) -> int:
    """In how many times it happens once that all of one lie below all of the other though nothing differs."""
    return math.comb(one.count + other.count, one.count)


def facts_of(evidence: Evidence, fact: Fact, apis: tuple[str, ...]) -> tuple[BuildingFacts, ...] | Judgement:
    """The facts of some APIs, or the judgement where one is missing or times are of different hosts."""
    missing = [api for api in apis if evidence.facts(api) is None]
    if missing:
        return not_comparable(f"Not measured: {listing(missing)}; “lab facts” measures what is missing.")
    found = tuple(facts for api in apis if (facts := evidence.facts(api)) is not None)
    if FACT_TERMS[fact].varies and len(found) > 1 and not all(facts.same_host for facts in found):
        elsewhere = [facts.api for facts in found if not facts.same_host]
        return not_comparable(
            f"Measured on another host than the run: {listing(elsewhere)}. Times of two hosts aren't put in an order; "
            "“lab facts --again” measures all of them here."
        )
    return found


def values_text(fact: Fact, found: tuple[BuildingFacts, ...]) -> str:
    """The values of some APIs: `rust 240 s (231 to 262), go 40.1 s (39.5 to 41.2)`."""
    return ", ".join(f"{facts.api} {FACT_TERMS[fact].text(facts)}" for facts in found)
