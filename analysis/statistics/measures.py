"""The measures: the numbers of a cell that are compared, the better direction, and their words in verdicts."""

from collections.abc import Callable
from dataclasses import dataclass

from documents.errors import AnalysisError
from documents.report import BlocksNeeded, CellNumbers, Measure
from documents.run import MOST_BLOCKS

BYTES_PER_MB = 1e6


@dataclass(frozen=True)
class MeasureTerms:
    """The value of a measure in a cell, and its words.

    Attributes:
        title: the measure's name on pages.
        heading: its name above a column.
        name: the name of the number that must be above 0.
        unit: its unit on pages; the number is divided by `per` to get it.
        better: follows the better API's name in a short verdict.
        comparative: is between both names in a long one.
        denominator: the divisor of `read`, which must not be 0.
        is_latency: whether it is a latency, which wrk counts in whole microseconds.
        waits_for_postgres: whether PostgreSQL as the limit makes two APIs alike in it, as it doesn't in CPU and memory.
    """

    title: str
    heading: str
    name: str
    unit: str
    higher_is_better: bool
    better: str
    comparative: str
    read: Callable[[CellNumbers], float]
    per: float = 1
    denominator: Callable[[CellNumbers], float] = lambda _: 1.0
    waits_for_postgres: bool = False
    is_latency: bool = False


HEADLINE: Measure = "throughput"
"""The measure of ranks and of a page's first verdicts; the others are secondary."""

MEASURES: dict[Measure, MeasureTerms] = {
    "throughput": MeasureTerms(
        title="Throughput",
        heading="Throughput",
        name="throughput",
        unit="requests/s",
        higher_is_better=True,
        better="faster",
        comparative="is faster than",
        read=lambda cell: cell.throughput,
        waits_for_postgres=True,
    ),
    "p50": MeasureTerms(
        title="p50 latency (raw)",
        heading="p50",
        name="raw p50 latency",
        unit="ms",
        per=1e3,
        higher_is_better=False,
        better="has the lower p50",
        comparative="has a lower p50 than",
        read=lambda cell: cell.raw.p50_us,
        waits_for_postgres=True,
        is_latency=True,
    ),
    "p99": MeasureTerms(
        title="p99 latency (raw)",
        heading="p99",
        name="raw p99 latency",
        unit="ms",
        per=1e3,
        higher_is_better=False,
        better="has the lower p99",
        comparative="has a lower p99 than",
        read=lambda cell: cell.raw.p99_us,
        waits_for_postgres=True,
        is_latency=True,
    ),
    "p99_corrected": MeasureTerms(
        title="p99 latency (corrected)",
        heading="p99 corrected",
        name="corrected p99 latency",
        unit="ms",
        per=1e3,
        higher_is_better=False,
        better="has the lower corrected p99",
        comparative="has a lower corrected p99 than",
        read=lambda cell: cell.corrected.p99_us,
        waits_for_postgres=True,
        is_latency=True,
    ),
    "cpu_cores": MeasureTerms(
        title="CPU of the API",
        heading="CPU",
        name="CPU of the API",
        unit="cores",
        higher_is_better=False,
        better="uses less CPU",
        comparative="uses less CPU than",
        read=lambda cell: cell.usage["api"].cpu_cores,
    ),
    "memory_mean": MeasureTerms(
        title="Memory of the API",
        heading="Memory",
        name="memory of the API",
        unit="MB",
        per=BYTES_PER_MB,
        higher_is_better=False,
        better="uses less memory",
        comparative="uses less memory than",
        read=lambda cell: cell.usage["api"].memory_mean_bytes,
    ),
    # In a closed loop the faster API gets more requests and uses more CPU, so only CPU per request shows the cost.
    "requests_per_cpu_second": MeasureTerms(
        title="Requests a CPU second",
        heading="Requests a CPU second",
        name="CPU of the API",
        unit="requests",
        higher_is_better=True,
        better="answers more requests a CPU second",
        comparative="answers more requests a CPU second than",
        read=lambda cell: cell.throughput / cell.usage["api"].cpu_cores,
        denominator=lambda cell: cell.usage["api"].cpu_cores,
    ),
    "requests_per_second_per_mb": MeasureTerms(
        title="Requests/s per MB",
        heading="Requests/s per MB",
        name="memory of the API",
        unit="requests/s",
        higher_is_better=True,
        better="answers more requests/s per MB",
        comparative="answers more requests/s per MB than",
        read=lambda cell: cell.throughput / (cell.usage["api"].memory_mean_bytes / BYTES_PER_MB),
        denominator=lambda cell: cell.usage["api"].memory_mean_bytes,
        waits_for_postgres=True,
    ),
}


def has_ratio(cell: CellNumbers, measure: Measure) -> bool:
    """Whether a cell's value and its divisor are above 0, so that it has a ratio and a logarithm."""
    terms = MEASURES[measure]
    return terms.denominator(cell) > 0 and terms.read(cell) > 0


def value_of(cell: CellNumbers, measure: Measure) -> float:
    """A cell's value: requests/s, microseconds, cores, bytes, requests a CPU second, or requests/s per MB.

    Raises:
        AnalysisError: it has no ratio.
    """
    if not has_ratio(cell, measure):
        raise AnalysisError(
            f"The {MEASURES[measure].name} of the cell {cell.cell_id} isn't above 0, so it can't be compared. "
            "Measure the cell again."
        )
    return MEASURES[measure].read(cell)


def blocks_text(needed: BlocksNeeded) -> str:
    """How many blocks would give a verdict, with their range: “24 (15 to 52)”, “more than 1,000”."""
    beyond = f"more than {MOST_BLOCKS:,}"
    if needed.blocks is None:
        return beyond
    high = beyond if needed.high is None else f"{needed.high:,}"
    return f"{needed.blocks:,}" if needed.low == needed.high else f"{needed.blocks:,} ({needed.low:,} to {high})"
