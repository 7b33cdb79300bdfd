"""What a claim is, the evidence that it is judged by, and an interval against a published value."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from documents.lab import CoreLayout, HostSize
from documents.report import (
    BuildingFacts,
    ClaimKind,
    ClaimOutcome,
    Comparison,
    Estimate,
    Interval,
    Measure,
    PublishedNumber,
)
from documents.run import Scenario


@dataclass(frozen=True)
class Evidence:
    """The parts of a report that bear on a claim; see `documents.report.report.Report` for each."""

    size: HostSize
    cores: CoreLayout
    scenarios: Sequence[Scenario]
    numbers: Sequence[PublishedNumber]
    comparisons: Sequence[Comparison]
    building: Sequence[BuildingFacts]

    def scenario(self, load: str) -> Scenario | None:
        """The run's scenario of that name."""
        return next((scenario for scenario in self.scenarios if scenario.name == load), None)

    def estimate(self, api: str, load: str, measure: str) -> Estimate | None:
        """What the run measured, in requests/s, bytes or µs, by a `PublishedNumber`; None where no cell is valid."""
        found = (row.measured for row in self.numbers if (row.api, row.scenario, row.measure) == (api, load, measure))
        return next(found, None)

    def comparison(self, measure: Measure) -> Comparison | None:
        """The comparison by that measure; None where a valid cell has no ratio by it."""
        return next((comparison for comparison in self.comparisons if comparison.measure == measure), None)

    def facts(self, api: str) -> BuildingFacts | None:
        """What `lab facts` measured of an API; None where it didn't."""
        return next((facts for facts in self.building if facts.api == api), None)


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


TOLERANCE = 0.05


def band(published: float) -> Interval:
    """What counts as the published value: it, divided and multiplied by 1.05."""
    return Interval(low=published / (1 + TOLERANCE), high=published * (1 + TOLERANCE))


def agreement(published: float, measured: Interval | None) -> ClaimOutcome:
    """Judge an interval of a positive quantity, None where there is none, against the published value."""
    if measured is None:
        return "cannot-tell"
    allowed = band(published)
    if allowed.low <= measured.low and measured.high <= allowed.high:
        return "reproduced"
    if measured.high < allowed.low or allowed.high < measured.low:
        return "contradicted"
    return "cannot-tell"


def place_text(outcome: ClaimOutcome, published: str) -> str:
    """Where the interval lies, as the end of a sentence; `published` is the value in words."""
    around = f"within {TOLERANCE:.0%} of the article's {published}"
    return {
        "reproduced": f"all of it {around}",
        "contradicted": f"none of it {around}",
        "cannot-tell": f"only a part of it {around}",
        "not-comparable": "",
    }[outcome]
