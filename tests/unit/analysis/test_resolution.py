"""The smallest ratio that a number of blocks finds, against the power that it inverts and a published table."""

import math

import pytest

from analysis.statistics.inference import least_ratio, power_to_detect


@pytest.mark.parametrize("noise", [0.01, 0.03, 0.1])
@pytest.mark.parametrize("blocks", [3, 10, 40])
@pytest.mark.parametrize("power", [0.8, 0.9])
def test_the_ratio_is_found_with_just_that_power(noise: float, blocks: int, power: float):
    ratio = least_ratio(noise, blocks, significance=0.05 / 18, power=power)
    assert ratio is not None
    found = power_to_detect(math.log(ratio), noise, blocks, significance=0.05 / 18)
    assert found == pytest.approx(power, abs=1e-6)


def test_cohen_s_example_of_a_paired_test():
    """Effect size 0.5 with 34 pairs at 5%: power 0.808 (G*Power and Cohen 1988, chapter 2); 0.80 at a little less."""
    ratio = least_ratio(1.0, 34, significance=0.05, power=0.8)
    assert ratio is not None
    assert math.log(ratio) == pytest.approx(0.495, abs=0.005)
