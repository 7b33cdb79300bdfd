"""Student's t for the mean over blocks: intervals and p-values.

Where two APIs are compared, a block gives one value: the log of their ratio. Whatever the cells of a block share (the
hour, the host's temperature, a neighbour) is a factor of both and cancels in it. That is the paired t test
(Student 1908, "The probable error of a mean", Biometrika 6:1; NIST/SEMATECH e-Handbook of Statistical Methods,
1.3.5.2 for the interval and 7.3.1.1 for pairs), on the log scale (Bland and Altman 1996, "Transformations, means, and
confidence intervals", BMJ 312:1079).

All functions take arrays whose last axis is the blocks, so that a run and a thousand simulated ones are computed by
the same code.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

CONFIDENCE = 0.95
"""Of every interval that is shown, but for that of the equivalence test."""


@dataclass(frozen=True)
class StudentMean:
    """An estimate of a mean whose distance from the truth, over its standard error, has Student's t distribution.

    Arrays of one shape; `standard_error` is the standard deviation of the estimate, in its unit. `degrees_of_freedom`
    may be a fraction, as Welch's are.
    """

    mean: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    degrees_of_freedom: NDArray[np.float64]

    def half_width(self, confidence: float) -> NDArray[np.float64]:
        """Half the width of the two-sided interval for the mean: t((1 + confidence) / 2) · standard error."""
        quantile = np.asarray(stdtrit(self.degrees_of_freedom, (1 + confidence) / 2), dtype=np.float64)
        return quantile * self.standard_error

    def p_value(self, hypothesis: float = 0.0) -> NDArray[np.float64]:
        """The two-sided p-value of the t test that the true mean is `hypothesis`."""
        return np.asarray(2 * t_distribution(-np.abs(self.t(hypothesis)), self.degrees_of_freedom))

    def t(self, hypothesis: float = 0.0) -> NDArray[np.float64]:
        """The t statistic: (mean - hypothesis) / standard error.

        Where all values agree exactly, it is 0 if they agree on the hypothesis, and infinite if they don't.
        """
        distance = self.mean - hypothesis
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(distance == 0, 0.0, distance / self.standard_error)


@dataclass(frozen=True)
class BlockMeans(StudentMean):
    """Mean and standard deviation over blocks, in the unit of the values.

    All have the shape that the values had without their last axis. `blocks` is how many values each was taken of; the
    standard error is s / √n, with n - 1 degrees of freedom.
    """

    standard_deviation: NDArray[np.float64]
    blocks: int


def over_blocks(values: NDArray[np.float64]) -> BlockMeans:
    """Mean and standard deviation over the last axis, which has two values at least."""
    blocks = values.shape[-1]
    mean = np.asarray(np.mean(values, axis=-1))
    standard_deviation = np.asarray(np.std(values, axis=-1, ddof=1))
    return BlockMeans(
        mean=mean,
        standard_error=standard_deviation / np.sqrt(blocks),
        degrees_of_freedom=np.full_like(mean, blocks - 1),
        standard_deviation=standard_deviation,
        blocks=blocks,
    )


def t_quantile(probability: float, degrees_of_freedom: float) -> float:
    """The value that Student's t is below with this probability."""
    return float(stdtrit(degrees_of_freedom, probability))


def t_distribution(t: NDArray[np.float64], degrees_of_freedom: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probability that Student's t is at most `t`."""
    return np.asarray(stdtr(degrees_of_freedom, t), dtype=np.float64)
