"""Ratios of rates that were measured in turn."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from analysis.statistics import CONFIDENCE, interval_of, over_blocks


class MeanRatio(NamedTuple):
    """A geometric mean of ratios, and its 95% interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} ({self.low:.3f} to {self.high:.3f})"


def mean_ratio(ratios: Sequence[float]) -> MeanRatio:
    """The geometric mean of two ratios or more, with its 95% t interval on the log scale."""
    logs = over_blocks(np.log(ratios))
    ends = interval_of(logs, CONFIDENCE)
    return MeanRatio(math.exp(float(logs.mean)), ends.low, ends.high)
