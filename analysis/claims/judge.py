"""The way in: all lines of the article, judged by a report's numbers."""

from collections.abc import Sequence

from analysis import article
from analysis.claims.claim import Claim
from analysis.claims.evidence import Evidence
from analysis.claims.lines import claims_of
from documents.claims import JudgedClaim, JudgedLine
from documents.comparison import Comparison
from documents.cores import CoreLayout
from documents.host import HostSize
from documents.protocol import Scenario
from documents.report import BuildingFacts, PublishedNumber


def judge_claims(
    *,
    size: HostSize,
    cores: CoreLayout,
    scenarios: Sequence[Scenario],
    numbers: Sequence[PublishedNumber],
    comparisons: Sequence[Comparison],
    building: Sequence[BuildingFacts],
) -> tuple[JudgedLine, ...]:
    """Judge every claim of every line, in the article's order.

    Args:
        size: what the lab has of its host.
        cores: the host's core layout.
        scenarios: the run's loads.
        numbers: the article's numbers beside the run's, `Report.article`.
        comparisons: all pairs of APIs by throughput, mean memory and p99; other measures are passed over, and what is
            missing is "not comparable".
        building: the facts about building that are known of the run's APIs.
    """
    evidence = Evidence(size, cores, scenarios, numbers, comparisons, building)
    return tuple(
        JudgedLine(line=line, claims=tuple(_judged(claim, evidence) for claim in claims_of(line)))
        for line in article.LINES
    )


def _judged(claim: Claim, evidence: Evidence) -> JudgedClaim:
    outcome, why = claim.judge(evidence)
    return JudgedClaim(name=claim.name, kind=claim.kind, says=claim.says, outcome=outcome, why=why)
