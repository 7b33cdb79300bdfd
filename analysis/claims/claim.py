"""What a claim is: words, and a function that judges it by the evidence."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NamedTuple

from analysis.claims.evidence import Evidence
from documents.claims import ClaimKind, ClaimOutcome


class Judgement(NamedTuple):
    """An outcome, and a sentence or two that say why, with the numbers."""

    outcome: ClaimOutcome
    why: str


@dataclass(frozen=True)
class Claim:
    """One claim of a line. `name` is unique in its line; `judge` is a pure function."""

    name: str
    kind: ClaimKind
    says: str
    judge: Callable[[Evidence], Judgement]


def not_comparable(why: str) -> Judgement:
    """The judgement of what can't be put beside the claim."""
    return Judgement("not-comparable", why)


def all_of(parts: Collection[ClaimOutcome]) -> ClaimOutcome:
    """The outcome of a claim that holds if all of its parts do.

    One part that is contradicted contradicts the whole. Else one that can't be compared, or told, leaves it open.
    """
    for outcome in ("contradicted", "not-comparable", "cannot-tell"):
        if outcome in parts:
            return outcome
    return "reproduced"


def sentence(text: str) -> str:
    """The text with a capital at its beginning."""
    return text[:1].upper() + text[1:]
