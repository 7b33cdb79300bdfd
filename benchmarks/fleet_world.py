"""Fleets of simulated hosts: their true values, what they measure, and two ways to judge it.

Besides the noise of one host (`benchmarks/fleet_noise.py`), hosts of one kind differ in two ways: by a factor of the
host, which all its APIs share, and by a factor of each API on that host, the **interaction**. The first cancels in the
ratio of two APIs of one host. The second doesn't.

**By blocks**: each block of each host is a repetition, as in a run. The result is about these hosts.
**By hosts**: each host is one repetition, with the mean of its blocks, and Student's t has as many values as there are
hosts. The result is about hosts of this kind, because the interaction differs between hosts (a cluster's mean as the
unit: Donner and Klar 2000, "Design and analysis of cluster randomization trials in health research"). In the same way
the lab's unit is the cell and not the request.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.statistics import BlockMeans, over_blocks
from benchmarks.fleet_noise import measured_components
from benchmarks.simulated_world import World, mean_where, measure_world

ASSUMED_HOST_NOISE = 0.05
ASSUMED_INTERACTION = 0.01
"""Standard deviations between hosts of one kind, on the log scale. Assumed; no two such hosts were measured."""


@dataclass(frozen=True)
class OddHost:
    """How the first host of a fleet differs from the others.

    Attributes:
        slower: the missing share of the throughput of every API.
        cell_noise: the standard deviation that is added to the log of each of its cells.
        interaction: the value that is added to the log of API 0.
        dies: it measures only the first half of its blocks.
    """

    slower: float = 0.0
    cell_noise: float = 0.0
    interaction: float = 0.0
    dies: bool = False


NOT_ODD = OddHost()


@dataclass(frozen=True)
class FleetWorld:
    """The true values of a fleet on the log scale: those of one host, and the standard deviations between hosts."""

    host: World
    host_noise: float
    interaction: float


def world_of(
    levels: Sequence[float], *, host_noise: float = ASSUMED_HOST_NOISE, interaction: float = 0.0
) -> FleetWorld:
    """A fleet whose hosts have the measured noise of one.

    Args:
        levels: the mean log of each API's throughput over all hosts of the kind.
        host_noise: the standard deviation between hosts, common to all APIs.
        interaction: the standard deviation between hosts of each API on top of that.
    """
    found = measured_components()
    host = World(levels=tuple(levels), cell_noise=found.cell, block_noise=found.block, walk=found.walk)
    return FleetWorld(host=host, host_noise=host_noise, interaction=interaction)


def measure_fleets(
    world: FleetWorld, apis: NDArray[np.intp], generator: np.random.Generator, odd: OddHost = NOT_ODD
) -> NDArray[np.float64]:
    """The log of each cell's throughput.

    Args:
        world: the true values.
        apis: the API of each cell, of shape (experiments, hosts, blocks, places).
        generator: the source of the noise.
        odd: how the first host differs.

    Returns:
        An array of the shape of `apis`; it includes the missing blocks of a host that dies.
    """
    experiments, hosts = apis.shape[:2]
    # A host has its own blocks and its own walk, like a load of a run, so it is passed as one.
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
    """The log ratio of two APIs in each measured block: for each host, an array of (experiments, blocks)."""
    differences = mean_where(apis == first, logs) - mean_where(apis == second, logs)
    hosts = list(np.moveaxis(differences, 1, 0))
    if odd.dies:
        hosts[0] = hosts[0][:, : differences.shape[-1] // 2]
    return hosts


def by_blocks(ratios: Sequence[NDArray[np.float64]]) -> BlockMeans:
    """Means over all blocks of all hosts; `ratios` has an array for each host, with blocks on the last axis."""
    return over_blocks(np.concatenate(ratios, axis=-1))


def by_hosts(ratios: Sequence[NDArray[np.float64]]) -> BlockMeans:
    """Means over at least two hosts, each with the mean of its blocks; see `by_blocks`."""
    return over_blocks(np.stack([np.mean(of_host, axis=-1) for of_host in ratios], axis=-1))
