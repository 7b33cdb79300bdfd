"""Claims about building and effort, judged by the facts that `lab facts` measured."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from analysis.claims import article
from analysis.claims.claim import Claim, Evidence, Judgement, all_of, not_comparable
from analysis.numbers import listing, plain
from documents.report import BuildingFacts, ClaimOutcome, Spread
from documents.run import Fact

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


HOURS_ORDER = tuple(sorted(article.EFFORT_HOURS, key=article.EFFORT_HOURS.__getitem__))
"""The least effort first."""


@dataclass(frozen=True)
class StandIn:
    """A fact that may stand for effort: more of it, or less of it, or neither means more work, and why."""

    fact: Fact
    more_effort: Literal["more", "less", "neither"]
    reason: str


STAND_INS: tuple[StandIn, ...] = (
    StandIn("code_lines", "more", "each line was written"),
    StandIn("dependencies", "less", "what no library brings has to be written"),
    StandIn("clean_build", "more", "one waits for it"),
    StandIn("incremental_build", "more", "each attempt waits for it"),
    StandIn("image_size", "neither", "an image is large or small by what it is based on, and not by who works on it"),
    StandIn(
        "binary_size", "neither", "a binary is large or small by its language's runtime, and not by who works on it"
    ),
    StandIn("first_answer", "more", "each attempt waits for it"),
)


def effort_claims() -> tuple[Claim, ...]:
    """The hours of each stack, and their order by each stand-in."""
    return (*map(_hours_claim, HOURS_ORDER), *map(_stand_in_claim, STAND_INS))


def _hours_claim(api: str) -> Claim:
    return Claim(
        name=f"hours-{api}",
        kind="number",
        says=f"{api.capitalize()}: {article.EFFORT_HOURS[api]:g} h.",
        judge=lambda _: not_comparable("Hours of work can't be measured here: nobody was timed."),
    )


def _stand_in_claim(stand_in: StandIn) -> Claim:
    order = ", ".join(api.capitalize() for api in HOURS_ORDER)
    return Claim(
        name=stand_in.fact.replace("_", "-"),
        kind="stand-in",
        says=f"{order}, in this order of effort, the least first: by the {FACT_TERMS[stand_in.fact].noun}.",
        judge=lambda evidence: judge_stand_in(evidence, stand_in),
    )


def judge_stand_in(evidence: Evidence, stand_in: StandIn) -> Judgement:
    """Judge whether a stand-in puts every pair of stacks in the order of the hours; says nothing of the hours."""
    found = facts_of(evidence, stand_in.fact, HOURS_ORDER)
    if isinstance(found, Judgement):
        return found
    values = values_text(stand_in.fact, found)
    if stand_in.more_effort == "neither":
        return not_comparable(f"No order of effort follows from it: {stand_in.reason}. Measured: {values}.")
    expected: Ordering = "less" if stand_in.more_effort == "more" else "greater"
    outcomes: list[ClaimOutcome] = [
        _outcome(ordering(stand_in.fact, *pair), expected) for pair in combinations(found, 2)
    ]
    agree = outcomes.count("reproduced")
    return Judgement(
        all_of(outcomes),
        f"{agree} of {len(outcomes)} pairs are in the order of the hours, if {stand_in.more_effort} means more effort "
        f"({stand_in.reason}): {values}.{too_few_text(stand_in.fact, found)}",
    )


def _outcome(found: Ordering, expected: Ordering) -> ClaimOutcome:
    if found == "unclear":
        return "cannot-tell"
    return "reproduced" if found == expected else "contradicted"


AT_ONCE_SECONDS = 0.1
"""Up to this a reaction seems immediate; what takes longer is noticed."""

NEARLY_AT_ONCE_SECONDS = 10.0
"""Up to this one waits with one's mind on it; what takes longer is slow."""

MEGABYTE = 10**6
MEBIBYTE = 2**20
"""Both are called 1 MB. Below the lesser a size is under it, from the greater on it isn't."""


LEAST_REPETITIONS = 2


@dataclass(frozen=True)
class TimeLimit:
    """That a time of one API keeps within so many seconds, or is `beyond` them."""

    api: str
    fact: Fact
    seconds: float
    beyond: bool


def limit_claim(name: str, says: str, limit: TimeLimit) -> Claim:
    """A claim that a time keeps within a limit or is beyond it."""
    return Claim(name=name, kind="limit", says=says, judge=lambda evidence: judge_limit(evidence, limit))


def judge_limit(evidence: Evidence, limit: TimeLimit) -> Judgement:
    """Judge whether all repetitions are on the claimed side of the limit."""
    found = facts_of(evidence, limit.fact, (limit.api,))
    if isinstance(found, Judgement):
        return found
    (facts,) = found
    terms = FACT_TERMS[limit.fact]
    spread = terms.read(facts)
    bound = f"{plain(limit.seconds / terms.per)} {terms.unit}"
    measured = f"{terms.noun.capitalize()}: {values_text(limit.fact, found)}"
    if spread.count < LEAST_REPETITIONS:
        return Judgement("cannot-tell", f"{measured}: how far another would differ isn't known.")
    if spread.least <= limit.seconds < spread.most:
        return Judgement("cannot-tell", f"{measured}, on both sides of {bound}.")
    beyond = spread.least > limit.seconds
    if beyond and facts.build_cpus < article.CORES:
        return not_comparable(
            f"{measured}, beyond {bound}, but in a lab of {_cpus(facts)} instead of the article's {article.CORES}, "
            "where it would take less time."
        )
    outcome: ClaimOutcome = "reproduced" if beyond == limit.beyond else "contradicted"
    return Judgement(outcome, f"{measured}, {'beyond' if beyond else 'within'} {bound}.")


def size_claim(name: str, says: str, api: str) -> Claim:
    """A claim that the binary of an API is under 1 MB; it depends on no host."""
    return Claim(name=name, kind="limit", says=says, judge=lambda evidence: judge_size(evidence, api))


def judge_size(evidence: Evidence, api: str) -> Judgement:
    """Judge the size of a binary against 1 MB, which is a million bytes or 1,048,576."""
    found = facts_of(evidence, "binary_size", (api,))
    if isinstance(found, Judgement):
        return found
    size = found[0].binary_bytes
    measured = f"The binary of {api} has {size:,} bytes"
    if size < MEGABYTE:
        return Judgement("reproduced", f"{measured}, fewer than {MEGABYTE:,}.")
    if size >= MEBIBYTE:
        return Judgement("contradicted", f"{measured}, not fewer than {MEBIBYTE:,}.")
    return Judgement("cannot-tell", f"{measured}: under 1 MB if that is {MEBIBYTE:,} bytes, and not if {MEGABYTE:,}.")


def longest_claim(name: str, says: str, fact: Fact, api: str, others: tuple[str, ...]) -> Claim:
    """A claim that a time of one API is longer than that of others, which are one or more."""
    return Claim(name=name, kind="order", says=says, judge=lambda evidence: judge_longest(evidence, fact, api, others))


def judge_longest(evidence: Evidence, fact: Fact, api: str, others: tuple[str, ...]) -> Judgement:
    """Judge whether the times of one API lie above those of each of the others.

    An order needs no host of the article's size, but both sides from the same host.
    """
    found = facts_of(evidence, fact, (api, *others))
    if isinstance(found, Judgement):
        return found
    outcome = all_of([_LONGER[ordering(fact, found[0], other)] for other in found[1:]])
    return Judgement(
        outcome, f"{FACT_TERMS[fact].noun.capitalize()}: {values_text(fact, found)}.{too_few_text(fact, found)}"
    )


_LONGER: dict[Ordering, ClaimOutcome] = {
    "greater": "reproduced",
    "less": "contradicted",
    "equal": "contradicted",
    "unclear": "cannot-tell",
}


def _cpus(facts: BuildingFacts) -> str:
    return f"{facts.build_cpus} {'CPU' if facts.build_cpus == 1 else 'CPUs'}"
