"""What claims are judged by: a report's numbers, looked up by API, load and measure."""

from collections.abc import Sequence
from dataclasses import dataclass

from documents.comparison import Comparison, Measure
from documents.cores import CoreLayout
from documents.host import HostSize
from documents.protocol import Scenario
from documents.report import BuildingFacts, PublishedNumber
from documents.summaries import Estimate


@dataclass(frozen=True)
class Evidence:
    """The parts of a report that bear on a claim; see `documents.report.Report` for each."""

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
