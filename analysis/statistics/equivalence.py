"""What "same" means: that the ratio is known to lie within the margin.

That no difference was found doesn't show that there is none: a noisy host finds none between any two. So sameness is
tested for itself, by two one-sided t tests at 5% each (TOST; Schuirmann 1987, "A comparison of the two one-sided tests
procedure and the power approach for assessing the equivalence of average bioavailability", Journal of Pharmacokinetics
and Biopharmaceutics 15:657). Both reject exactly if the 90% interval lies within the margin. It is 90% and not 95%
because each side is tested at 5%; two APIs that differ by the margin are still called the same in 5% of the runs at
most (Berger and Hsu 1996, "Bioequivalence trials, intersection-union tests and equivalence confidence sets",
Statistical Science 11:283: the two tests need no correction for each other, for both have to reject).

The margin m is a share, 0.03 for 3%, and is fixed before the run. On the log scale it is ±log(1 + m): ratios from
1 / (1 + m) to 1 + m, for 3% from 0.9709 to 1.03. So the verdict doesn't depend on which of the two is divided by the
other, as it would with 0.97 to 1.03. Bioequivalence does the same: its limits are 0.80 and 1.25 = 1 / 0.80.
"""

import math

import numpy as np
from numpy.typing import NDArray

from analysis.statistics.intervals import StudentMean, t_distribution

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
