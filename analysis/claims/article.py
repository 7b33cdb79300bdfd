"""The published comparison that the lab tests, as data."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from analysis.formatting import plain
from analysis.statistics import BYTES_PER_MB, MEASURES, MeasureTerms
from documents.report import Measure, PublishedLine


class PublishedLoad(NamedTuple):
    """wrk's connections and seconds in the article."""

    connections: int
    duration_seconds: int


class PublishedStack(NamedTuple):
    """One stack in the article: requests a second by load, average memory in MB, p99 at heavy load in ms."""

    throughput: dict[str, float]
    memory_mb: float
    p99_heavy_ms: float


CORES = 8
MEMORY_GB = 16

LOADS: dict[str, PublishedLoad] = {
    "light": PublishedLoad(connections=10, duration_seconds=30),
    "medium": PublishedLoad(connections=100, duration_seconds=60),
    "heavy": PublishedLoad(connections=500, duration_seconds=120),
}

STACKS: dict[str, PublishedStack] = {
    "rust": PublishedStack({"light": 55_000, "medium": 48_000, "heavy": 40_000}, memory_mb=30, p99_heavy_ms=9.0),
    "zig": PublishedStack({"light": 50_000, "medium": 42_000, "heavy": 35_000}, memory_mb=95, p99_heavy_ms=10.5),
    "go": PublishedStack({"light": 45_000, "medium": 38_000, "heavy": 32_000}, memory_mb=140, p99_heavy_ms=12.0),
    "kotlin": PublishedStack({"light": 28_900, "medium": 24_100, "heavy": 19_800}, memory_mb=180, p99_heavy_ms=89.2),
}

EFFORT_HOURS: dict[str, float] = {"kotlin": 4, "go": 5, "rust": 12, "zig": 18}
"""Hours until the API worked."""


def said(values: dict[str, float], unit: str) -> str:
    """A value for each stack, in the form of the article's lines: `Rust 30 MB, Zig 95 MB`."""
    return ", ".join(f"{name.capitalize()} {value:,.10g}{unit}" for name, value in values.items())


LINES: tuple[PublishedLine, ...] = (
    *(
        PublishedLine(
            name=f"throughput-{load}",
            title=f"Throughput, {load}",
            says=f"{said({name: stack.throughput[load] for name, stack in STACKS.items()}, '')} requests/s.",
        )
        for load in LOADS
    ),
    PublishedLine(
        name="memory",
        title="Average memory",
        says=f"{said({name: stack.memory_mb for name, stack in STACKS.items()}, ' MB')}.",
    ),
    PublishedLine(
        name="p99-heavy",
        title="p99, heavy",
        says=f"{said({name: stack.p99_heavy_ms for name, stack in STACKS.items()}, ' ms')}.",
    ),
    PublishedLine(name="average-latency", title="Average latency", says="It was measured; no number is given."),
    PublishedLine(name="cpu", title="CPU use", says="It was measured; no number is given."),
    PublishedLine(
        name="binary-size",
        title="Size of a binary",
        says="Zig's static binary is under 1 MB.",
        facts=("binary_size",),
    ),
    PublishedLine(
        name="start-up",
        title="Start-up",
        says="The JVM has a noticeable start-up time; Go starts at once.",
        facts=("first_answer",),
    ),
    PublishedLine(
        name="compiling",
        title="Compiling",
        says="Rust compiles slowly; Go compiles nearly at once.",
        facts=("clean_build", "incremental_build"),
    ),
    PublishedLine(
        name="effort",
        title="Effort",
        says=f"Until the API worked: {said(EFFORT_HOURS, ' h')}.",
        facts=("code_lines", "dependencies"),
    ),
)
"""The article's statements on its results, a line each. Its loads, machine and versions are conditions."""


@dataclass(frozen=True)
class PublishedColumn:
    """The article's values of one measure under one load.

    `measure` is its name among the article's numbers, `compared_by` among the comparisons. `values` are in the report's
    units: requests/s, bytes, µs. `line` is the name of the article's line, `noun` the measure in a sentence, `better`
    the words between the better one and the other.
    """

    line: str
    measure: Literal["throughput", "memory_mean", "p99"]
    compared_by: Measure
    load: str
    values: dict[str, float]
    noun: str
    better: str

    @property
    def terms(self) -> MeasureTerms:
        """The direction and the unit of what it is compared by."""
        return MEASURES[self.compared_by]

    @property
    def best_first(self) -> tuple[str, ...]:
        """The stacks in the article's order."""
        return tuple(sorted(self.values, key=self.values.__getitem__, reverse=self.terms.higher_is_better))

    def ratio(self, above: str, below: str) -> float:
        """The ratio of two of the article's numbers."""
        return self.values[above] / self.values[below]

    def text(self, value: float) -> str:
        """A value with its unit."""
        return f"{plain(value / self.terms.per)} {self.terms.unit}"


def _throughput(load: str) -> PublishedColumn:
    return PublishedColumn(
        line=f"throughput-{load}",
        measure="throughput",
        compared_by="throughput",
        load=load,
        values={name: stack.throughput[load] for name, stack in STACKS.items()},
        noun="throughput",
        better="has a higher throughput than",
    )


MEMORY_LOAD = "heavy"
"""The article doesn't name the load of its average memory, so it is compared with the memory under heavy load."""

COLUMNS: tuple[PublishedColumn, ...] = (
    *map(_throughput, LOADS),
    PublishedColumn(
        line="memory",
        measure="memory_mean",
        compared_by="memory_mean",
        load=MEMORY_LOAD,
        values={name: stack.memory_mb * BYTES_PER_MB for name, stack in STACKS.items()},
        noun="average memory",
        better="uses less memory than",
    ),
    PublishedColumn(
        line="p99-heavy",
        measure="p99",
        compared_by="p99_corrected",
        load="heavy",
        values={name: stack.p99_heavy_ms * 1e3 for name, stack in STACKS.items()},
        noun="p99",
        better="has a lower p99 than",
    ),
)
