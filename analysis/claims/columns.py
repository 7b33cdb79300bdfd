"""The article's table by column: one measure under one load, a value for each stack."""

from dataclasses import dataclass
from typing import Literal

from analysis import article
from analysis.pages.numbers import plain
from documents.comparison import Measure


@dataclass(frozen=True)
class PublishedColumn:
    """What the article gives of one measure under one load.

    `measure` is its name beside the article's numbers, `compared_by` that of the comparison of pairs. `values` are in
    the report's units: requests/s, bytes, µs. `line` is the name of the article's line, `noun` the measure in a
    sentence, `better` what is said between the better one and the other. `per` and `unit` are those of the pages.
    """

    line: str
    measure: Literal["throughput", "memory_mean", "p99"]
    compared_by: Measure
    load: str
    values: dict[str, float]
    noun: str
    better: str
    per: float
    unit: str
    higher_is_better: bool

    @property
    def best_first(self) -> tuple[str, ...]:
        """The stacks in the article's order."""
        return tuple(sorted(self.values, key=self.values.__getitem__, reverse=self.higher_is_better))

    def ratio(self, above: str, below: str) -> float:
        """The ratio of two of the article's numbers."""
        return self.values[above] / self.values[below]

    def text(self, value: float) -> str:
        """A value with its unit."""
        return f"{plain(value / self.per)} {self.unit}"


def _throughput(load: str) -> PublishedColumn:
    return PublishedColumn(
        line=f"throughput-{load}",
        measure="throughput",
        compared_by="throughput",
        load=load,
        values={name: stack.throughput[load] for name, stack in article.STACKS.items()},
        noun="throughput",
        better="has a higher throughput than",
        per=1,
        unit="requests/s",
        higher_is_better=True,
    )


MEMORY_LOAD = "heavy"
"""The article doesn't say under which load its memory was averaged. It is compared with that under the heavy one."""

COLUMNS: tuple[PublishedColumn, ...] = (
    *map(_throughput, article.LOADS),
    PublishedColumn(
        line="memory",
        measure="memory_mean",
        compared_by="memory_mean",
        load=MEMORY_LOAD,
        values={name: stack.memory_mb * 1e6 for name, stack in article.STACKS.items()},
        noun="average memory",
        better="uses less memory than",
        per=1e6,
        unit="MB",
        higher_is_better=False,
    ),
    PublishedColumn(
        line="p99-heavy",
        measure="p99",
        compared_by="p99_corrected",
        load="heavy",
        values={name: stack.p99_heavy_ms * 1e3 for name, stack in article.STACKS.items()},
        noun="p99",
        better="has a lower p99 than",
        per=1e3,
        unit="ms",
        higher_is_better=False,
    ),
)
