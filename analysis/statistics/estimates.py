"""Estimates over blocks, with their uncertainty.

The unit is the cell: one restart of an API with one load window. The requests within a cell share its restart, memory
layout and time, so they aren't independent repetitions and are never resampled (Kalibera and Jones 2013, "Rigorous
benchmarking in reasonable time", ISMM: repeat at the highest level that varies). A block gives one value: its cell's,
or the mean of two cells of the API that it measured twice. As two values they would make the interval too narrow, and
double the weight of their block.

An interval is Student's t interval for a mean, mean ± t(0.975, n - 1)·s/√n (NIST/SEMATECH e-Handbook of Statistical
Methods, 1.3.5.2). A bootstrap isn't used: of five values its percentile interval covers about 85% instead of 95%.

Throughput and latency are analysed on the log scale, and the interval is transformed back by exp (Bland and Altman
1996, "Transformations, means, and confidence intervals", BMJ 312:1079). Both are positive, disturbances act as a factor
(a busy neighbour costs a share of the requests, not a number), latency is skewed to the right, and APIs are compared by
ratio: ratios of geometric means don't depend on the unit or on which API is the base (Fleming and Wallace 1986, "How
not to lie with statistics", CACM 29:3). A log interval also never goes below 0. CPU and memory stay on the linear
scale, because they add up over roles and may be 0.

The ratio of two APIs is taken block by block. One of them is measured a second time in a block: the A/A twin. Its value
in the block is the geometric mean of both cells. Always taking the first would bias the result: the first of two is
nearer to the block's start than a single one is on average, so trend within blocks would favour it. Void cells aren't
used. A block gives a ratio for each pair with cells of both in it. A twin that lost one of its cells counts by the
other, and gives no A/A ratio.

The difference of two runs is Welch's. Two runs have no blocks in common, so nothing is paired: each run is a sample of
its own. Their noise may differ, so it isn't pooled. The difference of the means has
the variance v = a + b, with a = s²/n of one sample and b of the other, and about

    (a + b)² / (a² / (n(a) - 1) + b² / (n(b) - 1))

degrees of freedom (Welch 1947, "The generalization of 'Student's' problem when several different population variances
are involved", Biometrika 34:28; Satterthwaite 1946, "An approximate distribution of estimates of variance components",
Biometrics Bulletin 2:110; NIST/SEMATECH e-Handbook of Statistical Methods, 7.3.1). The equivalence test by the same
standard error and degrees of freedom is that of Dannenberg, Dette and Munk 1994, "An extension of Welch's approximate
t-solution to comparative bioequivalence trials", Biometrika 81:91.

Arrays have the blocks on their last axis.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.statistics.inference import (
    CONFIDENCE,
    EQUIVALENCE_CONFIDENCE,
    LEAST_BLOCKS,
    LEAST_BLOCKS_FOR_SAME,
    POWER,
    BlockMeans,
    StudentMean,
    detection_power,
    equivalence_power,
    fewest_blocks,
    log_margin,
    over_blocks,
)
from analysis.statistics.measures import MEASURES, value_of
from documents.errors import AnalysisError
from documents.report import CellNumbers, Estimate, Interval, Measure, Ratio, Spread


def welch(first: BlockMeans, second: BlockMeans) -> StudentMean:
    """The mean of the second sample minus that of the first, each with at least two blocks.

    If neither sample has any scatter, the degrees of freedom are those of the pooled test.
    """
    variances = [np.square(sample.standard_error) for sample in (first, second)]
    total = variances[0] + variances[1]
    spent = variances[0] ** 2 / (first.blocks - 1) + variances[1] ** 2 / (second.blocks - 1)
    pooled = np.full_like(total, first.blocks + second.blocks - 2)
    return StudentMean(
        mean=second.mean - first.mean,
        standard_error=np.sqrt(total),
        degrees_of_freedom=np.divide(np.square(total), spent, out=pooled, where=spent > 0),
    )


@dataclass(frozen=True)
class TwoNoises:
    """The standard deviations over blocks of two samples, and the blocks that they require."""

    first: float
    second: float

    def times(self, share: float) -> "TwoNoises":
        """Both, times a share."""
        return TwoNoises(share * self.first, share * self.second)

    def blocks_to_detect(self, difference: float, *, significance: float, power: float = POWER) -> int | None:
        """The fewest blocks of each sample that find a true difference; see `inference.blocks_to_detect`."""
        return fewest_blocks(
            lambda blocks: detection_power(
                difference, self._standard_error(blocks), self._degrees_of_freedom(blocks), significance=significance
            ),
            power,
        )

    def blocks_to_show_same(self, *, margin: float) -> int | None:
        """The fewest blocks of each sample that show two equal means to be the same."""
        return fewest_blocks(
            lambda blocks: equivalence_power(
                0.0, self._standard_error(blocks), self._degrees_of_freedom(blocks), log_margin(margin)
            ),
            POWER,
            least=LEAST_BLOCKS_FOR_SAME,
        )

    def _standard_error(self, blocks: int) -> float:
        return math.sqrt((self.first**2 + self.second**2) / blocks)

    def _degrees_of_freedom(self, blocks: int) -> float:
        """Welch's; without any scatter those of the pooled test."""
        fourth = self.first**4 + self.second**4
        return (blocks - 1) * ((self.first**2 + self.second**2) ** 2 / fourth if fourth else 2)


_FARTHEST = 700.0
"""Ends of an interval beyond this on the log scale can't be represented: e to the 710 is too large."""

BlockLogs = Mapping[int, Mapping[str, Sequence[float]]]
"""The logs of the cells by block and API under one load, in the order of measurement: one or two each."""


def logs_of(cells: Sequence[CellNumbers], scenario: str, measure: Measure) -> BlockLogs:
    """The logs of the cells under one load.

    Cells are in the order of measurement; those under other loads are skipped.

    Raises:
        AnalysisError: a value isn't above 0, or a block has an API more than twice.
    """
    logs: defaultdict[int, defaultdict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for cell in cells:
        if cell.scenario != scenario:
            continue
        values = logs[cell.block][cell.api]
        values.append(math.log(value_of(cell, measure)))
        if len(values) > 2:
            raise AnalysisError(
                f"The block {cell.block} has {cell.api} more than twice under {scenario}, last in {cell.cell_id}. "
                "A block measures each API once, and one of them twice, so this plan isn't the lab's."
            )
    return logs


def least_deviation(logs: Iterable[float], measure: Measure) -> float:
    """The smallest deviation that logs of a measure can show: a microsecond at the smallest value of a latency, else 0.

    wrk counts whole microseconds. Where p50 is 20 of them, two blocks often have the same ratio, and without this any
    difference would be certain.
    """
    return math.log1p(1 / math.exp(min(logs))) if MEASURES[measure].is_latency else 0.0


def block_means(logs: BlockLogs, *apis: str) -> list[float]:
    """The mean log of these APIs in each block that has them."""
    return [float(np.mean(by_api[api])) for by_api in logs.values() for api in apis if api in by_api]


def log_ratios_of(logs: BlockLogs, first: str, second: str) -> list[float]:
    """The log of `first` over `second` for each block that has both, in the order of blocks."""
    return [
        float(np.mean(by_api[first]) - np.mean(by_api[second]))
        for _, by_api in sorted(logs.items())
        if first in by_api and second in by_api
    ]


def ratio_of(log_ratios: Sequence[float], means: BlockMeans | None) -> Ratio | None:
    """The ratio of log ratios: None without any, and without intervals if there are no means."""
    if not log_ratios:
        return None
    if means is None:
        return Ratio(value=math.exp(log_ratios[0]), interval_95=None, interval_90=None, noise=None)
    return Ratio(
        value=math.exp(means.mean),
        interval_95=interval_of(means, CONFIDENCE),
        interval_90=interval_of(means, EQUIVALENCE_CONFIDENCE),
        noise=float(means.standard_deviation),
    )


def interval_at(ratio: Ratio, blocks: int, level: float) -> Interval | None:
    """The interval of a ratio of so many blocks with the confidence 1 - level; None if its noise is unknown."""
    if ratio.noise is None:
        return None
    error, freedom = ratio.noise / math.sqrt(blocks), blocks - 1
    return interval_of(StudentMean(*map(np.asarray, (math.log(ratio.value), error, freedom))), 1 - level)


def interval_of(log_ratio: StudentMean, confidence: float) -> Interval:
    """The two-sided interval of the ratio, from that of a mean log ratio."""
    half_width = log_ratio.half_width(confidence)
    low, high = (
        min(max(float(end), -_FARTHEST), _FARTHEST)
        for end in (log_ratio.mean - half_width, log_ratio.mean + half_width)
    )
    return Interval(low=math.exp(low), high=math.exp(high))


def too_few(blocks: int, what: str) -> str:
    """Why there is no interval, in a sentence; `what` names what the blocks lack."""
    counted = "No block has" if blocks == 0 else "One block alone has"
    return f"{counted} {what}; an interval needs {LEAST_BLOCKS} blocks."


def spread_of(values: Sequence[float]) -> Spread:
    """The median and range of repeated measurements, at least one."""
    return Spread(median=float(np.median(values)), least=min(values), most=max(values), count=len(values))


def linear_estimate(blocks: Sequence[Sequence[float]]) -> Estimate:
    """The arithmetic mean over blocks of values that can't be negative, with its 95% t interval from two blocks on.

    The interval is cut at 0, which removes only impossible values, so its coverage stays the same.

    Args:
        blocks: the values of each block's cells: at least one block, each with at least one cell.
    """
    values = [float(np.mean(cells)) for cells in blocks]
    mean, half_width = _mean_and_half_width(values)
    return Estimate(
        value=mean,
        low=None if half_width is None else max(mean - half_width, 0.0),
        high=None if half_width is None else mean + half_width,
        count=len(blocks),
        scale="linear",
    )


def log_estimate(blocks: Sequence[Sequence[float]], *, name: str) -> Estimate:
    """The geometric mean over blocks of positive values, with its 95% t interval on the log scale from two blocks on.

    Args:
        blocks: the values of each block's cells: at least one block, each with at least one cell.
        name: their name, for messages.

    Raises:
        AnalysisError: a value isn't above 0, so it has no logarithm.
    """
    least = min(value for cells in blocks for value in cells)
    if least <= 0:
        raise AnalysisError(f"The {name} of a cell is {least:g}; one above 0 was expected. Measure the cell again.")
    mean, half_width = _mean_and_half_width([float(np.mean(np.log(cells))) for cells in blocks])
    return Estimate(
        value=math.exp(mean),
        low=None if half_width is None else math.exp(mean - half_width),
        high=None if half_width is None else math.exp(mean + half_width),
        count=len(blocks),
        scale="log",
    )


def _mean_and_half_width(values: Sequence[float]) -> tuple[float, float | None]:
    if len(values) < 2:
        return float(np.mean(values)), None
    means = over_blocks(np.array(values))
    return float(means.mean), float(means.half_width(CONFIDENCE))
