"""How far two runs' means of one API may lie apart by what A/A twins scatter alone.

A twin's log ratio is that of two cells of one API in one block, so its standard deviation is that of a cell times √2,
and it has as many degrees of freedom as twins less 1. The mean of n blocks then has the variance s²/n, and the
difference of two runs' means the sum of both, with Welch's degrees of freedom (Satterthwaite 1946, "An approximate
distribution of estimates of variance components", Biometrics Bulletin 2:110), as in `two_samples`.

What isn't in a twin isn't in this either: what changes from block to block, or from one day to another.
"""

import math
from dataclasses import dataclass

from analysis.statistics.intervals import CONFIDENCE, t_quantile


@dataclass(frozen=True)
class RunNoise:
    """Of one run: the standard deviation of its twins' log ratios, how many they are, and the blocks of a mean."""

    twin_noise: float
    twins: int
    blocks: int

    @property
    def variance(self) -> float:
        """Of the mean's log."""
        return self.twin_noise**2 / 2 / self.blocks


def explained_change(first: RunNoise, second: RunNoise, *, confidence: float = CONFIDENCE) -> float:
    """The factor, above 1, that two means of the same true value differ by at most with this confidence.

    Each run has two twins at least.
    """
    total = first.variance + second.variance
    if total == 0:
        return 1.0
    spent = sum(run.variance**2 / (run.twins - 1) for run in (first, second))
    return math.exp(t_quantile((1 + confidence) / 2, total**2 / spent) * math.sqrt(total))
