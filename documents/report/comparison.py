"""Comparisons of two APIs under the same load, and of one with itself."""

from typing import Literal

from documents.base import Document, Name

Measure = Literal[
    "throughput",
    "p50",
    "p99",
    "p99_corrected",
    "cpu_cores",
    "memory_mean",
    "requests_per_cpu_second",
    "requests_per_second_per_mb",
]
"""What is compared. Latencies are raw except `p99_corrected`, which wrk prints; CPU and anonymous memory are
the API's own; the last two are throughput over these."""

Verdict = Literal["same", "better", "cannot-tell"]
"""`same`: five blocks or more show that the ratio lies within the margin. `better`: a difference is significant, and
`better` in the document names the better one. `cannot-tell`: neither is shown."""


class Interval(Document):
    """A confidence interval of a ratio; both ends are ratios."""

    low: float
    high: float


class Ratio(Document):
    """A geometric mean of ratios, one a block.

    Attributes:
        interval_95: of a single two-sided test at 5%; null where there is one block
        interval_90: of the equivalence test
        noise: the standard deviation of the blocks' log ratios: 0.03 where single blocks differ by some 3%
    """

    value: float
    interval_95: Interval | None
    interval_90: Interval | None
    noise: float | None


class BlocksNeeded(Document):
    """How many blocks give a verdict with the comparison's `power`; a number above 1,000 is null.

    Attributes:
        blocks: at the measured noise
        low: at the lower end of that noise's 80% interval
        high: at its upper end
    """

    blocks: int | None
    low: int | None
    high: int | None


class PairComparison(Document):
    """Two APIs under one load.

    Attributes:
        blocks: how many gave a ratio
        ratio: of `first` over `second`
        interval: of the ratio, at the level of Holm's method: it excludes 1 exactly where `p_adjusted` is 0.05 or less
        p_value: of the paired t test; null below two blocks
        p_adjusted: after Holm's correction
        p_equivalence: of the equivalence test
        better: which one is better, where one is
        failed: which of the two failed in a cell under this load. The ratio leaves that out, so neither `same` nor this
            one as the better is shown
        bound_by_postgres: both wait for PostgreSQL, so that `same` is a statement about the database
        reason: why there is no interval
        blocks_to_detect: how many blocks find a difference of the measured size; null unless the verdict is
            `cannot-tell`
        blocks_to_show_same: likewise, to show that there is no difference
    """

    scenario: Name
    first: Name
    second: Name
    blocks: int
    ratio: Ratio | None
    interval: Interval | None
    p_value: float | None
    p_adjusted: float | None
    p_equivalence: float | None
    verdict: Verdict
    better: Name | None
    failed: tuple[Name, ...] = ()
    bound_by_postgres: bool
    reason: str | None
    blocks_to_detect: BlocksNeeded | None
    blocks_to_show_same: BlocksNeeded | None


class RankRange(Document):
    """An API's best and worst possible rank, given all verdicts.

    Attributes:
        best: from 1
    """

    api: Name
    best: int
    worst: int


class Ranking(Document):
    """The ranks under one load.

    Attributes:
        ranks: the best first
    """

    scenario: Name
    ranks: tuple[RankRange, ...]


class TwinComparison(Document):
    """A/A: the API that a block measured twice. The true ratio is 1.

    Attributes:
        blocks: how many have both cells of their twin
        ratio: of the later cell over the earlier one
        power_to_show_same: the chance that so many blocks with this noise show two equal APIs to be the same
        excludes_one: the 95% interval doesn't include 1; chance does this in one of twenty
        reason: why there is no interval
    """

    scenario: Name
    blocks: int
    ratio: Ratio | None
    power_to_show_same: float | None
    excludes_one: bool | None
    reason: str | None


class Comparison(Document):
    """All pairs of APIs under all loads, by one measure.

    Attributes:
        margin: the protocol's share
        significance: the two-sided level of all tests together
        power: what numbers of blocks are given for
        tests: how many pairs and loads Holm's correction takes into account
        pairs: all pairs under all loads
        rankings: by throughput, one for each load; empty for other measures, which are secondary
        twins: one for each load
    """

    measure: Measure
    margin: float
    significance: float
    power: float
    tests: int
    pairs: tuple[PairComparison, ...]
    rankings: tuple[Ranking, ...]
    twins: tuple[TwinComparison, ...]
