"""What so many blocks can resolve: the smallest ratio that is found. The inverse of `power.power_to_detect`."""

import math

from analysis.statistics.power import power_to_detect

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
