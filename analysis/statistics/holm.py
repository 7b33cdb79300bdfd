"""Holm's method: several tests at once, and still 5% for any false difference among them.

Six pairs under three loads are 18 tests. If nothing differs, each finds a difference in 5% of the runs, and any of them
in far more. Holm 1979, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics
6:65, keeps the probability of one false difference or more (the family-wise error rate) at 5% or below, however the
tests depend on each other (here they do: all pairs of an API share its cells), and finds whatever Bonferroni's does.

scipy has no such function: `scipy.stats.false_discovery_control` controls the expected share of false ones among the
differences found, which is less than what a table of verdicts promises.
"""

import numpy as np
from numpy.typing import NDArray


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
