"""Student's t for the difference of two independent means: Welch's.

Two runs have no blocks in common, so nothing is paired and nothing that blocks share cancels: each run is a sample of
its own. Their noise may differ, so it isn't pooled. The difference of the means has the variance v = a + b, with
a = s²/n of the one sample and b of the other, and about

    (a + b)² / (a² / (n(a) - 1) + b² / (n(b) - 1))

degrees of freedom (Welch 1947, "The generalization of 'Student's' problem when several different population variances
are involved", Biometrika 34:28; Satterthwaite 1946, "An approximate distribution of estimates of variance components",
Biometrics Bulletin 2:110; NIST/SEMATECH e-Handbook of Statistical Methods, 7.3.1). The equivalence test by the same
standard error and degrees of freedom is that of Dannenberg, Dette and Munk 1994, "An extension of Welch's approximate
t-solution to comparative bioequivalence trials", Biometrika 81:91.

As in `intervals`, arrays have the blocks on their last axis.
"""

import math
from dataclasses import dataclass

import numpy as np

from analysis.statistics.inference import CONFIDENCE, BlockMeans, StudentMean, log_margin, t_quantile
from analysis.statistics.power import POWER, detection_power, equivalence_power, fewest_blocks


def welch(first: BlockMeans, second: BlockMeans) -> StudentMean:
    """The mean of the second sample less that of the first; each of two blocks at least.

    Where neither sample scatters at all, the degrees of freedom are those of the pooled test.
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
    """The standard deviations over blocks of two samples, one of them above 0; from them, how many blocks it takes."""

    first: float
    second: float

    def blocks_to_detect(self, difference: float, *, significance: float, power: float = POWER) -> int | None:
        """The fewest blocks of each sample with which a true difference is found; see `power.blocks_to_detect`."""
        return fewest_blocks(
            lambda blocks: detection_power(
                difference, self._standard_error(blocks), self._degrees_of_freedom(blocks), significance=significance
            ),
            power,
        )

    def blocks_to_show_same(self, *, margin: float, power: float = POWER) -> int | None:
        """The fewest blocks of each sample that show two equal means to be so; see `power.blocks_to_show_same`."""
        return fewest_blocks(
            lambda blocks: equivalence_power(
                0.0, self._standard_error(blocks), self._degrees_of_freedom(blocks), log_margin(margin)
            ),
            power,
        )

    def _standard_error(self, blocks: int) -> float:
        return math.sqrt((self.first**2 + self.second**2) / blocks)

    def _degrees_of_freedom(self, blocks: int) -> float:
        return (blocks - 1) * (self.first**2 + self.second**2) ** 2 / (self.first**4 + self.second**4)


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
