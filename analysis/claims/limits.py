"""Claims in words on sizes and times, each with the limit that the words are taken to mean.

How long is "at once"? The limits are those of response times in use since Miller 1968 ("Response time in man-computer
conversational transactions", AFIPS Fall Joint Computer Conference) and in Nielsen's words (1993, "Usability
Engineering", chapter 5): up to 0.1 s a system seems to react at once, a longer delay is noticed, and some 10 s are the
most through which attention is held. Where words allow more than one limit, the one that favours the article is
taken, so that *contradicted* is firm.

All repetitions must be on one side. If the limit were the median of such times, n of them would be on a given side by
chance once in 2^n times (the sign test): 3 builds once in 8, 5 starts once in 32. A single one shows nothing.

A time on fewer CPUs than the article's machine had is longer than it would be there. So there, that a time keeps within
a limit holds all the more on the larger machine, and that it is beyond one says nothing.
"""

from dataclasses import dataclass

from analysis import article
from analysis.claims.claim import Claim, Judgement, all_of, not_comparable
from analysis.claims.evidence import Evidence
from analysis.claims.facts import FACT_TERMS, Ordering, facts_of, ordering, too_few_text, values_text
from analysis.pages.numbers import plain
from documents.claims import ClaimOutcome
from documents.facts import Fact
from documents.report import BuildingFacts

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
