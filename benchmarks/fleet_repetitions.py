"""Thousands of fleets: how often their verdicts are wrong, what they find and how long they take.

The logs of their cells are drawn and judged as arrays, by the functions that judge a run's. `benchmarks.fleet` and
tests/unit/benchmarks/test_fleet.py show that an experiment through the loop gives the same.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from analysis.statistics import CONFIDENCE, SIGNIFICANCE, BlockMeans, fewest_blocks, power_to_detect
from benchmarks.fleet_experiment import APIS, LOAD, WARM_UP_SECONDS
from benchmarks.fleet_orders import fleet_orders, random_of
from benchmarks.fleet_world import NOT_ODD, FleetWorld, OddHost, by_blocks, by_hosts, log_ratios, measure_fleets
from benchmarks.simulated_host import CELL_SECONDS, RUN_SECONDS
from experiment.planning import block_orders

AGAIN, PLAIN, SLOWED = (APIS.index(name) for name in ("again", "plain", "slowed"))

PLACES = len(APIS) + 1
"""Cells of a block: each API, and one of them a second time."""

FLEET_POWER = 0.9


@dataclass(frozen=True)
class Share:
    """A share of simulated experiments, with the 95% interval of the share in all possible ones.

    The interval is Wilson's (Wilson 1927, "Probable inference, the law of succession, and statistical inference",
    JASA 22:209).
    """

    count: int
    of: int

    @property
    def value(self) -> float:
        """The share itself."""
        return self.count / self.of

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95% interval."""
        found = stats.binomtest(self.count, self.of).proportion_ci(CONFIDENCE, method="wilson")
        return float(found.low), float(found.high)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.1%} ({low:.1%} to {high:.1%})"


@dataclass(frozen=True)
class Judged:
    """What one kind of verdict gives for many experiments whose true log ratio is `truth`."""

    means: BlockMeans
    truth: float

    @property
    def half_width(self) -> float:
        """The median half-width of the 95% interval of the ratio, as a share: 0.01 for 1%."""
        return math.expm1(float(np.median(self.means.half_width(CONFIDENCE))))

    @property
    def error(self) -> float:
        """The root mean square of the mean log ratio's distance from the truth, over the experiments."""
        return math.sqrt(float(np.mean(np.square(self.means.mean - self.truth))))

    @property
    def missed(self) -> Share:
        """How often the 95% interval doesn't contain the truth; if the true ratio is 1, each is a false difference."""
        return _share(np.abs(self.means.mean - self.truth) > self.means.half_width(CONFIDENCE))

    @property
    def found(self) -> Share:
        """How often the t test of this one pair is significant with the right sign."""
        significant = self.means.p_value() <= SIGNIFICANCE
        return _share(significant & (np.sign(self.means.mean) == np.sign(self.truth)))


@dataclass(frozen=True)
class Fleets:
    """Both kinds of verdict for the same experiments; `hosts` is None for a single host."""

    blocks: Judged
    hosts: Judged | None


def simulate_fleets(
    world: FleetWorld,
    orders: NDArray[np.intp],
    *,
    seed: int,
    pair: tuple[int, int] = (AGAIN, PLAIN),
    odd: OddHost = NOT_ODD,
) -> Fleets:
    """Let fleets measure whole blocks, and judge one pair of APIs.

    Args:
        world: what is true.
        orders: from `draw_orders`.
        seed: of the noise.
        pair: the APIs of the ratio.
        odd: how the first host of each fleet differs.
    """
    logs = measure_fleets(world, orders, np.random.default_rng(seed), odd)
    truth = world.host.levels[pair[0]] - world.host.levels[pair[1]]
    return _judge(log_ratios(orders, logs, *pair, odd), truth)


def simulate_apis_on_hosts(world: FleetWorld, experiments: int, hosts: int, blocks: int, *, seed: int) -> Fleets:
    """Let each host measure only one API, which is a mistake, and judge two equal ones.

    Each `len(APIS)` hosts in a row are a group that has every API once. The group's blocks with one number are compared
    as if they were one block.
    """
    groups = hosts // len(APIS)
    apis = np.tile(np.arange(len(APIS), dtype=np.intp), groups)
    orders = np.broadcast_to(apis[:, None, None], (experiments, len(apis), blocks, PLACES))
    logs = measure_fleets(world, np.ascontiguousarray(orders), np.random.default_rng(seed)).mean(axis=-1)
    by_group = logs.reshape(experiments, groups, len(APIS), blocks)
    return _judge([by_group[:, group, AGAIN] - by_group[:, group, PLAIN] for group in range(groups)], 0.0)


def draw_own_orders(experiments: int, hosts: int, blocks: int, *, seed: int) -> NDArray[np.intp]:
    """Like `draw_orders`, but each host has the orders of a run of its own."""
    index = {name: number for number, name in enumerate(APIS)}
    return np.array(
        [
            [
                [
                    [index[api] for api in row]
                    for row in block_orders(APIS, blocks, random_of(seed + experiment, f"{host}"))
                ]
                for host in range(hosts)
            ]
            for experiment in range(experiments)
        ],
        dtype=np.intp,
    )


def draw_orders(experiments: int, hosts: int, blocks: int, *, seed: int) -> NDArray[np.intp]:
    """Draw the indexes of APIs by experiment, host, block and place, from one source for each experiment."""
    index = {name: number for number, name in enumerate(APIS)}
    return np.array(
        [
            [[[index[api] for api in row] for row in host] for host in fleet_orders(APIS, hosts, blocks, random)]
            for random in (random_of(seed + experiment, LOAD.name) for experiment in range(experiments))
        ],
        dtype=np.intp,
    )


def noise_of(world: FleetWorld, orders: NDArray[np.intp], *, seed: int) -> float:
    """The standard deviation of a pair's log ratio over the blocks of a simulated host."""
    logs = measure_fleets(world, orders, np.random.default_rng(seed))
    variances = [np.var(of_host, axis=-1, ddof=1) for of_host in log_ratios(orders, logs, AGAIN, PLAIN)]
    return math.sqrt(float(np.mean(variances)))


def blocks_to_find(ratio: float, noise: float) -> int:
    """How many blocks are enough to find a true ratio in nine of ten experiments, by the t test of one pair.

    Raises:
        ValueError: it takes more blocks than a protocol may have.
    """
    found = fewest_blocks(
        lambda blocks: power_to_detect(math.log(ratio), noise, blocks, significance=SIGNIFICANCE), FLEET_POWER
    )
    if found is None:
        raise ValueError(f"no protocol has the blocks to find a ratio of {ratio} in a noise of {noise:.1%}")
    return found


def run_seconds(blocks: int) -> float:
    """How long a run of that many blocks takes on one host, by its clock."""
    return RUN_SECONDS + blocks * PLACES * (CELL_SECONDS + WARM_UP_SECONDS + LOAD.duration_seconds)


def blocks_within(seconds: float) -> int:
    """How many whole blocks of a run fit into that many seconds."""
    return math.floor((seconds - RUN_SECONDS) / (run_seconds(1) - RUN_SECONDS))


def _judge(ratios: Sequence[NDArray[np.float64]], truth: float) -> Fleets:
    return Fleets(
        blocks=Judged(by_blocks(ratios), truth),
        hosts=Judged(by_hosts(ratios), truth) if len(ratios) > 1 else None,
    )


def _share(found: NDArray[np.bool_]) -> Share:
    return Share(int(np.count_nonzero(found)), found.size)
