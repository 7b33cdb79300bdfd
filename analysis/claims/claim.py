"""A claim, its evidence, the judgement of an interval, and the conditions of a comparison with the article.

An absolute number depends on the machine and the load: it needs a host that isn't smaller than the article's, cores
without other tenants, CPUs for each role, and the article's connections and seconds. In an order or a ratio, both sides
have the same host and window, whose effects mostly cancel, so it needs only the article's connections. Both need the
workload `mixed`, the lab's substitute for the article's mix of requests.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from analysis.claims import article
from analysis.formatting import counted
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
    """The parts of a report that claims need; see `Report` for each.

    Comparisons by other measures than throughput, mean memory and corrected p99 are ignored; without one of these, its
    claims aren't comparable.
    """

    size: HostSize
    cores: CoreLayout
    generator_shares: bool
    scenarios: Sequence[Scenario]
    numbers: Sequence[PublishedNumber]
    comparisons: Sequence[Comparison]
    building: Sequence[BuildingFacts]

    def scenario(self, load: str) -> Scenario | None:
        """The run's scenario of that name."""
        return next((scenario for scenario in self.scenarios if scenario.name == load), None)

    def estimate(self, api: str, load: str, measure: str) -> Estimate | None:
        """The run's number, in requests/s, bytes or µs; None without a valid cell."""
        found = (row.measured for row in self.numbers if (row.api, row.scenario, row.measure) == (api, load, measure))
        return next(found, None)

    def comparison(self, measure: Measure) -> Comparison | None:
        """The comparison by that measure; None if a valid cell has no ratio by it."""
        return next((comparison for comparison in self.comparisons if comparison.measure == measure), None)

    def facts(self, api: str) -> BuildingFacts | None:
        """The facts of an API; None if `lab facts` hasn't measured it."""
        return next((facts for facts in self.building if facts.api == api), None)


class Judgement(NamedTuple):
    """An outcome, and a sentence or two with its reason and the numbers."""

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
    """The judgement that a claim isn't comparable."""
    return Judgement("not-comparable", why)


def all_of(parts: Collection[ClaimOutcome]) -> ClaimOutcome:
    """The outcome of a claim that is reproduced if all of its parts are.

    A contradicted part contradicts the claim. Otherwise a part that isn't comparable or decided leaves it open.
    """
    for outcome in ("contradicted", "not-comparable", "cannot-tell"):
        if outcome in parts:
            return outcome
    return "reproduced"


TOLERANCE = 0.05


def band(published: float) -> Interval:
    """The tolerance around a published value: divided and multiplied by 1.05."""
    return Interval(low=published / (1 + TOLERANCE), high=published * (1 + TOLERANCE))


def agreement(published: float, measured: Interval) -> ClaimOutcome:
    """Judge an interval of a positive quantity by the published value."""
    allowed = band(published)
    if allowed.low <= measured.low and measured.high <= allowed.high:
        return "reproduced"
    if measured.high < allowed.low or allowed.high < measured.low:
        return "contradicted"
    return "cannot-tell"


def place_text(outcome: ClaimOutcome, published: str) -> str:
    """The position of the interval, as the end of a sentence; `published` is the value in words."""
    around = f"within {TOLERANCE:.0%} of the article's {published}"
    return {
        "reproduced": f"all of it {around}",
        "contradicted": f"none of it {around}",
        "cannot-tell": f"only a part of it {around}",
        "not-comparable": "",
    }[outcome]


WORKLOAD: Workload = "mixed"
"""The lab's mix of requests for a whole API, because the article doesn't name its mix."""


def size_text(size: HostSize) -> str:
    """The size of a host: `2 cores and 4 GiB`."""
    return f"{counted(len(size.cpus), 'core')} and {size.memory_bytes / 2**30:.3g} GiB"


def unlike_host(size: HostSize, cores: CoreLayout, *, generator_shares: bool) -> list[str]:
    """Why the host's absolute numbers aren't comparable with the article's, in clauses; empty if they are."""
    reasons: list[str] = []
    if size.smaller:
        reasons.append(
            f"this host is smaller ({size_text(size)} instead of {article.CORES} cores and {article.MEMORY_GB} GB)"
        )
    if size.shared_cores:
        reasons.append("the host's cores are shared with other tenants")
    if generator_shares:
        reasons.append("the load generator shares CPUs with what it measures")
    elif cores.shared:
        reasons.append("roles share CPUs")
    return reasons


def unlike_for_numbers(scenario: Scenario) -> list[str]:
    """Why absolute numbers under a load aren't comparable with the article's load of that name, in clauses.

    Empty if they are, or if the article has no load of that name.
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
    """The same for orders and ratios, for which the window may have any length."""
    published = article.LOADS.get(scenario.name)
    if published is None:
        return []
    reasons = _unlike_requests(scenario)
    if scenario.connections != published.connections:
        reasons.append(f"{scenario.name} here is {scenario.connections} connections instead of {published.connections}")
    return reasons


def why_no_number(evidence: Evidence, load: str) -> str | None:
    """Why no absolute number under a load is comparable, in clauses; None if it is."""
    scenario = evidence.scenario(load)
    if scenario is None:
        return _no_load(load)
    host = unlike_host(evidence.size, evidence.cores, generator_shares=evidence.generator_shares)
    return "; ".join([*host, *unlike_for_numbers(scenario)]) or None


def why_no_order(evidence: Evidence, load: str) -> str | None:
    """Why neither order nor ratio under a load is comparable, in clauses; None if they are."""
    scenario = evidence.scenario(load)
    return _no_load(load) if scenario is None else "; ".join(unlike_for_orders(scenario)) or None


def _no_load(load: str) -> str:
    return f"this run has no load named {load}"


def _unlike_requests(scenario: Scenario) -> list[str]:
    if scenario.workload == WORKLOAD:
        return []
    return [f"{scenario.name} here asks for {scenario.workload} and not for the {WORKLOAD} requests of an API"]
