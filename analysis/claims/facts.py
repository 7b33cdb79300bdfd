"""Claims about building, judged by the facts that `lab facts` measured, and about effort, which nothing judges."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from analysis.claims import article
from analysis.claims.claim import Claim, Evidence, Judgement, all_of, not_comparable
from analysis.numbers import listing, plain
from documents.report import BuildingFacts, ClaimOutcome, Spread

LEAST_ODDS = 20
"""An order of times is shown where chance alone, if nothing differed, would bring it once in so many times at most."""

Ordering = Literal["less", "greater", "unclear"]

Time = Literal["clean_build", "incremental_build", "first_answer"]
"""A fact that varies from one measurement to the next."""


@dataclass(frozen=True)
class TimeTerms:
    """A time in a sentence: its noun, its unit with the seconds that one has, and how it is read."""

    noun: str
    unit: str
    read: Callable[[BuildingFacts], Spread]
    per: float = 1

    def text(self, facts: BuildingFacts) -> str:
        """The median with its range and unit."""
        spread = self.read(facts)
        median = f"{plain(spread.median / self.per)} {self.unit}"
        if spread.count == 1:
            return f"{median} (once)"
        return f"{median} ({plain(spread.least / self.per)} to {plain(spread.most / self.per)})"


TIMES: dict[Time, TimeTerms] = {
    "clean_build": TimeTerms("clean build time", "s", lambda facts: facts.clean_build_seconds),
    "incremental_build": TimeTerms("incremental build time", "s", lambda facts: facts.incremental_build_seconds),
    "first_answer": TimeTerms(
        "time from start to first right answer", "ms", lambda facts: facts.first_answer_seconds, per=1e-3
    ),
}


def ordering(time: Time, first: BuildingFacts, second: BuildingFacts) -> Ordering:
    """Whether one API's time is shown to be less or greater than another's."""
    one, other = TIMES[time].read(first), TIMES[time].read(second)
    if _odds(one, other) < LEAST_ODDS:
        return "unclear"
    if one.most < other.least:
        return "less"
    return "greater" if other.most < one.least else "unclear"


def too_few_text(time: Time, found: tuple[BuildingFacts, ...]) -> str:
    """A sentence where times were repeated too seldom to show an order; else empty."""
    read = TIMES[time].read
    odds = min(_odds(read(one), read(other)) for one, other in combinations(found, 2))
    if odds >= LEAST_ODDS:
        return ""
    return (
        f" Repeated too seldom: with so few times, chance alone puts two in an order once in {odds} times. Measure "
        "more with “lab facts --again”."
    )


def _odds(one: Spread, other: Spread) -> int:
    """In how many times it happens once that all of one lie below all of the other though nothing differs."""
    return math.comb(one.count + other.count, one.count)


def facts_of(evidence: Evidence, apis: tuple[str, ...]) -> tuple[BuildingFacts, ...] | Judgement:
    """The facts of some APIs, or the judgement where one isn't measured, or several come from different hosts."""
    missing = [api for api in apis if evidence.facts(api) is None]
    if missing:
        return not_comparable(f"Not measured: {listing(missing)}; “lab facts” measures what is missing.")
    found = tuple(facts for api in apis if (facts := evidence.facts(api)) is not None)
    elsewhere = [facts.api for facts in found if not facts.same_host]
    if elsewhere and len(found) > 1:
        return not_comparable(
            f"Measured on another host than the run: {listing(elsewhere)}. Times of two hosts aren't put in an order; "
            "“lab facts --again” measures all of them here."
        )
    return found


def values_text(time: Time, found: tuple[BuildingFacts, ...]) -> str:
    """The values of some APIs: `rust 240 s (231 to 262), go 40.1 s (39.5 to 41.2)`."""
    return ", ".join(f"{facts.api} {TIMES[time].text(facts)}" for facts in found)


def effort_claims() -> tuple[Claim, ...]:
    """The hours of each stack, the least first. Lines of code and dependencies stand in the facts about building."""
    hours = sorted(article.EFFORT_HOURS.items(), key=lambda item: item[1])
    return tuple(
        Claim(
            name=f"hours-{api}",
            kind="number",
            says=f"{api.capitalize()}: {value:g} h.",
            judge=lambda _: not_comparable("Hours of work can't be measured here: nobody was timed."),
        )
        for api, value in hours
    )


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
    time: Time
    seconds: float
    beyond: bool


def limit_claim(name: str, says: str, limit: TimeLimit) -> Claim:
    """A claim that a time keeps within a limit or is beyond it."""
    return Claim(name=name, kind="limit", says=says, judge=lambda evidence: judge_limit(evidence, limit))


def judge_limit(evidence: Evidence, limit: TimeLimit) -> Judgement:
    """Judge whether all repetitions are on the claimed side of the limit."""
    found = facts_of(evidence, (limit.api,))
    if isinstance(found, Judgement):
        return found
    (facts,) = found
    terms = TIMES[limit.time]
    spread = terms.read(facts)
    bound = f"{plain(limit.seconds / terms.per)} {terms.unit}"
    measured = f"{terms.noun.capitalize()}: {values_text(limit.time, found)}"
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
    found = facts_of(evidence, (api,))
    if isinstance(found, Judgement):
        return found
    size = found[0].binary_bytes
    measured = f"The binary of {api} has {size:,} bytes"
    if size < MEGABYTE:
        return Judgement("reproduced", f"{measured}, fewer than {MEGABYTE:,}.")
    if size >= MEBIBYTE:
        return Judgement("contradicted", f"{measured}, not fewer than {MEBIBYTE:,}.")
    return Judgement("cannot-tell", f"{measured}: under 1 MB if that is {MEBIBYTE:,} bytes, and not if {MEGABYTE:,}.")


def longest_claim(name: str, says: str, time: Time, api: str, others: tuple[str, ...]) -> Claim:
    """A claim that a time of one API is longer than that of others, which are one or more."""
    return Claim(name=name, kind="order", says=says, judge=lambda evidence: judge_longest(evidence, time, api, others))


def judge_longest(evidence: Evidence, time: Time, api: str, others: tuple[str, ...]) -> Judgement:
    """Judge whether the times of one API lie above those of each of the others.

    An order needs no host of the article's size, but both sides from the same host.
    """
    found = facts_of(evidence, (api, *others))
    if isinstance(found, Judgement):
        return found
    outcome = all_of([_LONGER[ordering(time, found[0], other)] for other in found[1:]])
    return Judgement(
        outcome, f"{TIMES[time].noun.capitalize()}: {values_text(time, found)}.{too_few_text(time, found)}"
    )


_LONGER: dict[Ordering, ClaimOutcome] = {
    "greater": "reproduced",
    "less": "contradicted",
    "unclear": "cannot-tell",
}


def _cpus(facts: BuildingFacts) -> str:
    return f"{facts.build_cpus} {'CPU' if facts.build_cpus == 1 else 'CPUs'}"
