"""The ratio of two APIs in each block.

A block measures each API once under each load, and one of them a second time: the A/A twin. The value of that one in
the block is the geometric mean of both cells. Either of them alone would do, but not "the first": the first of two is
nearer to the block's start than a single one is on average, and whatever drifts within blocks would favour it.

Void cells don't come here. A block gives no ratio for the pairs that lack a cell in it, and all others. A twin that
lost one of its cells counts by the other, and gives no A/A ratio.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from analysis.statistics.inference import CONFIDENCE, EQUIVALENCE_CONFIDENCE, BlockMeans, StudentMean
from analysis.statistics.measures import value_of
from analysis.statistics.power import LEAST_BLOCKS
from documents.errors import AnalysisError
from documents.report import CellNumbers, Interval, Measure, Ratio

_FARTHEST = 700.0
"""Ends of an interval on the log scale that lie beyond it have no number: e to the 710 is too large for one."""

BlockLogs = Mapping[int, Mapping[str, Sequence[float]]]
"""By block and API the logs of its cells under one load, in the order in which they were measured: one, or two."""


def logs_of(cells: Sequence[CellNumbers], scenario: str, measure: Measure) -> BlockLogs:
    """The logs of the cells under one load.

    Args:
        cells: the valid cells, in the order in which they were measured.
        scenario: the load's name; cells under others are passed over.
        measure: what is read from each.

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
                "A block measures each API once, and one of them twice: this plan isn't one of the lab's."
            )
    return logs


def log_ratios_of(logs: BlockLogs, first: str, second: str) -> list[float]:
    """The log of `first` over `second`, one for each block that has both, blocks in their order."""
    return [
        float(np.mean(by_api[first]) - np.mean(by_api[second]))
        for _, by_api in sorted(logs.items())
        if first in by_api and second in by_api
    ]


def ratio_of(log_ratios: Sequence[float], means: BlockMeans | None) -> Ratio | None:
    """Log ratios carried back to a ratio: None without any, and without intervals where there are no means of them."""
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


def interval_of(log_ratio: StudentMean, confidence: float) -> Interval:
    """The two-sided interval of a mean log ratio, carried back to one of the ratio."""
    half_width = log_ratio.half_width(confidence)
    low, high = (
        min(max(float(end), -_FARTHEST), _FARTHEST)
        for end in (log_ratio.mean - half_width, log_ratio.mean + half_width)
    )
    return Interval(low=math.exp(low), high=math.exp(high))


def too_few(blocks: int, what: str) -> str:
    """Why there is no interval, in a sentence; `what` is what the blocks lack."""
    counted = "No block has" if blocks == 0 else "One block alone has"
    return f"{counted} {what}; an interval needs {LEAST_BLOCKS} blocks."
