"""Power and numbers of blocks, against published examples and scipy's distributions."""

import math

import pytest
from scipy import integrate, stats  # pyright: ignore[reportMissingTypeStubs]

from analysis.statistics.inference import (
    blocks_to_detect,
    blocks_to_show_same,
    equivalence_power,
    power_to_detect,
    power_to_show_same,
)
from documents.run.protocol import MOST_BLOCKS


def test_dalgaards_example_gives_the_published_number_of_pairs():
    """Dalgaard 2002, "Introductory statistics with R", 8.3: R's `power.t.test(delta=10, sd=10*sqrt(2), power=0.85,
    type="paired")` prints n = 19.96892.
    """
    noise = 10 * math.sqrt(2)
    assert blocks_to_detect(10, noise, significance=0.05, power=0.85) == 20
    # The noncentral t at n = 19.96892 itself is between those of 19 and 20 pairs, and next to the latter.
    at_19, at_20 = (power_to_detect(10, noise, n, significance=0.05) for n in (19, 20))
    assert at_19 < 0.85 < at_20
    assert 19 + (0.85 - at_19) / (at_20 - at_19) == pytest.approx(19.96892, abs=2e-3)


def test_power_of_the_equivalence_test_is_the_published_one():
    """PowerTOST's `sampleN.TOST(theta0=0.95, CV=0.20, design="2x2", targetpower=0.8)` prints 20 and 0.8346802, by
    Owen's Q. A 2x2 crossover of n has n - 2 degrees of freedom and a standard error of √(log(1 + CV²) · 2 / n).
    """
    found = [
        equivalence_power(math.log(0.95), math.sqrt(math.log(1 + 0.2**2) * 2 / n), n - 2, math.log(1.25))
        for n in (18, 20)
    ]
    assert found[1] == pytest.approx(0.8346802, abs=5e-8)
    assert found[0] < 0.8


@pytest.mark.parametrize("blocks", [2, 3, 10, 50, 1000])
@pytest.mark.parametrize("effect", [0.1, 0.5, 2.0])
@pytest.mark.parametrize("significance", [0.05, 0.05 / 18])
def test_power_to_detect_is_that_of_scipys_noncentral_t(blocks: int, effect: float, significance: float):
    critical = stats.t.isf(significance / 2, blocks - 1)  # pyright: ignore
    expected = stats.nct.sf(critical, blocks - 1, effect * math.sqrt(blocks))  # pyright: ignore
    found = power_to_detect(-effect * 0.07, 0.07, blocks, significance=significance)
    assert found == pytest.approx(float(expected), abs=1e-9)


@pytest.mark.parametrize("blocks", [5, 10, 200])
@pytest.mark.parametrize(("difference", "noise"), [(0.0, 0.08), (0.02, 0.02), (-0.0295588, 0.005)])
def test_power_to_show_same_is_that_of_another_integral(blocks: int, noise: float, difference: float):
    """Over the chance that the mean lies at x, of the chance that the standard deviation is small enough for x."""
    error, limit = noise / math.sqrt(blocks), math.log(1.03)
    critical = float(stats.t.isf(0.05, blocks - 1))  # pyright: ignore

    def density(mean: float) -> float:
        largest = (limit - abs(mean)) / (critical * error)
        small_enough = float(stats.chi2.cdf((blocks - 1) * largest**2, blocks - 1))  # pyright: ignore
        return float(stats.norm.pdf(mean, difference, error)) * small_enough  # pyright: ignore

    cuts = sorted({0.0, min(max(difference, -limit), limit)})
    expected, _ = integrate.quad(density, -limit, limit, points=cuts, limit=400, epsabs=1e-10)  # pyright: ignore
    assert power_to_show_same(difference, noise, blocks, margin=0.03) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("noise", [0.005, 0.026, 0.05, 0.1])
def test_numbers_of_blocks_are_the_fewest(noise: float):
    detect = blocks_to_detect(0.04, noise, significance=0.05 / 18)
    same = blocks_to_show_same(noise, margin=0.03)
    assert detect is not None
    assert same is not None
    assert power_to_detect(0.04, noise, detect, significance=0.05 / 18) >= 0.8
    assert power_to_show_same(0, noise, same, margin=0.03) >= 0.8
    assert max(power_to_detect(0.04, noise, n, significance=0.05 / 18) for n in range(2, detect)) < 0.8
    assert max(power_to_show_same(0, noise, n, margin=0.03) for n in range(2, same)) < 0.8


def test_what_no_protocol_can_show_has_no_number():
    assert blocks_to_detect(0.0, 0.03, significance=0.05) is None
    assert blocks_to_detect(0.001, 0.1, significance=0.05) is None
    assert blocks_to_show_same(0.5, margin=0.03) is None
    assert power_to_show_same(math.log(1.03), 0.01, MOST_BLOCKS, margin=0.03) < 0.06, "at the margin each is false"
    assert power_to_detect(0.001, 0.1, MOST_BLOCKS, significance=0.05) < 0.8
