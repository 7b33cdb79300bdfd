"""The verdict: same, better, or can't tell.

1. The 90% interval of the ratio lies within the margin: *same*. Also where the difference is significant: it is then
   known to be there, and known to be too small to matter.
2. Else the difference is significant after Holm's correction, two-sided at 5%: the one that it favours is *better*.
3. Else: *can't tell*.

Two errors are bounded. If no two APIs differ, any pair is called different in 5% of the runs at most, over all pairs
and loads of a measure. If two differ by the margin or more, they are called the same in 5% of the runs at most, for
each pair by itself: a false "same" isn't corrected for the number of pairs.
"""

import numpy as np
from numpy.typing import NDArray

from analysis.statistics.measures import MEASURES
from documents.comparison import Measure, PairComparison, Verdict

SIGNIFICANCE = 0.05
"""The two-sided level of a family of tests."""


def found_different(same: NDArray[np.bool_], p_adjusted: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where one is better: not the same, and significant after Holm's correction; arrays of the same shape."""
    return ~same & (p_adjusted <= SIGNIFICANCE)


def judge(*, same: bool, p_adjusted: float) -> Verdict:
    """The verdict on one comparison, given whether its 90% interval lies within the margin."""
    if same:
        return "same"
    return "better" if found_different(np.array(same), np.array(p_adjusted)) else "cannot-tell"


def verdict_text(pair: PairComparison, measure: Measure) -> str:
    """The verdict in words: "same", "same, bound by PostgreSQL", "rust faster", "can't tell".

    Where both wait for PostgreSQL, that they are the same is no merit and no fault of theirs. "Faster" is left as it
    is: what PostgreSQL holds back can only have made the difference smaller.
    """
    if pair.verdict == "same":
        return "same, bound by PostgreSQL" if pair.bound_by_postgres else "same"
    return "can't tell" if pair.verdict == "cannot-tell" else f"{pair.better} {MEASURES[measure].better}"
