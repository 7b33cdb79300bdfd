"""How early and how late a series is called steady, over simulated warm-ups whose truth is known.

All are judged second by second, as a run does it, and the seeds are fixed. Noise is of each second, on the log scale.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.cells.warm_up import is_steady, last_change, outcome_of
from documents.run.records import STEADY_SECONDS

SERIES = 100
MOST_SECONDS = 40
BASE = 10_000.0

Level = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""The log of the true throughput over its final one, by the second."""


def flat(second: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.zeros_like(second)


def cold_start(second: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(second < 1, -0.7, 0.0)


def step(second: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(second < 6, -0.5, 0.0)


def compiling(second: NDArray[np.float64]) -> NDArray[np.float64]:
    """A fifth at first, and near its end after some 16 seconds, as of a JVM on one core."""
    return np.log(1 - 0.8 * np.exp(-second / 5))


def compiled_late(second: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log(0.25 + 0.75 / (1 + np.exp(-(second - 8) / 1.5)))


def rising_slowly(second: NDArray[np.float64]) -> NDArray[np.float64]:
    """By 4% a second for twenty seconds; no second differs from the last by more than their noise."""
    return np.where(second < 20, 0.04 * (second - 20), 0.0)


def drifting(second: NDArray[np.float64]) -> NDArray[np.float64]:
    """It gets faster by 4% a second without end."""
    return 0.04 * second


def with_pauses(second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each seventh second has a pause that halves it."""
    return np.where(second % 7 == 3, -0.7, 0.0)


@dataclass(frozen=True)
class Called:
    """When each series was called steady (0 where it never was), and how far the true level then was below its last."""

    seconds: tuple[int, ...]
    missing: tuple[float, ...]

    def share_never(self) -> float:
        return self.seconds.count(0) / SERIES

    def share_later_than(self, seconds: int) -> float:
        return sum(found == 0 or found > seconds for found in self.seconds) / SERIES

    def share_too_early(self, missing: float) -> float:
        return sum(found > missing for found in self.missing) / SERIES


def first_steady(series: Sequence[int]) -> int:
    return next((n for n in range(STEADY_SECONDS, len(series) + 1) if is_steady(series[:n])), 0)


@cache
def called(level: Level, noise: float, correlation: float = 0.0) -> Called:
    random = np.random.default_rng(20260131)
    truth = level(np.arange(MOST_SECONDS, dtype=np.float64))
    seconds: list[int] = []
    missing: list[float] = []
    for _ in range(SERIES):
        shocks = random.normal(0, noise, MOST_SECONDS)
        scatter = shocks.copy()
        for second in range(1, MOST_SECONDS):
            fresh = math.sqrt(1 - correlation**2) * shocks[second]
            scatter[second] = correlation * scatter[second - 1] + fresh
        found = first_steady(np.rint(BASE * np.exp(truth + scatter)).astype(int).tolist())
        seconds.append(found)
        missing.append(float(1 - np.exp(truth[found - 1] - truth[-1])) if found else 0.0)
    return Called(tuple(seconds), tuple(missing))


noises = pytest.mark.parametrize(
    "noise", [pytest.param(0.03, marks=pytest.mark.nightly), 0.05, pytest.param(0.1, marks=pytest.mark.nightly)]
)


@noises
@pytest.mark.parametrize("level", [flat, cold_start])
def test_what_is_steady_from_the_start_is_called_so_within_seconds(level: Level, noise: float):
    found = called(level, noise)
    assert np.median(found.seconds) == STEADY_SECONDS
    assert found.share_later_than(STEADY_SECONDS + 5) <= 0.1
    assert found.share_later_than(30) <= 0.02


@noises
@pytest.mark.parametrize("level", [step, compiling, compiled_late])
def test_a_rise_is_never_called_steady_while_a_tenth_is_still_to_come(level: Level, noise: float):
    found = called(level, noise)
    assert found.share_too_early(0.1) <= 0.02
    assert found.share_never() <= 0.02


@pytest.mark.parametrize("noise", [pytest.param(0.03, marks=pytest.mark.nightly), 0.05])
def test_a_slow_rise_isn_t_either(noise: float):
    assert called(rising_slowly, noise).share_too_early(0.1) <= 0.02


@noises
def test_after_a_step_it_takes_the_least_time_and_little_more(noise: float):
    found = called(step, noise)
    assert np.median(found.seconds) == 6 + STEADY_SECONDS
    assert found.share_later_than(6 + STEADY_SECONDS + 5) <= 0.1


@noises
def test_a_jvm_on_one_core_is_called_steady_within_half_a_minute(noise: float):
    assert called(compiling, noise).share_later_than(30) <= 0.1


def test_a_drift_is_never_steady():
    assert called(drifting, 0.05).share_never() >= 0.95


@pytest.mark.nightly
def test_a_drift_that_noise_hides_is_what_the_module_says_it_cannot_see():
    assert called(drifting, 0.03).share_never() >= 0.95
    assert called(drifting, 0.1).share_never() < 0.9


def test_pauses_of_single_seconds_are_no_changes():
    assert called(with_pauses, 0.05).share_later_than(STEADY_SECONDS + 5) <= 0.1


def test_seconds_that_depend_on_each_other_make_it_later_and_not_never():
    found = called(flat, 0.05, correlation=0.5)
    assert found.share_later_than(30) <= 0.15
    assert found.share_never() <= 0.1


def test_too_few_seconds_are_never_steady():
    assert not is_steady([])
    assert not is_steady([1_000] * (STEADY_SECONDS - 1))
    assert is_steady([1_000] * STEADY_SECONDS)


@pytest.mark.parametrize("back", [0, 1])
def test_an_outage_is_not_steady_nor_is_the_first_second_after_it(back: int):
    """A thread reports the seconds of an outage when it sends again; a single second after it looks like an outlier."""
    assert not is_steady([1_000] * 10 + [0] * (STEADY_SECONDS + 1) + [1_000] * back)
    assert not is_steady([0] * (STEADY_SECONDS + 1) + [1_000] * back)


def test_a_long_series_is_judged_by_its_last_minute():
    assert is_steady([1_000, 2_000] * 200 + [1_500] * 60)
    assert not is_steady([1_000] * 500 + [2_000] * (STEADY_SECONDS - 1))


@pytest.mark.parametrize(
    ("series", "most_seconds", "outcome"),
    [
        ([1_000] * 2, 2, "not-judged"),
        ([1_000] * (STEADY_SECONDS - 1), STEADY_SECONDS - 1, "not-judged"),
        ([1_000] * STEADY_SECONDS, 30, "steady"),
        ([1_000] * 20 + [2_000] * 10, 30, "never-steady"),
        ([1_000] * 5, 30, "never-steady"),
        ([], 30, "never-steady"),
    ],
    ids=["quick", "one second short", "steady", "changed late", "hung after five seconds", "hung from the start"],
)
def test_how_a_warm_up_ended(series: list[int], most_seconds: int, outcome: str):
    assert outcome_of(series, most_seconds) == outcome


def test_the_last_change_is_where_the_last_level_begins():
    assert last_change([1_000] * 20) == 0
    assert last_change([500] * 7 + [1_000] * 13) == 7
    assert last_change([250] * 7 + [1_000] * 6 + [2_000] * 7) == 13
    assert last_change([1_000, 1_001] * 4 + [1_003, 1_002] * 6) == 0, "far less than a percent isn't a change"


def test_a_second_without_requests_is_a_change_if_it_isn_t_a_single_one():
    assert last_change([1_000] * 10 + [0] + [1_000] * 10) == 0
    assert last_change([1_000] * 10 + [0] * 3 + [1_000] * 10) == 13
