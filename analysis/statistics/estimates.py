"""Estimates over blocks, with their uncertainty.

The unit is the cell: one restart of an API with one load window. The requests within a cell share its restart, its
memory layout and its moment on the host, so they are no independent repetitions and are never resampled (Kalibera and
Jones 2013, "Rigorous benchmarking in reasonable time", ISMM: repeat at the highest level that varies). A block gives
one value: its cell's, or the mean of the two of the API that it measured twice. Those two share the block; as two
values they would make the interval narrower than what is known, and give their block a double weight.

An interval is Student's t interval for a mean, mean ± t(0.975, n - 1)·s/√n (NIST/SEMATECH e-Handbook of Statistical
Methods, 1.3.5.2). A bootstrap isn't used: of five values its percentile interval covers about 85% instead of 95%.

Throughput and latency are taken on the log scale, and the interval is carried back by exp (Bland and Altman 1996,
"Transformations, means, and confidence intervals", BMJ 312:1079). Both are positive, what disturbs them acts as a
factor (a busy neighbour costs a share, not a number, of the requests), latency is skewed to the right, and APIs are
compared by ratio: the geometric mean is the one whose ratios don't depend on the unit or on which API is the
base (Fleming and Wallace 1986, "How not to lie with statistics", CACM 29:3). A log interval also never reaches below 0.
CPU and memory stay on the linear scale: they add up over roles and may be 0.
"""

import math
from collections.abc import Sequence

import numpy as np

from analysis.statistics.inference import CONFIDENCE, over_blocks
from documents.errors import AnalysisError
from documents.report import Estimate


def linear_estimate(blocks: Sequence[Sequence[float]]) -> Estimate:
    """The arithmetic mean over blocks of values that can't be negative, with its 95% t interval from two blocks on.

    The interval is cut at 0. What it loses there holds no possible value, so it covers the true mean as often.

    Args:
        blocks: the values of each block's cells; one block at least, and in each one cell at least.
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
        blocks: the values of each block's cells; one block at least, and in each one cell at least.
        name: what they are, for messages.

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
