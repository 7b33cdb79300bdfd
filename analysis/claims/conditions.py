"""What may be compared with the article at all.

An absolute number holds for a machine and a load: it needs a host that isn't smaller than the article's, cores that no
other tenant has, CPUs for each role, and the article's connections for as many seconds. An order or a ratio has both
its sides from the same host and window, so those cancel, if not wholly; it needs only the load, which is its
connections. Both need the lab's stand-in for the article's mix of requests, for a single route is none.
"""

from analysis.claims import article
from analysis.claims.claim import Evidence
from documents.lab import CoreLayout, HostSize
from documents.run import Scenario, Workload

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
