"""Student's t over blocks, what "same" means, and Holm's method for several tests at once."""

import math
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


MARGIN = 0.03
"""The margin, as a share: the same on every host, and never taken from a run's own noise."""

SIDE_ERROR = 0.05
"""The error of each of the two one-sided tests, and so of a false "same"."""

EQUIVALENCE_CONFIDENCE = 1 - 2 * SIDE_ERROR


def log_margin(margin: float) -> float:
    """The margin on the log scale: log(1 + m), for a share m above 0."""
    return math.log1p(margin)


def within_margin(log_ratio: StudentMean, margin: float) -> NDArray[np.bool_]:
    """Whether the 90% interval of a mean log ratio lies within ±log(1 + m), ends included."""
    half_width = log_ratio.half_width(EQUIVALENCE_CONFIDENCE)
    return np.abs(log_ratio.mean) + half_width <= log_margin(margin)


def equivalence_p_value(log_ratio: StudentMean, margin: float) -> NDArray[np.float64]:
    """The p-value of the equivalence test: the larger one of the two one-sided tests' (Schuirmann 1987).

    At most 0.05 exactly if `within_margin`.
    """
    limit, degrees_of_freedom = log_margin(margin), log_ratio.degrees_of_freedom
    not_below = t_distribution(-log_ratio.t(-limit), degrees_of_freedom)
    not_above = t_distribution(log_ratio.t(limit), degrees_of_freedom)
    return np.maximum(not_below, not_above)


def holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjusted p-values of a family of tests; one is significant at 5% if its adjusted p-value is 0.05 or less.

    With the p-values in ascending order, p(1) to p(k), the adjusted one is

        max over j ≤ i of min(1, (k - j + 1) · p(j))

    (Wright 1992, "Adjusted p-values for simultaneous inference", Biometrics 48:1005). The maximum makes the method
    stop at the first test that isn't significant: no later one is, however small its own product.

    Args:
        p_values: the last axis is the family.

    Returns:
        An array of the same shape.
    """
    size = p_values.shape[-1]
    order = np.argsort(p_values, axis=-1, kind="stable")
    factors = np.arange(size, 0, -1, dtype=np.float64)
    products = np.multiply(np.take_along_axis(p_values, order, axis=-1), factors)
    adjusted = np.minimum(np.maximum.accumulate(products, axis=-1), 1.0)
    found = np.empty_like(adjusted)
    np.put_along_axis(found, order, adjusted, axis=-1)
    return found
