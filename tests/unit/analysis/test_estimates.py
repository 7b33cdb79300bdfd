"""Estimates: the interval is Student's, on the scale that the quantity asks for."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # pyright: ignore[reportMissingTypeStubs]

from analysis.statistics.estimates import linear_estimate, log_estimate
from documents.errors import AnalysisError

positive = st.lists(
    st.integers(min_value=1, max_value=10**10).map(lambda thousandths: thousandths / 1000),
    min_size=2,
    max_size=30,
    unique=True,
)


def one_a_block(values: list[float]) -> list[list[float]]:
    return [[value] for value in values]


def test_students_sleep_data_give_the_published_interval():
    """Student 1908, "The probable error of a mean", Biometrika 6:1; R prints this interval for its `sleep` data."""
    more_sleep = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]
    found = linear_estimate(one_a_block(more_sleep))
    assert found.low is not None
    assert found.high is not None
    assert found.value == pytest.approx(1.58)
    assert (round(found.low, 7), round(found.high, 7)) == (0.7001142, 2.4598858)


def test_bland_and_altmans_triglyceride_example_gives_the_published_interval():
    """BMJ 1996;312:1079: 282 babies, log10 mean -0.33, SD 0.17: geometric mean 0.47, interval 0.45 to 0.49 mmol/l."""
    standard = np.linspace(-1, 1, 282)
    logs = -0.33 + 0.17 * (standard - standard.mean()) / standard.std(ddof=1)
    found = log_estimate(one_a_block([10.0**value for value in logs.tolist()]), name="triglyceride")
    assert found.low is not None
    assert found.high is not None
    assert (round(found.value, 2), round(found.low, 2), round(found.high, 2)) == (0.47, 0.45, 0.49)


@given(values=positive)
def test_a_linear_interval_is_that_of_scipy_above_zero(values: list[float]):
    found = linear_estimate(one_a_block(values))
    low, high = _scipy_interval(values)
    assert found.low == pytest.approx(max(low, 0), rel=1e-9, abs=1e-6)
    assert found.high == pytest.approx(high, rel=1e-9, abs=1e-6)


@given(values=positive)
def test_a_log_interval_is_that_of_scipy_carried_back(values: list[float]):
    found = log_estimate(one_a_block(values), name="latency")
    low, high = _scipy_interval([math.log(value) for value in values])
    assert found.value == pytest.approx(float(stats.gmean(values)), rel=1e-9)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    assert found.low == pytest.approx(math.exp(low), rel=1e-6)
    assert found.high == pytest.approx(math.exp(high), rel=1e-6)
    assert found.low is not None
    assert found.low > 0


@given(blocks=st.lists(st.lists(st.floats(1, 1e6), min_size=1, max_size=2), min_size=2, max_size=10))
def test_a_block_counts_once_however_many_cells_it_has(blocks: list[list[float]]):
    linear, log = linear_estimate(blocks), log_estimate(blocks, name="latency")
    assert linear == linear_estimate([[float(np.mean(cells))] for cells in blocks])
    assert linear.count == log.count == len(blocks)
    of_means = log_estimate([[math.prod(cells) ** (1 / len(cells))] for cells in blocks], name="latency")
    assert (log.value, log.low, log.high) == pytest.approx((of_means.value, of_means.low, of_means.high), rel=1e-6)


def test_two_cells_of_one_block_have_no_interval():
    """By hand: 4 and 9 have the arithmetic mean 6.5 and the geometric mean 6."""
    linear, log = linear_estimate([[4.0, 9.0]]), log_estimate([[4.0, 9.0]], name="throughput")
    assert (linear.value, linear.low, linear.count) == (6.5, None, 1)
    assert log.value == pytest.approx(6)
    assert (log.low, log.count) == (None, 1)


def test_no_interval_reaches_below_zero():
    found = linear_estimate([[0.0], [1.0]])
    assert (found.low, found.high) == (0.0, pytest.approx(6.853102))


def test_a_value_of_zero_has_no_logarithm():
    with pytest.raises(AnalysisError, match="The throughput of a cell is 0"):
        log_estimate([[1.0, 0.0], [2.0]], name="throughput")


def _scipy_interval(values: list[float]) -> tuple[float, float]:
    interval = stats.ttest_1samp(values, 0).confidence_interval(0.95)  # pyright: ignore
    return float(interval.low), float(interval.high)  # pyright: ignore
