"""What may be compared with the article at all.

An absolute number holds for a machine and a load: it needs a host that isn't smaller than the article's, CPUs for each
role, and the article's connections for as many seconds. An order or a ratio has both its sides from the same host and
window, so those cancel, if not wholly; it needs only the load, which is its connections. Both need the lab's stand-in
for the article's mix of requests, for a single route is none.
"""

from analysis import article
from analysis.claims.evidence import Evidence
from documents.cores import CoreLayout
from documents.host import HostSize
from documents.protocol import Scenario, Workload

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
    if cores.shared:
        reasons.append("the load generator shares CPUs with what it measures")
    return reasons


def unlike_window(scenario: Scenario) -> str | None:
    """Why a load that bears a name of the article isn't the article's, as a clause; None where it is."""
    published = article.LOADS.get(scenario.name)
    if published is None or (scenario.connections, scenario.duration_seconds) == published:
        return None
    return (
        f"{scenario.name} here is {scenario.connections} connections for {scenario.duration_seconds} s "
        f"instead of {published.connections} for {published.duration_seconds} s"
    )


def why_no_number(evidence: Evidence, load: str) -> str | None:
    """Why no absolute number under a load can be compared, as a clause or several; None where it can."""
    scenario = evidence.scenario(load)
    if scenario is None:
        return f"this run has no load named {load}"
    window = unlike_window(scenario)
    reasons = [*unlike_host(evidence.size, evidence.cores), *([window] if window else []), *_unlike_requests(scenario)]
    return "; ".join(reasons) or None


def why_no_order(evidence: Evidence, load: str) -> str | None:
    """Why neither order nor ratio under a load can be compared, as a clause or several; None where they can."""
    scenario, published = evidence.scenario(load), article.LOADS[load]
    if scenario is None:
        return f"this run has no load named {load}"
    reasons = _unlike_requests(scenario)
    if scenario.connections != published.connections:
        reasons.append(f"{load} here is {scenario.connections} connections instead of {published.connections}")
    return "; ".join(reasons) or None


def _unlike_requests(scenario: Scenario) -> list[str]:
    if scenario.workload == WORKLOAD:
        return []
    return [f"{scenario.name} here asks for {scenario.workload} and not for the {WORKLOAD} requests of an API"]
