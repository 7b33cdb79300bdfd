"""Claims about building, judged by the facts of `lab facts`, and about effort, which can't be judged."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from analysis.claims import article
from analysis.claims.claim import Claim, Evidence, Judgement, all_of, not_comparable
from analysis.formatting import counted, listing, plain, spread_range
from documents.report import BuildingFacts, ClaimOutcome, Spread

LEAST_ODDS = 20
"""An order of times is shown if chance alone would give it at most once in this many times."""

Ordering = Literal["less", "greater", "unclear"]

Time = Literal["clean_build", "incremental_build", "first_answer"]
"""A fact with repeated measurements."""


@dataclass(frozen=True)
class TimeTerms:
    """A time in a sentence: its noun, its unit, the unit in seconds, and its value in the facts."""

    noun: str
    unit: str
    read: Callable[[BuildingFacts], Spread]
    per: float = 1

    def text(self, facts: BuildingFacts) -> str:
        """The median with its range and unit."""
        spread = self.read(facts)
        return f"{plain(spread.median / self.per)} {self.unit} ({spread_range(spread, self.per) or 'once'})"


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
    """A sentence if there are too few repetitions to show an order of the first and another; else empty."""
    first, *others = map(TIMES[time].read, found)
    odds = min(_odds(first, other) for other in others)
    if odds >= LEAST_ODDS:
        return ""
    return (
        f" Too few repetitions: chance alone gives this order once in {odds} times. Measure "
        "more with “lab facts --again”."
    )


def _odds(one: Spread, other: Spread) -> int:
    """The odds, one in how many, that all of one are below all of the other by chance."""
    return math.comb(one.count + other.count, one.count)


def facts_of(evidence: Evidence, apis: tuple[str, ...]) -> tuple[BuildingFacts, ...] | Judgement:
    """The facts of some APIs, or the judgement if one isn't measured, or several aren't all from the run's host."""
    missing = [api for api in apis if evidence.facts(api) is None]
    if missing:
        return not_comparable(f"Not measured: {listing(missing)}; “lab facts” measures what is missing.")
    found = tuple(facts for api in apis if (facts := evidence.facts(api)) is not None)
    elsewhere = [facts.api for facts in found if not facts.same_host]
    if elsewhere and len(found) > 1:
        return not_comparable(
            f"Measured on another host than the run: {listing(elsewhere)}. Only times of one host are "
            "compared; “lab facts --again” measures all of them here."
        )
    return found


def values_text(time: Time, found: tuple[BuildingFacts, ...]) -> str:
    """The values of some APIs: `rust 240 s (231 to 262), go 40.1 s (39.5 to 41.2)`."""
    return ", ".join(f"{facts.api} {TIMES[time].text(facts)}" for facts in found)


def effort_claims() -> tuple[Claim, ...]:
    """The hours of each stack, the fewest first. Lines of code and dependencies are in the facts about building."""
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
"""Up to this, a reaction seems immediate."""

NEARLY_AT_ONCE_SECONDS = 10.0
"""Up to this, a user keeps their attention on a task."""

# Both are called 1 MB: a size below the first is under 1 MB, and one from the second on isn't.
MEGABYTE = 10**6
MEBIBYTE = 2**20

LEAST_REPETITIONS = 2


@dataclass(frozen=True)
class TimeLimit:
    """A limit for a time of one API, which must be within it, or `beyond` it."""

    api: str
    time: Time
    seconds: float
    beyond: bool


def limit_claim(name: str, says: str, limit: TimeLimit) -> Claim:
    """A claim that a time is within a limit or beyond it."""
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
        return Judgement("cannot-tell", f"{measured}: how much a repetition would differ isn't known.")
    if spread.least <= limit.seconds < spread.most:
        return Judgement("cannot-tell", f"{measured}, on both sides of {bound}.")
    beyond = spread.least > limit.seconds
    if beyond and facts.build_cpus < article.CORES:
        return not_comparable(
            f"{measured}, beyond {bound}, but in a lab of {counted(facts.build_cpus, 'CPU')} instead of the article's "
            f"{article.CORES}, where it would take less time."
        )
    outcome: ClaimOutcome = "reproduced" if beyond == limit.beyond else "contradicted"
    return Judgement(outcome, f"{measured}, {'beyond' if beyond else 'within'} {bound}.")


def size_claim(name: str, says: str, api: str) -> Claim:
    """A claim that the binary of an API is under 1 MB, which is the same on every host."""
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
    """A claim that a time of one API is longer than that of one or more others."""
    return Claim(name=name, kind="order", says=says, judge=lambda evidence: judge_longest(evidence, time, api, others))


def judge_longest(evidence: Evidence, time: Time, api: str, others: tuple[str, ...]) -> Judgement:
    """Judge whether the times of one API are above those of each of the others.

    All must be from the run's host, which may have any size.
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
