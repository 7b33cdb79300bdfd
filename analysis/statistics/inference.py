"""Student's t over blocks, what "same" means, Holm's method, and how many blocks a verdict takes.

"Can't tell" leaves two questions open:

- *If the difference is as large as it looks*, with how many blocks is it found? The paired t test's power by the
  noncentral t distribution (Johnson and Welch 1940, "Applications of the non-central t-distribution", Biometrika
  31:362; Cohen 1988, "Statistical power analysis for the behavioral sciences", chapter 2).
- *If there is no difference at all*, with how many blocks is that shown? The equivalence test's exact power
  (Phillips 1990, "Power of the two one-sided tests procedure in bioequivalence", Journal of Pharmacokinetics and
  Biopharmaceutics 18:137; Owen 1965, "A special case of a bivariate non-central t-distribution", Biometrika 52:437).

Both take the noise that was seen for the true one. Of few blocks it is itself known badly, and so is the answer: with
five blocks the true noise may be 0.6 to 2.9 times what was seen (a standard deviation's 95% interval by chi-square;
Snedecor and Cochran 1989, "Statistical methods"). The power of a difference that was just measured is no evidence about
that difference (Hoenig and Heisey 2001, "The abuse of power", The American Statistician 55:19); it is used here to plan
the next run, and for nothing else.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import (  # pyright: ignore[reportMissingTypeStubs]
    chdtri,  # pyright: ignore[reportUnknownVariableType]
    gammaln,  # pyright: ignore[reportUnknownVariableType]
    nctdtr,  # pyright: ignore[reportUnknownVariableType]
    ndtr,  # pyright: ignore[reportUnknownVariableType]
    stdtr,  # pyright: ignore[reportUnknownVariableType]
    stdtrit,  # pyright: ignore[reportUnknownVariableType]
)

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


POWER = 0.8
"""The share of runs that are to find what is there: Cohen's convention."""

LEAST_BLOCKS = 2
"""Below two blocks there is no noise to be seen, and so no test."""

MOST_BLOCKS = 1000
"""As many as a protocol may have. What would take more isn't shown by this lab."""

_NEGLIGIBLE = 1e-14
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(200)


def power_to_detect(difference: float, noise: float, blocks: int, *, significance: float) -> float:
    """The probability that the two-sided paired t test is significant, and on the right side.

    A significant difference of the wrong sign has found nothing, so the other tail isn't added; R's `power.t.test`
    leaves it out as well, unless asked for.

    Args:
        difference: the true mean of the log ratios.
        noise: the true standard deviation of the log ratios over blocks, above 0.
        blocks: how many, two at least.
        significance: the two-sided level of the test.
    """
    return detection_power(difference, noise / math.sqrt(blocks), blocks - 1, significance=significance)


def detection_power(
    difference: float, standard_error: float, degrees_of_freedom: float, *, significance: float
) -> float:
    """The same for any estimate of a difference that is tested by Student's t.

    Args:
        difference: the true one.
        standard_error: the true standard deviation of its estimate, above 0.
        degrees_of_freedom: of the estimated standard error.
        significance: the two-sided level of the test.
    """
    critical = t_quantile(1 - significance / 2, degrees_of_freedom)
    missed = float(nctdtr(degrees_of_freedom, abs(difference) / standard_error, critical))
    # scipy 1.17 gives NaN at places far out in the tail, all of them where the probability is below 1e-80.
    return 1.0 if math.isnan(missed) else 1 - missed


def power_to_show_same(difference: float, noise: float, blocks: int, *, margin: float) -> float:
    """The probability that the equivalence test shows a ratio to be within the margin; arguments as above.

    `margin` is a share: 0.03 for 3%.
    """
    return equivalence_power(difference, noise / math.sqrt(blocks), blocks - 1, log_margin(margin))


def equivalence_power(difference: float, standard_error: float, degrees_of_freedom: float, limit: float) -> float:
    """The exact power of two one-sided t tests at 5% each against ±`limit` (Phillips 1990).

    For a given u, the estimated standard error over the true one, both tests reject if the estimate lies within
    ±(limit - t(0.95) · u · standard error), and the estimate is normal and independent of u. The probability is that
    of the normal distribution, averaged over u = √(χ² / degrees of freedom) by Gauss-Legendre quadrature. It is
    Owen's Q function, computed from its definition. Above u = limit / (t · standard error) nothing is left between the
    ends, so the integral stops there.

    Args:
        difference: the true mean.
        standard_error: the true standard deviation of the mean's estimate, above 0.
        degrees_of_freedom: of the estimated standard error.
        limit: the margin, in the unit of the difference.
    """
    freedom = float(degrees_of_freedom)
    critical = t_quantile(1 - SIDE_ERROR, degrees_of_freedom)
    lowest = math.sqrt(float(chdtri(freedom, 1 - _NEGLIGIBLE)) / freedom)
    highest = min(math.sqrt(float(chdtri(freedom, _NEGLIGIBLE)) / freedom), limit / (critical * standard_error))
    if highest <= lowest:
        return 0.0
    ratio = lowest + (highest - lowest) * (_NODES + 1) / 2
    log_density = (
        math.log(2)
        + freedom / 2 * math.log(freedom / 2)
        - float(gammaln(freedom / 2))
        + (freedom - 1) * np.log(ratio)
        - freedom * ratio**2 / 2
    )
    inside = ndtr((limit - difference) / standard_error - critical * ratio) - ndtr(
        (-limit - difference) / standard_error + critical * ratio
    )
    return float(np.sum(_WEIGHTS * np.exp(log_density) * inside) * (highest - lowest) / 2)


def blocks_to_detect(difference: float, noise: float, *, significance: float, power: float = POWER) -> int | None:
    """The fewest blocks with which a true difference is found with this power; None if `MOST_BLOCKS` don't suffice."""
    return fewest_blocks(lambda blocks: power_to_detect(difference, noise, blocks, significance=significance), power)


def blocks_to_show_same(noise: float, *, margin: float, power: float = POWER) -> int | None:
    """The fewest blocks with which two APIs without any difference are shown to be the same, with this power.

    None if `MOST_BLOCKS` don't suffice.
    """
    return fewest_blocks(lambda blocks: power_to_show_same(0.0, noise, blocks, margin=margin), power)


def fewest_blocks(power_of: Callable[[int], float], power: float) -> int | None:
    """The fewest blocks that give this power; None if `MOST_BLOCKS` don't suffice.

    Found by bisection: power rises with the number of blocks wherever it is worth anything.

    (A hopeless equivalence test can lose from 3% to 2% with the third block. No asked power is that low.)
    """
    if power_of(MOST_BLOCKS) < power:
        return None
    below, enough = LEAST_BLOCKS - 1, MOST_BLOCKS
    while enough - below > 1:
        middle = (below + enough) // 2
        below, enough = (below, middle) if power_of(middle) >= power else (middle, enough)
    return enough


_LARGEST = math.log(100)
"""A ratio of more than a hundred needs no statistics."""

_STEPS = 40
"""Bisections; 40 leave less than a millionth of a millionth of the range."""


def least_ratio(noise: float, blocks: int, *, significance: float, power: float) -> float | None:
    """The smallest true ratio above 1 that a paired t test finds with this power; None if one of 100 isn't.

    Args:
        noise: the true standard deviation of the log ratios over blocks, above 0.
        blocks: how many, two at least.
        significance: the two-sided level of the test. With several tests it is Holm's strictest, the level over their
            number, so that the answer holds whatever becomes of the others.
        power: the share of runs in which it is to be found.
    """

    def found(difference: float) -> bool:
        return power_to_detect(difference, noise, blocks, significance=significance) >= power

    if not found(_LARGEST):
        return None
    low, high = 0.0, _LARGEST
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if found(middle) else (middle, high)
    return math.exp(high)
