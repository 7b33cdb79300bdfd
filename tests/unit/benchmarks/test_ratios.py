"""The mean of ratios."""

import math

import pytest

from benchmarks.ratios import mean_ratio

pytestmark = pytest.mark.nightly


def test_the_mean_is_geometric_with_a_t_interval_on_the_log_scale():
    mean, low, high = mean_ratio([1.1, 1 / 1.1, 1.0])
    half = 4.302652729911275 * math.log(1.1) / math.sqrt(3)
    assert (mean, math.log(low), math.log(high)) == pytest.approx((1.0, -half, half))
