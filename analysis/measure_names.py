"""How pages and messages call a measure, and in which unit they show it."""

from analysis.statistics.measures import MEASURES
from documents.comparison import Measure

MEASURE_TITLES: dict[Measure, str] = {measure: terms.title for measure, terms in MEASURES.items()}

MEASURE_UNITS: dict[Measure, tuple[str, float]] = {
    "throughput": ("requests/s", 1),
    "p50": ("ms", 1e3),
    "p99": ("ms", 1e3),
    "p99_corrected": ("ms", 1e3),
    "cpu_cores": ("cores", 1),
    "memory_mean": ("MB", 1e6),
    "requests_per_cpu_second": ("requests", 1),
    "requests_per_second_per_mb": ("requests/s", 1),
}
"""The unit, and what a cell's number is divided by to be in it."""


def blocks_text(blocks: int | None, most: int) -> str:
    """A number of blocks that would tell, as a page says it; `most` is how many a protocol may have."""
    return f"more than {most:,}" if blocks is None else f"{blocks:,}"
