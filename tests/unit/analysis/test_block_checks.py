"""Caveats on block ratios that aren't as the t test takes them."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.statistics.checks import about_blocks, check_blocks
from documents.report.numbers import CellNumbers
from tests.unit.analysis.test_comparison import blocks_of

EXPERIMENTS = 1000
GENERATOR = np.random.default_rng(5)
NORMAL = GENERATOR.normal(size=(EXPERIMENTS, 10))


def shares(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """How often each of the three checks finds something at 5%."""
    return np.mean([check_blocks(sample) <= 0.05 for sample in samples], axis=0)


def test_of_independent_normal_ratios_each_check_finds_something_in_5_of_100():
    assert shares(3 + 0.01 * NORMAL) == pytest.approx([0.05] * 3, abs=0.02)


def test_each_check_finds_what_it_is_for():
    dependent = np.cumsum(GENERATOR.normal(size=(200, 20)), axis=-1)
    stalls = 0.01 * GENERATOR.normal(size=(200, 20)) + np.log(np.where(GENERATOR.random((200, 20)) < 0.1, 0.6, 1))
    assert shares(dependent)[0] > 0.9
    assert shares(stalls)[1] > 0.7
    far = NORMAL[:200].copy()
    far[:, 3] += 6
    assert shares(far)[2] > 0.9


def cells_of(ratios: NDArray[np.float64]) -> list[CellNumbers]:
    rust = [1000 * math.exp(value) for value in ratios]
    return blocks_of({"go": [1000] * len(rust), "rust": rust, "zig": [1000 + block for block in range(len(rust))]})


def caveats(ratios: NDArray[np.float64]) -> list[str]:
    return [*about_blocks(cells_of(ratios), apis=("rust", "go"), scenarios=("light",))]


def test_a_caveat_names_the_pairs():
    one_far = 0.01 * NORMAL[0]
    one_far[4] -= 0.5
    skewed, outlying = caveats(one_far)
    assert skewed.startswith("The ratios of blocks are skewed in 1 of 1 pair. ")
    assert outlying.startswith("One block is far from all others in 1 of 1 pair. ")
    assert outlying.endswith(": rust / go under light.")
    assert caveats(np.linspace(0, 0.1, 12))[0].startswith("Successive blocks have similar ratios in 1 of 1 pair. ")


@pytest.mark.parametrize("ratios", [0.01 * NORMAL[1], 0.01 * NORMAL[0, :7] + [0, 0, 0, 0.5, 0, 0, 0], np.zeros(10)])
def test_quiet_blocks_too_few_and_equal_ones_have_none(ratios: NDArray[np.float64]):
    assert caveats(ratios) == []
