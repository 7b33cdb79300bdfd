"""Student's t over blocks, the equivalence test, Holm's method, and the number of blocks for a verdict.

"Can't tell" leaves two questions open:

- *If the difference is as large as it looks*, with how many blocks is it found? The paired t test's power by the
  noncentral t distribution (Johnson and Welch 1940, "Applications of the non-central t-distribution", Biometrika
  31:362; Cohen 1988, "Statistical power analysis for the behavioral sciences", chapter 2).
- *If there is no difference at all*, with how many blocks is that shown? The equivalence test's exact power
  (Phillips 1990, "Power of the two one-sided tests procedure in bioequivalence", Journal of Pharmacokinetics and
  Biopharmaceutics 18:137; Owen 1965, "A special case of a bivariate non-central t-distribution", Biometrika 52:437).

Both take the measured noise for the true one. With few blocks it is uncertain, and so is the answer. It comes with a
range, from the noise's 80% interval by chi-square (Snedecor and Cochran 1989, "Statistical methods"): 0.7 to 1.9 times
the measured noise with five blocks, 0.8 to 1.5 times with ten. The power of a difference that was just measured is no
evidence about that difference (Hoenig and Heisey 2001, "The abuse of power", The American Statistician 55:19); it is
used here only to plan the next run.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import (  # pyright: ignore[reportMissingTypeStubs]
    betaincinv,  # pyright: ignore[reportUnknownVariableType]
    chdtri,  # pyright: ignore[reportUnknownVariableType]
    gammaln,  # pyright: ignore[reportUnknownVariableType]
    nctdtr,  # pyright: ignore[reportUnknownVariableType]
    ndtr,  # pyright: ignore[reportUnknownVariableType]
    stdtr,  # pyright: ignore[reportUnknownVariableType]
    stdtrit,  # pyright: ignore[reportUnknownVariableType]
)

from documents.run import MOST_BLOCKS

CONFIDENCE = 0.95
"""The confidence of every interval on a page, except that of the equivalence test."""


@dataclass(frozen=True)
class StudentMean:
    """An estimate of a mean whose error over its standard error has Student's t distribution.

    Arrays of one shape; `standard_error` is the standard deviation of the estimate, in its unit. `degrees_of_freedom`
    may be a fraction, such as Welch's.
    """

    mean: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    degrees_of_freedom: NDArray[np.float64]

    def half_width(self, confidence: float) -> NDArray[np.float64]:
        """Half the width of the two-sided interval for the mean: t((1 + confidence) / 2) · standard error."""
        quantile = np.asarray(stdtrit(self.degrees_of_freedom, (1 + confidence) / 2), dtype=np.float64)
        return quantile * self.standard_error

    def p_value(self) -> NDArray[np.float64]:
        """The two-sided p-value of the t test that the true mean is 0."""
        return np.asarray(2 * t_distribution(-np.abs(self.t()), self.degrees_of_freedom))

    def t(self, hypothesis: float = 0.0) -> NDArray[np.float64]:
        """The t statistic: (mean - hypothesis) / standard error.

        If all values are equal, it is 0 if they equal the hypothesis, and infinite if they don't.
        """
        distance = self.mean - hypothesis
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(distance == 0, 0.0, distance / self.standard_error)


@dataclass(frozen=True)
class BlockMeans(StudentMean):
    """Mean and standard deviation over blocks, in the unit of the values.

    All have the shape of the values without their last axis. `blocks` is the length of that axis; the standard error is
    s / √n, with n - 1 degrees of freedom.
    """

    standard_deviation: NDArray[np.float64]
    blocks: int


def over_blocks(values: NDArray[np.float64], *, least_deviation: float = 0.0) -> BlockMeans:
    """Mean and standard deviation over the last axis, which has at least two values.

    `least_deviation` is the smallest standard deviation that the values can show; a smaller one counts as this.
    """
    blocks = values.shape[-1]
    mean = np.asarray(np.mean(values, axis=-1))
    standard_deviation = np.maximum(np.std(values, axis=-1, ddof=1), least_deviation)
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


def holm_levels(p_values: NDArray[np.float64], significance: float) -> NDArray[np.float64]:
    """The level at which Holm's method tests each hypothesis of one family; the other arguments are those of `holm`.

    It is significance / (k - i + 1) for the i-th smallest p-value. All that aren't significant have the level of the
    first of them, where the method stops. So an interval of the confidence 1 - level excludes the hypothesis exactly if
    the adjusted p-value is `significance` or less.
    """
    size = len(p_values)
    rejected = np.count_nonzero(holm(p_values) <= significance)
    place = np.argsort(np.argsort(p_values, kind="stable"), kind="stable")
    return significance / (size - np.minimum(place, rejected))


POWER = 0.8
"""The share of runs that should find a true difference: Cohen's convention."""

LEAST_BLOCKS = 2
"""With fewer blocks the noise is unknown, so there is no test."""

LEAST_BLOCKS_FOR_SAME = 5
"""*Same* takes more blocks than a difference: it says that nothing happens, and what an API does in one of ten windows
is absent from three blocks in 73% of runs."""

_NEGLIGIBLE = 1e-14
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(200)


def power_to_detect(difference: float, noise: float, blocks: int, *, significance: float) -> float:
    """The probability that the two-sided paired t test is significant, and on the right side.

    A significant difference of the wrong sign is wrong, so the other tail isn't added; R's `power.t.test` leaves it out
    too, by default.

    Args:
        difference: the true mean of the log ratios.
        noise: the true standard deviation of the log ratios over blocks, above 0.
        blocks: how many, at least two.
        significance: the two-sided level of the test.
    """
    return detection_power(difference, noise / math.sqrt(blocks), blocks - 1, significance=significance)


def detection_power(
    difference: float, standard_error: float, degrees_of_freedom: float, *, significance: float
) -> float:
    """The same for any estimate of a difference with Student's t test.

    Args:
        difference: the true difference.
        standard_error: the true standard deviation of its estimate.
        degrees_of_freedom: of the estimated standard error.
        significance: the two-sided level of the test.
    """
    if standard_error == 0:
        return float(difference != 0)
    critical = t_quantile(1 - significance / 2, degrees_of_freedom)
    missed = float(nctdtr(degrees_of_freedom, abs(difference) / standard_error, critical))
    # scipy 1.17 returns NaN at points far out in the tail, where the probability is below 1e-80.
    return 1.0 if math.isnan(missed) else 1 - missed


def power_to_show_same(difference: float, noise: float, blocks: int, *, margin: float) -> float:
    """The probability that the equivalence test shows a ratio to be within the margin; see `power_to_detect`.

    `margin` is a share: 0.03 for 3%.
    """
    if blocks < LEAST_BLOCKS_FOR_SAME:
        return 0.0
    return equivalence_power(difference, noise / math.sqrt(blocks), blocks - 1, log_margin(margin))


def equivalence_power(difference: float, standard_error: float, degrees_of_freedom: float, limit: float) -> float:
    """The exact power of two one-sided t tests at 5% each against ±`limit` (Phillips 1990).

    For a given u, the estimated standard error over the true one, both tests reject if the estimate lies within
    ±(limit - t(0.95) · u · standard error), and the estimate is normal and independent of u. The probability is that
    of the normal distribution, averaged over u = √(χ² / degrees of freedom) by Gauss-Legendre quadrature. It is
    Owen's Q function, computed from its definition. The integral ends at u = limit / (t · standard error), above which
    no estimate is between the ends.

    Args:
        difference: the true mean.
        standard_error: the true standard deviation of the mean's estimate.
        degrees_of_freedom: of the estimated standard error.
        limit: the margin, in the unit of the difference.
    """
    if standard_error == 0:
        return float(abs(difference) <= limit)
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
    """The fewest blocks that find a true difference with this power; None if `MOST_BLOCKS` don't suffice."""
    return fewest_blocks(lambda blocks: power_to_detect(difference, noise, blocks, significance=significance), power)


def blocks_to_show_same(noise: float, *, margin: float, power: float = POWER) -> int | None:
    """The fewest blocks that show two APIs without a difference to be the same, with this power.

    None if `MOST_BLOCKS` don't suffice.
    """
    return fewest_blocks(
        lambda blocks: power_to_show_same(0.0, noise, blocks, margin=margin), power, least=LEAST_BLOCKS_FOR_SAME
    )


def share_interval(count: int, of: int) -> tuple[float, float]:
    """The 95% interval of Clopper and Pearson for a share of which `count` of `of` cases were seen.

    It never covers less than 95% (Clopper and Pearson 1934, "The use of confidence or fiducial limits illustrated in
    the case of the binomial", Biometrika 26:404).
    """
    tail = (1 - CONFIDENCE) / 2
    low = float(betaincinv(count, of - count + 1, tail)) if count else 0.0
    high = float(betaincinv(count + 1, of - count, 1 - tail)) if count < of else 1.0
    return low, high


NOISE_CONFIDENCE = 0.8
"""The confidence of the interval of a noise, for the range of blocks that a verdict takes."""


def noise_interval(noise: float, degrees_of_freedom: float) -> tuple[float, float]:
    """The chi-square interval of the true noise: √(degrees of freedom / χ²) times the measured one, at both ends."""
    tail = (1 - NOISE_CONFIDENCE) / 2
    low, high = (
        noise * math.sqrt(degrees_of_freedom / float(chdtri(degrees_of_freedom, above))) for above in (tail, 1 - tail)
    )
    return low, high


def fewest_blocks(power_of: Callable[[int], float], power: float, *, least: int = LEAST_BLOCKS) -> int | None:
    """The fewest blocks, from `least` on, that give this power; None if `MOST_BLOCKS` don't suffice.

    Found by bisection: the power rises with the number of blocks, except for powers as low as 3%, which nobody asks
    for.
    """
    if power_of(MOST_BLOCKS) < power:
        return None
    below, enough = least - 1, MOST_BLOCKS
    while enough - below > 1:
        middle = (below + enough) // 2
        below, enough = (below, middle) if power_of(middle) >= power else (middle, enough)
    return enough


_LARGEST = math.log(100)
"""The search for a ratio ends at 100."""

_STEPS = 40
"""The number of bisections, which leave less than 1e-12 of the range."""


def least_ratio(noise: float, blocks: int, *, significance: float, power: float) -> float | None:
    """The smallest true ratio above 1 that a paired t test finds with this power; None if it doesn't find 100.

    Args:
        noise: the true standard deviation of the log ratios over blocks, above 0.
        blocks: how many, at least two.
        significance: the two-sided level of the test. With several tests it is Holm's strictest, the level over their
            number, so that the answer is right for any result of the others.
        power: the share of runs that find it.
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
