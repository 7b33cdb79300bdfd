"""The error rates of verdicts: experiments with a known truth, judged by the same code as a run.

A simulated cell has the log of a throughput,

    level of the API + disturbance of its stretch of time + trend at its time + noise of the cell,

with the last three drawn again for each experiment and load. A stretch has as many cells as a block, so that a
disturbance that lasts as long as a block cancels where a block holds all APIs, and doesn't where they are measured one
after the other. Trend has a steady part, the same from each cell to the next, and a random walk.

The computation uses arrays of (experiment, load, block, …): a thousand experiments of ten blocks take some 0.1 s.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from analysis.statistics import (
    CONFIDENCE,
    LEAST_BLOCKS_FOR_SAME,
    SIGNIFICANCE,
    StudentMean,
    found_different,
    holm,
    over_blocks,
    welch,
    within_margin,
)

Orders = Sequence[Sequence[Sequence[Sequence[int]]]]
"""Indexes of APIs by experiment, load, block and place. Each row has each API once, at most one of them twice."""


@dataclass(frozen=True)
class World:
    """The truth of a simulation, on the log scale: 0.03 is some 3%.

    `levels` has a level for each API. `cell_noise` is the standard deviation between cells that share everything else;
    the log ratio of two has √2 times as much. `block_noise` is that between stretches of time as long as a block.
    `walk` is the standard deviation of the random walk's step from one cell to the next, `trend` the steady step.
    """

    levels: tuple[float, ...]
    cell_noise: float
    block_noise: float = 0.0
    walk: float = 0.0
    trend: float = 0.0


@dataclass(frozen=True)
class Outcomes:
    """The results, of shape (experiments, loads, pairs); pairs are in the order of `itertools.combinations`.

    Of two runs they are of shape (experiments, loads, APIs), the second run over the first.

    `mean` is that of the log ratios, of the first API over the second. `significant` is each single test at 5%,
    `different` and `same` are verdicts. `twin_warnings`, of shape (experiments, loads), is true if the 95% interval of
    A/A excludes 1; None if no block has a twin.
    """

    mean: NDArray[np.float64]
    significant: NDArray[np.bool_]
    different: NDArray[np.bool_]
    same: NDArray[np.bool_]
    twin_warnings: NDArray[np.bool_] | None

    def share_significant(self) -> float:
        """The share of single tests that are significant at 5%."""
        return float(np.mean(self.significant))

    def share_any_significant(self) -> float:
        """The share of experiments with a significant test, without Holm's correction."""
        return float(np.mean(_in_each_experiment(self.significant)))

    def share_any_different(self) -> float:
        """The share of experiments with any pair that differs after Holm's correction, and isn't the same."""
        return float(np.mean(_in_each_experiment(self.different)))

    def share_twin_warnings(self) -> float:
        """The share of A/A intervals that exclude 1; 0 if no block has a twin."""
        return 0.0 if self.twin_warnings is None else float(np.mean(self.twin_warnings))

    def shares_of_pair(self, pair: int) -> tuple[float, float, float, float]:
        """The shares of verdicts on a pair, experiments and loads together: first better, second, same, can't tell."""
        different, same, mean = self.different[..., pair], self.same[..., pair], self.mean[..., pair]
        first = float(np.mean(different & (mean > 0)))
        second = float(np.mean(different & (mean < 0)))
        alike = float(np.mean(same))
        return first, second, alike, 1 - first - second - alike


def _in_each_experiment(found: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether any load and pair of an experiment is true."""
    return np.asarray(found.reshape(len(found), -1).any(axis=-1))


def simulate(world: World, orders: Orders, *, margin: float, seed: int, one_after_the_other: bool = False) -> Outcomes:
    """Measure a world in given orders, and judge the results.

    Args:
        world: the truth.
        orders: the order of measurements; all experiments have as many loads, blocks and places as the first.
        margin: as a share: 0.03 for 3%.
        seed: of the noise; the same arguments give the same outcomes.
        one_after_the_other: measure all blocks of the first place first, then all of the second, and so on, which is
            the order that blocks avoid.
    """
    apis = np.array(orders, dtype=np.intp)
    logs = measure_world(world, apis, np.random.default_rng(seed), one_after_the_other=one_after_the_other)
    by_api = np.stack([mean_where(apis == api, logs) for api in range(len(world.levels))], axis=-1)
    pairs = list(combinations(range(len(world.levels)), 2))
    # The tests need the blocks last: (experiment, load, pair, block).
    log_ratios = np.stack([by_api[..., first] - by_api[..., second] for first, second in pairs], axis=-2)
    means = over_blocks(log_ratios)
    return _judged(means, means.blocks, margin=margin, twin_warnings=_twin_warnings(apis, logs))


def simulate_two_runs(world: World, orders: Orders, *, margin: float, seed: int, over_controls: bool) -> Outcomes:
    """Measure a world in two runs and judge each API's change, by itself or over the mean of all others.

    Args:
        world: the truth of both.
        orders: of the first run and then of the second, an even number; see `simulate`.
        margin: as a share: 0.03 for 3%.
        seed: of the noise.
        over_controls: whether the other APIs are controls; without them changes are judged as if runs were alike.
    """
    apis = np.array(orders, dtype=np.intp)
    logs = measure_world(world, apis, np.random.default_rng(seed))
    by_api = np.stack([mean_where(apis == api, logs) for api in range(len(world.levels))], axis=-2)
    if over_controls:
        others = (np.sum(by_api, axis=-2, keepdims=True) - by_api) / (by_api.shape[-2] - 1)
        by_api = by_api - others
    first, second = np.split(by_api, 2)
    changes = welch(over_blocks(first), over_blocks(second))
    return _judged(changes, by_api.shape[-1], margin=margin, twin_warnings=None)


def _judged(found: StudentMean, blocks: int, *, margin: float, twin_warnings: NDArray[np.bool_] | None) -> Outcomes:
    """All tests of an experiment are one family."""
    p_values = found.p_value()
    p_adjusted = holm(p_values.reshape(len(p_values), -1)).reshape(p_values.shape)
    within = within_margin(found, margin)
    return Outcomes(
        mean=found.mean,
        significant=p_values <= SIGNIFICANCE,
        different=found_different(within, p_adjusted),
        same=within & (blocks >= LEAST_BLOCKS_FOR_SAME),
        twin_warnings=twin_warnings,
    )


def measure_world(
    world: World, apis: NDArray[np.intp], generator: np.random.Generator, *, one_after_the_other: bool = False
) -> NDArray[np.float64]:
    """The log of each cell, of the shape of `apis`: (experiment, load, block, place); see `simulate`."""
    experiments, loads, blocks, places = apis.shape
    cells = blocks * places
    moments: NDArray[np.intp] = np.arange(cells, dtype=np.intp).reshape(blocks, places)
    if one_after_the_other:
        moments = moments.reshape(places, blocks).transpose()
    stretches = generator.normal(0.0, world.block_noise, (experiments, loads, blocks)).repeat(places, axis=-1)
    steps = generator.normal(world.trend, world.walk, (experiments, loads, cells))
    by_time = stretches + np.cumsum(steps, axis=-1)
    noise = generator.normal(0.0, world.cell_noise, apis.shape)
    return np.array(world.levels)[apis] + by_time[..., moments] + noise


def mean_where(chosen: NDArray[np.bool_], logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over the chosen values of the last axis, one or two in each row."""
    return np.sum(logs * chosen, axis=-1) / np.sum(chosen, axis=-1)


def _twin_warnings(apis: NDArray[np.intp], logs: NDArray[np.float64]) -> NDArray[np.bool_] | None:
    twins = np.sum(apis[..., :, None] == apis[..., None, :], axis=-1) == 2
    if not np.any(twins):
        return None
    places = apis.shape[-1]
    earlier = np.argmax(twins, axis=-1)[..., None]
    later = places - 1 - np.argmax(twins[..., ::-1], axis=-1)[..., None]
    log_ratios = np.take_along_axis(logs, later, axis=-1) - np.take_along_axis(logs, earlier, axis=-1)
    means = over_blocks(log_ratios[..., 0])
    return np.abs(means.mean) > means.half_width(CONFIDENCE)
