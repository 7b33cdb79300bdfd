"""Comparisons: what can be said of two APIs under the same load, and of one beside itself."""

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
"""What is compared. Latencies are raw but for `p99_corrected`, which is as wrk prints it; CPU and anonymous memory are
the API's own; the last two are throughput over these."""

Verdict = Literal["same", "better", "cannot-tell"]
"""`same`: the ratio is shown to lie within the margin. `better`: a difference is significant, and which one is better
is named. `cannot-tell`: neither; nothing is known, not even that they are alike."""


class Interval(Document):
    """A confidence interval of a ratio; both ends are ratios."""

    low: float
    high: float


class Ratio(Document):
    """A geometric mean of ratios, one a block.

    `noise` is the standard deviation of the blocks' log ratios: 0.03 says that single blocks scatter by some 3%.
    Intervals and noise are None where there is one block. The 95% interval is that of a two-sided test at 5% for this
    ratio alone, the 90% one that of the equivalence test.
    """

    value: float
    interval_95: Interval | None
    interval_90: Interval | None
    noise: float | None


class PairComparison(Document):
    """Two APIs under one load: `ratio` is that of `first` over `second`.

    `blocks` is how many gave a ratio. `p_value` is that of the paired t test, `p_adjusted` the same after Holm's
    correction for all tests of the comparison, `p_equivalence` that of the equivalence test. They are None where there
    are fewer than two blocks; `reason` then says so in a sentence.

    `better` is the better API where the verdict is that one is. `bound_by_postgres` says that under this load both
    wait for PostgreSQL, so that "same" is a result about the database and not about them.

    The last two members are there where the verdict is `cannot-tell`, and say how many blocks a whole run would need:
    `blocks_to_detect` to find a difference as large as this one looks, `blocks_to_show_same` to show that there is
    none if there is none. Each for the noise that was seen and for the comparison's `power`; None where more blocks
    are needed than a protocol may have.
    """

    scenario: Name
    first: Name
    second: Name
    blocks: int
    ratio: Ratio | None
    p_value: float | None
    p_adjusted: float | None
    p_equivalence: float | None
    verdict: Verdict
    better: Name | None
    bound_by_postgres: bool
    reason: str | None
    blocks_to_detect: int | None
    blocks_to_show_same: int | None


class RankRange(Document):
    """An API's best and worst possible rank, counted from 1, given all verdicts on which one is better."""

    api: Name
    best: int
    worst: int


class Ranking(Document):
    """The ranks under one load, the best first."""

    scenario: Name
    ranks: tuple[RankRange, ...]


class TwinComparison(Document):
    """A/A: the API that a block measured twice, its later cell over its earlier one, over blocks and APIs.

    The true ratio is 1. `resolves_margin` says whether half the width of the 90% interval is below the margin: if it
    isn't, this host's noise alone keeps two APIs from being shown the same with so many blocks. `excludes_one` says
    that the 95% interval doesn't hold 1: later cells differ from earlier ones, or chance, which does so in one of
    twenty. Both are None where there are fewer than two blocks; `reason` then says so.
    """

    scenario: Name
    blocks: int
    ratio: Ratio | None
    resolves_margin: bool | None
    excludes_one: bool | None
    reason: str | None


class Comparison(Document):
    """All pairs of APIs under all loads, by one measure.

    `margin` is a share: 0.03 calls ratios from 1/1.03 to 1.03 the same. `tests` is how many pairs and loads Holm's
    correction takes into account, at the two-sided level `significance`. `power` is the one that numbers of blocks
    are given for.
    """

    measure: Measure
    margin: float
    significance: float
    power: float
    tests: int
    pairs: tuple[PairComparison, ...]
    rankings: tuple[Ranking, ...]
    twins: tuple[TwinComparison, ...]
