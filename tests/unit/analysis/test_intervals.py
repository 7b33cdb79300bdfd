"""The t interval and the paired t test, against published examples and scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # pyright: ignore[reportMissingTypeStubs]

from analysis.statistics.inference import over_blocks

samples = st.lists(st.integers(-1000, 1000).map(lambda thousandths: thousandths / 1000), min_size=2, max_size=20)


def test_sas_s_blood_pressures_give_the_published_paired_test():
    """SAS/STAT User's Guide, TTEST procedure, "Paired Comparisons": t = -1.09, p = 0.2992, 95% -5.5365 to 1.8698."""
    before = np.array([120, 124, 130, 118, 140, 128, 140, 135, 126, 130, 126, 127], dtype=np.float64)
    after = np.array([128, 131, 131, 127, 132, 125, 141, 137, 118, 132, 129, 135], dtype=np.float64)
    found = over_blocks(before - after)
    assert found.mean == pytest.approx(-1.8333, abs=5e-5)
    assert found.standard_deviation == pytest.approx(5.8284, abs=5e-5)
    assert found.standard_error == pytest.approx(1.6825, abs=5e-5)
    assert found.mean - found.half_width(0.95) == pytest.approx(-5.5365, abs=5e-5)
    assert found.mean + found.half_width(0.95) == pytest.approx(1.8698, abs=5e-5)
    assert found.t() == pytest.approx(-1.09, abs=5e-3)
    assert found.p_value() == pytest.approx(0.2992, abs=5e-5)


@given(values=samples, hypothesis=st.sampled_from([0.0, 0.25, -1.0]), confidence=st.sampled_from([0.9, 0.95]))
def test_test_and_interval_are_those_of_scipy(values: list[float], hypothesis: float, confidence: float):
    if np.ptp(values) == 0:
        return
    found = over_blocks(np.array(values))
    expected = stats.ttest_1samp(values, hypothesis)  # pyright: ignore
    low, high = expected.confidence_interval(confidence)  # pyright: ignore
    shifted = over_blocks(np.array(values) - hypothesis)
    assert shifted.p_value() == pytest.approx(float(expected.pvalue), rel=1e-9, abs=1e-14)  # pyright: ignore
    assert found.mean - found.half_width(confidence) == pytest.approx(float(low), rel=1e-9, abs=1e-12)  # pyright: ignore
    assert found.mean + found.half_width(confidence) == pytest.approx(float(high), rel=1e-9, abs=1e-12)  # pyright: ignore


def test_blocks_that_agree_exactly_leave_no_doubt():
    apart, equal = over_blocks(np.array([0.5, 0.5, 0.5])), over_blocks(np.zeros(3))
    assert (apart.half_width(0.95), apart.p_value()) == (0, 0)
    assert (equal.half_width(0.95), equal.p_value()) == (0, 1)
