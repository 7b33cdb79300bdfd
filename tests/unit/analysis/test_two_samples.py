"""Welch's t for two independent runs, against published examples and scipy; its errors by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats  # pyright: ignore[reportMissingTypeStubs]

from analysis.statistics.estimates import TwoNoises, welch
from analysis.statistics.inference import StudentMean, equivalence_p_value, over_blocks, within_margin

EXPERIMENTS = 4000
MARGIN = 0.03

samples = st.lists(st.integers(-1000, 1000).map(lambda thousandths: thousandths / 1000), min_size=2, max_size=20)


def compared(first: NDArray[np.float64], second: NDArray[np.float64]) -> StudentMean:
    return welch(over_blocks(first), over_blocks(second))


def simulated(
    difference: float, noises: tuple[float, float], blocks: tuple[int, int] = (10, 10), *, seed: int = 1
) -> StudentMean:
    random = np.random.default_rng(seed)
    first, second = (
        random.normal(mean, noise, (EXPERIMENTS, count))
        for mean, noise, count in zip((0.0, difference), noises, blocks, strict=True)
    )
    return compared(first, second)


def test_students_sleep_data_give_the_published_welch_test():
    """R's `t.test(extra ~ group, data = sleep)` prints t = -1.8608, df = 17.776, p = 0.07939, 95% of the first group
    less the second -3.3654832 to 0.2054832.
    """
    first = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
    second = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
    found = compared(second, first)
    assert found.t() == pytest.approx(-1.8608, abs=5e-5)
    assert found.degrees_of_freedom == pytest.approx(17.776, abs=5e-4)
    assert found.p_value() == pytest.approx(0.07939, abs=5e-6)
    assert found.mean - found.half_width(0.95) == pytest.approx(-3.3654832, abs=5e-8)
    assert found.mean + found.half_width(0.95) == pytest.approx(0.2054832, abs=5e-8)


@given(samples, samples)
def test_scipys_welch_test_gives_the_same(first: list[float], second: list[float]):
    if np.std(first) + np.std(second) < 1e-9:
        return
    found = compared(np.array(first), np.array(second))
    expected = stats.ttest_ind(second, first, equal_var=False)
    interval = expected.confidence_interval(0.9)
    assert found.p_value() == pytest.approx(float(expected.pvalue), rel=1e-6, abs=1e-12)
    assert found.degrees_of_freedom == pytest.approx(float(expected.df), rel=1e-9)
    assert found.mean - found.half_width(0.9) == pytest.approx(float(interval.low), abs=1e-9)
    assert found.mean + found.half_width(0.9) == pytest.approx(float(interval.high), abs=1e-9)


def test_the_equivalence_test_is_two_one_sided_ones():
    first, second = np.array([0.01, -0.012, 0.004, -0.003]), np.array([0.006, 0.013, -0.004, 0.009, 0.001])
    limit = math.log1p(MARGIN)
    below = stats.ttest_ind(second, first - limit, equal_var=False, alternative="greater").pvalue
    above = stats.ttest_ind(second, first + limit, equal_var=False, alternative="less").pvalue
    found = compared(first, second)
    assert equivalence_p_value(found, MARGIN) == pytest.approx(max(float(below), float(above)), rel=1e-9)
    assert bool(within_margin(found, MARGIN)) == (max(below, above) <= 0.05)


def test_samples_without_any_noise_are_equal_or_infinitely_far_apart():
    same = compared(np.array([1.0, 1.0]), np.array([1.0, 1.0, 1.0]))
    assert (same.p_value(), same.degrees_of_freedom) == (1.0, 3)
    assert within_margin(same, MARGIN)
    apart = compared(np.array([1.0, 1.0]), np.array([2.0, 2.0]))
    assert apart.p_value() == 0.0


@pytest.mark.parametrize(
    ("noises", "blocks"),
    [((0.05, 0.05), (10, 10)), ((0.02, 0.1), (10, 10)), ((0.05, 0.05), (10, 5)), ((0.1, 0.03), (5, 10))],
    ids=["alike", "one is noisier", "one is shorter", "the shorter one is noisier"],
)
def test_equal_runs_are_falsely_different_in_5_of_100(noises: tuple[float, float], blocks: tuple[int, int]):
    assert 0.04 <= (simulated(0.0, noises, blocks).p_value() <= 0.05).mean() <= 0.06


@pytest.mark.parametrize("noises", [(0.02, 0.02), (0.01, 0.03)])
def test_runs_that_differ_by_the_margin_are_falsely_the_same_in_5_of_100(noises: tuple[float, float]):
    assert 0.04 <= within_margin(simulated(math.log1p(MARGIN), noises), MARGIN).mean() <= 0.06


@pytest.mark.parametrize("noises", [(0.05, 0.05), (0.02, 0.08)])
def test_numbers_of_blocks_give_the_power_that_they_promise(noises: tuple[float, float]):
    to_detect = TwoNoises(*noises).blocks_to_detect(math.log(1.06), significance=0.05)
    assert to_detect is not None
    found = simulated(math.log(1.06), noises, (to_detect, to_detect))
    assert ((found.p_value() <= 0.05) & (found.mean > 0)).mean() == pytest.approx(0.8, abs=0.025)
    to_show_same = TwoNoises(*noises).blocks_to_show_same(margin=MARGIN)
    assert to_show_same is not None
    found = simulated(0.0, noises, (to_show_same, to_show_same))
    assert within_margin(found, MARGIN).mean() == pytest.approx(0.8, abs=0.025)


def test_equal_noises_have_the_power_of_the_pooled_test():
    """Dalgaard 2002, "Introductory statistics with R", 8.2: R's `power.t.test(delta=0.5, sd=2, sig.level=0.01,
    power=0.9)` prints n = 477.8021 in each group.
    """
    assert TwoNoises(2.0, 2.0).blocks_to_detect(0.5, significance=0.01, power=0.9) == 478
