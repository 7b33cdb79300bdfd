"""Fleets of simulated hosts: what is true of them, what they measure, and two ways to judge it.

To what one host is made of (`benchmarks/fleet_noise.py`) come two differences between hosts that should be alike: the
host's own, which all of its APIs share, and an API's own on that host, its **interaction**. The first cancels in the
ratio of two APIs of one host. The second doesn't: on that host, the ratio is another one than on the next.

**By blocks**, each block of each host is a repetition, as the blocks of a run are. That answers for these very hosts.
**By hosts**, each host is one repetition, with the mean of its blocks: Student's t over as many values as there are
hosts. That answers for hosts of this kind, for the interaction scatters between them (a cluster's mean as the unit:
Donner and Klar 2000, "Design and analysis of cluster randomization trials in health research"). What blocks of one
host share counts once. It is the same rule as that by which the lab takes a cell and not a request for its unit.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.statistics import BlockMeans, over_blocks
from analysis.statistics.simulation import World, measure_world
from benchmarks.fleet_noise import measured_components

ASSUMED_HOST_NOISE = 0.05
ASSUMED_INTERACTION = 0.01
"""Between hosts of one kind, on the log scale. Assumed: no two alike were ever measured."""


@dataclass(frozen=True)
class OddHost:
    """How the first host of a fleet differs from the others.

    `slower` is the share of the throughput that it lacks, of all APIs alike; `cell_noise` comes to that of its cells;
    `interaction` is what it adds to the log of the API 0 alone. With `dies`, it measures only the first half of its
    blocks.
    """

    slower: float = 0.0
    cell_noise: float = 0.0
    interaction: float = 0.0
    dies: bool = False


NOT_ODD = OddHost()


@dataclass(frozen=True)
class FleetWorld:
    """What is true of a fleet, on the log scale: each host by itself, and the standard deviations between hosts."""

    host: World
    host_noise: float = ASSUMED_HOST_NOISE
    interaction: float = 0.0


def world_of(
    levels: Sequence[float], *, host_noise: float = ASSUMED_HOST_NOISE, interaction: float = 0.0
) -> FleetWorld:
    """A fleet whose hosts scatter as the measured one did.

    Args:
        levels: the log of each API's throughput, as the mean over all hosts of the kind.
        host_noise: the standard deviation between hosts, of all APIs together.
        interaction: that of each API by itself, beside it.
    """
    found = measured_components()
    host = World(levels=tuple(levels), cell_noise=found.cell, block_noise=found.block, walk=found.walk)
    return FleetWorld(host=host, host_noise=host_noise, interaction=interaction)


def measure_fleets(
    world: FleetWorld, apis: NDArray[np.intp], generator: np.random.Generator, odd: OddHost = NOT_ODD
) -> NDArray[np.float64]:
    """The log of each cell's throughput.

    Args:
        world: what is true.
        apis: which API each cell measures, of shape (experiments, hosts, blocks, places).
        generator: what the noise is drawn from.
        odd: how the first host differs.

    Returns:
        An array of the shape of `apis`. What a dead host would have measured is in it.
    """
    experiments, hosts = apis.shape[:2]
    # A host has its own blocks and its own walk, as a load of a run has: it takes the place of the load.
    logs = measure_world(world.host, apis, generator)
    logs += generator.normal(0.0, world.host_noise, (experiments, hosts, 1, 1))
    own = generator.normal(0.0, world.interaction, (experiments, hosts, len(world.host.levels)))
    own[:, 0, 0] += odd.interaction
    logs += np.take_along_axis(own[:, :, None, :], apis, axis=-1)
    logs[:, 0] += math.log1p(-odd.slower) + generator.normal(0.0, odd.cell_noise, apis[:, 0].shape)
    return logs


def log_ratios(
    apis: NDArray[np.intp], logs: NDArray[np.float64], first: int, second: int, odd: OddHost = NOT_ODD
) -> list[NDArray[np.float64]]:
    """The log of one API over another in each block that was measured: by host, arrays of (experiments, blocks)."""
    differences = _mean_of(apis == first, logs) - _mean_of(apis == second, logs)
    hosts = list(np.moveaxis(differences, 1, 0))
    if odd.dies:
        hosts[0] = hosts[0][:, : differences.shape[-1] // 2]
    return hosts


def by_blocks(ratios: Sequence[NDArray[np.float64]]) -> BlockMeans:
    """Means over all blocks of all hosts. Of each host, an array whose last axis is its blocks."""
    return over_blocks(np.concatenate(ratios, axis=-1))


def by_hosts(ratios: Sequence[NDArray[np.float64]]) -> BlockMeans:
    """Means over hosts, of which each counts once; of two hosts or more. See `by_blocks`."""
    return over_blocks(np.stack([np.mean(of_host, axis=-1) for of_host in ratios], axis=-1))


def _mean_of(chosen: NDArray[np.bool_], logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of a block's cells of one API, one or two of them."""
    return np.sum(logs * chosen, axis=-1) / np.sum(chosen, axis=-1)
