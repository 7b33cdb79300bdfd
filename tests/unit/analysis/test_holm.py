"""Holm's adjusted p-values, against published examples and the method's own definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics.inference import holm, holm_levels

SAS_MULTTEST = (
    0.28282, 0.30688, 0.71022, 0.77175, 0.78180, 0.88581, 0.54685, 0.84978, 0.24228, 0.58977, 0.03498, 0.41607,
    0.31631, 0.05254, 0.45061, 0.75758, 0.12496, 0.49485, 0.21572, 0.50505, 0.94372, 0.81260, 0.77596, 0.36889,
)  # fmt: skip

families = st.lists(st.integers(0, 1000).map(lambda thousandths: thousandths / 1000), min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("p_values", "published"),
    [
        # Documentation of pingouin's `holm`. The last two are tied by the maximum.
        ([0.50, 0.003, 0.32, 0.054, 0.0003], [0.64, 0.012, 0.64, 0.162, 0.0015]),
        # Documentation of MultipleTesting.jl's `Holm`.
        ([0.001, 0.01, 0.03, 0.5], [0.004, 0.03, 0.06, 0.5]),
        # Wikipedia, "Holm-Bonferroni method", example: at 5% the fourth and the first are rejected, not the others.
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        # SAS/STAT User's Guide, MULTTEST procedure, "Inputting Raw p-Values", column "Stepdown Bonferroni".
        (SAS_MULTTEST, [0.8395 if p == 0.03498 else 1.0 for p in SAS_MULTTEST]),
    ],
    ids=["pingouin", "julia", "wikipedia", "sas"],
)
def test_published_examples(p_values: list[float], published: list[float]):
    assert holm(np.array(p_values)) == pytest.approx(published, abs=5e-5)


@given(p_values=families, level=st.sampled_from([0.01, 0.05, 0.2]))
def test_what_is_significant_is_what_holms_steps_reject(p_values: list[float], level: float):
    """Holm 1979: go up from the smallest, compare with level / (k - i + 1), and stop at the first that is larger."""
    rejected: set[int] = set()
    for step, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        if p_values[index] * (len(p_values) - step) > level:
            break
        rejected.add(index)
    assert {index for index, p in enumerate(holm(np.array(p_values))) if p <= level} == rejected
    levels = holm_levels(np.array(p_values), level)
    assert {index for index, p in enumerate(p_values) if p <= levels[index]} == rejected
    assert max(levels) <= level
