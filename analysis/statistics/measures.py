"""What is compared: the numbers of a cell by name, which direction is better, and how a verdict says it."""

from collections.abc import Callable
from dataclasses import dataclass

from documents.comparison import Measure
from documents.errors import AnalysisError
from documents.report import CellNumbers

BYTES_PER_MB = 1e6


@dataclass(frozen=True)
class MeasureTerms:
    """How a measure is read from a cell and spoken of.

    `denominator` is what `read` divides by, so that it isn't read where that is 0. `better` is put after the better
    API's name in a verdict.
    """

    name: str
    higher_is_better: bool
    better: str
    read: Callable[[CellNumbers], float]
    denominator: Callable[[CellNumbers], float] = lambda _: 1.0


MEASURES: dict[Measure, MeasureTerms] = {
    "throughput": MeasureTerms(
        name="throughput",
        higher_is_better=True,
        better="faster",
        read=lambda cell: cell.throughput,
    ),
    "p99_corrected": MeasureTerms(
        name="corrected p99 latency",
        higher_is_better=False,
        better="has the lower corrected p99",
        read=lambda cell: cell.corrected.p99_us,
    ),
    "cpu_cores": MeasureTerms(
        name="CPU of the API",
        higher_is_better=False,
        better="uses less CPU",
        read=lambda cell: cell.usage["api"].cpu_cores,
    ),
    "memory_mean": MeasureTerms(
        name="memory of the API",
        higher_is_better=False,
        better="uses less memory",
        read=lambda cell: cell.usage["api"].memory_mean_bytes,
    ),
    # In a closed loop the faster API gets more requests and uses more CPU: only CPU a request compares the cost.
    "requests_per_cpu_second": MeasureTerms(
        name="CPU of the API",
        higher_is_better=True,
        better="answers more requests a CPU second",
        read=lambda cell: cell.throughput / cell.usage["api"].cpu_cores,
        denominator=lambda cell: cell.usage["api"].cpu_cores,
    ),
    "requests_per_second_per_mb": MeasureTerms(
        name="memory of the API",
        higher_is_better=True,
        better="answers more requests/s per MB",
        read=lambda cell: cell.throughput / (cell.usage["api"].memory_mean_bytes / BYTES_PER_MB),
        denominator=lambda cell: cell.usage["api"].memory_mean_bytes,
    ),
}


def value_of(cell: CellNumbers, measure: Measure) -> float:
    """A cell's value: requests/s, µs, cores, bytes, requests a CPU second, or requests/s per MB.

    Raises:
        AnalysisError: it isn't above 0, or is over something that isn't: it has no ratio and no logarithm.
    """
    terms = MEASURES[measure]
    for value in (terms.denominator(cell), terms.read(cell) if terms.denominator(cell) > 0 else 0.0):
        if value <= 0:
            raise AnalysisError(
                f"The {terms.name} of the cell {cell.cell_id} isn't above 0, so it can't be compared. "
                "Measure the cell again."
            )
    return terms.read(cell)
