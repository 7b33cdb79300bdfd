"""How many blocks it takes: what "can't tell" would need.

Two questions, because "can't tell" leaves two things open:

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

import numpy as np
from scipy.special import (  # pyright: ignore[reportMissingTypeStubs]
    chdtri,  # pyright: ignore[reportUnknownVariableType]
    gammaln,  # pyright: ignore[reportUnknownVariableType]
    nctdtr,  # pyright: ignore[reportUnknownVariableType]
    ndtr,  # pyright: ignore[reportUnknownVariableType]
)

from analysis.statistics.inference import SIDE_ERROR, log_margin, t_quantile

POWER = 0.8
"""The share of runs that are to find what is there: Cohen's convention."""

LEAST_BLOCKS = 2
"""Below two blocks there is no noise to be seen, and so no test."""

MOST_BLOCKS = 1000
"""As many as a protocol may have. What would take more isn't told by this lab."""

_NEGLIGIBLE = 1e-14
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(200)


def power_to_detect(difference: float, noise: float, blocks: int, *, significance: float) -> float:
    """The probability that the two-sided paired t test is significant, and on the right side.

    A significant difference of the wrong sign has found nothing, so the other tail isn't added; R's `power.t.test`
    leaves it out as well, unless told otherwise.

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
