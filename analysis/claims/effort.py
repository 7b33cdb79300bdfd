"""Hours of work: not to be measured here, and what of their order stand-ins can show.

A stand-in is something measured that may rise with the effort. Whether it does isn't known; all that is judged is
whether it puts the stacks into the order of the article's hours. Each has a direction with its reason. One without a
direction can't be judged.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from analysis import article
from analysis.claims.claim import Claim, Judgement, all_of, not_comparable
from analysis.claims.evidence import Evidence
from analysis.claims.facts import FACT_TERMS, Ordering, facts_of, ordering, too_few_text, values_text
from documents.claims import ClaimOutcome
from documents.facts import Fact

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
