"""What a claim is, the evidence that it is judged by, an interval against a published value, and what may be compared.

An absolute number holds for a machine and a load: it needs a host that isn't smaller than the article's, cores that no
other tenant has, CPUs for each role, and the article's connections for as many seconds. An order or a ratio has both
its sides from the same host and window, so those cancel, if not wholly; it needs only the load, which is its
connections. Both need the lab's stand-in for the article's mix of requests, because a single route isn't that mix.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from analysis.claims import article
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
from documents.run import Scenario, Workload


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

    One part that is contradicted contradicts the whole. Else one that can't be compared or decided leaves it open.
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
    """Judge an interval of a positive quantity, against the published value; None is no interval."""
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


WORKLOAD: Workload = "mixed"
"""The article names no mix of requests; this is the lab's for an API as a whole."""


def size_text(size: HostSize) -> str:
    """What the lab has of its host: `2 cores and 4 GiB`."""
    cores = len(size.cpus)
    return f"{cores} {'core' if cores == 1 else 'cores'} and {size.memory_bytes / 2**30:.3g} GiB"


def unlike_host(size: HostSize, cores: CoreLayout) -> list[str]:
    """Why the host's absolute numbers can't stand beside the article's, each a clause; none where they can."""
    reasons: list[str] = []
    if size.smaller:
        reasons.append(
            f"this host is smaller ({size_text(size)} instead of {article.CORES} cores and {article.MEMORY_GB} GB)"
        )
    if size.shared_cores:
        reasons.append("the host's cores are shared with other tenants")
    if cores.shared and cores.generator:
        reasons.append("the load generator shares CPUs with what it measures")
    elif cores.shared:
        reasons.append("roles share CPUs")
    return reasons


def unlike_for_numbers(scenario: Scenario) -> list[str]:
    """Why absolute numbers under a load can't stand beside those of the article's load of that name, each a clause.

    None where they can, and where the article has no load of that name.
    """
    published = article.LOADS.get(scenario.name)
    if published is None:
        return []
    reasons = _unlike_requests(scenario)
    if (scenario.connections, scenario.duration_seconds) != published:
        reasons.append(
            f"{scenario.name} here is {scenario.connections} connections for {scenario.duration_seconds} s "
            f"instead of {published.connections} for {published.duration_seconds} s"
        )
    return reasons


def unlike_for_orders(scenario: Scenario) -> list[str]:
    """The same for orders and ratios, which hold for windows of any length."""
    published = article.LOADS.get(scenario.name)
    if published is None:
        return []
    reasons = _unlike_requests(scenario)
    if scenario.connections != published.connections:
        reasons.append(f"{scenario.name} here is {scenario.connections} connections instead of {published.connections}")
    return reasons


def why_no_number(evidence: Evidence, load: str) -> str | None:
    """Why no absolute number under a load can be compared, as a clause or several; None where it can."""
    scenario = evidence.scenario(load)
    if scenario is None:
        return _no_load(load)
    return "; ".join([*unlike_host(evidence.size, evidence.cores), *unlike_for_numbers(scenario)]) or None


def why_no_order(evidence: Evidence, load: str) -> str | None:
    """Why neither order nor ratio under a load can be compared, as a clause or several; None where they can."""
    scenario = evidence.scenario(load)
    return _no_load(load) if scenario is None else "; ".join(unlike_for_orders(scenario)) or None


def _no_load(load: str) -> str:
    return f"this run has no load named {load}"


def _unlike_requests(scenario: Scenario) -> list[str]:
    if scenario.workload == WORKLOAD:
        return []
    return [f"{scenario.name} here asks for {scenario.workload} and not for the {WORKLOAD} requests of an API"]
