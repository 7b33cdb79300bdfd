"""The equivalence test and its margin, against a published example, scipy, and its own symmetry."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # pyright: ignore[reportMissingTypeStubs]

from analysis.statistics.inference import (
    EQUIVALENCE_CONFIDENCE,
    equivalence_p_value,
    log_margin,
    over_blocks,
    within_margin,
)

log_ratios = st.lists(
    st.integers(-60, 60).map(lambda thousandths: thousandths / 1000), min_size=2, max_size=12, unique=True
)

TEST_AUC = (103.4, 59.92, 68.17, 94.54, 69.48, 72.17, 74.37, 84.44, 96.74, 94.26, 48.52, 95.68)
REFERENCE_AUC = (90.11, 77.71, 77.71, 97.51, 58.21, 101.3, 79.84, 96.06, 89.30, 97.22, 61.62, 85.80)


def test_welleks_bioequivalence_data_give_the_published_interval_and_verdict():
    """SAS/STAT User's Guide, TTEST procedure, "Equivalence Testing with Lognormal Data", after Wellek 2003, p. 212:
    the geometric mean ratio is 0.9412 and its 90% interval 0.8634 to 1.0260, which lies between 0.8 and 1.25.
    """
    found = over_blocks(np.log(TEST_AUC) - np.log(REFERENCE_AUC))
    half_width = float(found.half_width(EQUIVALENCE_CONFIDENCE))
    assert math.exp(found.mean) == pytest.approx(0.9412, abs=5e-5)
    assert math.exp(found.mean - half_width) == pytest.approx(0.8634, abs=5e-5)
    assert math.exp(found.mean + half_width) == pytest.approx(1.0260, abs=5e-5)
    assert log_margin(0.25) == pytest.approx(-math.log(0.8)), "0.8 to 1.25 is a margin of 25%"
    assert within_margin(found, 0.25)
    assert equivalence_p_value(found, 0.25) < 0.05
    # The lower end is at a margin of 1 / 0.8634 - 1 = 15.8%; the upper one would allow 2.6%.
    assert within_margin(found, 0.159)
    assert not within_margin(found, 0.157)
    assert not within_margin(found, 0.03)


@given(values=log_ratios, margin=st.sampled_from([0.01, 0.03, 0.1]))
def test_p_value_is_the_larger_of_scipys_one_sided_ones(values: list[float], margin: float):
    limit = math.log(1 + margin)
    above = stats.ttest_1samp(values, -limit, alternative="greater").pvalue  # pyright: ignore
    below = stats.ttest_1samp(values, limit, alternative="less").pvalue  # pyright: ignore
    found = over_blocks(np.array(values))
    assert equivalence_p_value(found, margin) == pytest.approx(max(float(above), float(below)), rel=1e-9, abs=1e-14)  # pyright: ignore


@given(values=log_ratios, margin=st.sampled_from([0.01, 0.03, 0.1]))
def test_interval_and_p_value_agree(values: list[float], margin: float):
    found = over_blocks(np.array(values))
    assert bool(within_margin(found, margin)) == (equivalence_p_value(found, margin) <= 0.05)


@pytest.mark.parametrize(("ratio", "same"), [(1.0299, True), (1.0301, False), (1 / 1.0299, True), (1 / 1.0301, False)])
def test_margin_is_a_factor_and_its_inverse(ratio: float, same: bool):
    assert bool(within_margin(over_blocks(np.full(3, math.log(ratio))), 0.03)) is same
