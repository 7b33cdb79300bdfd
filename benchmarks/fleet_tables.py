"""The tables of `benchmarks.fleet`: each answers one question by thousands of simulated fleets."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from rich.table import Table

from analysis.formatting import MISSING
from analysis.statistics import SIGNIFICANCE, blocks_to_detect, blocks_to_show_same
from benchmarks.fleet_repetitions import (
    FLEET_POWER,
    PLAIN,
    SLOWED,
    Fleets,
    Share,
    blocks_to_find,
    blocks_within,
    draw_orders,
    draw_own_orders,
    noise_of,
    run_seconds,
    simulate_apis_on_hosts,
    simulate_fleets,
)
from benchmarks.fleet_world import ASSUMED_HOST_NOISE, ASSUMED_INTERACTION, OddHost, world_of
from documents.run import MARGIN

HOSTS = 16
FLEETS = (1, 2, 4, 8, HOSTS)

HOST_NOISES = (0.0, 0.01, 0.05, 0.10)
INTERACTIONS = (0.0, 0.005, 0.01, 0.02)

WANTED = (1.02, 1.01)
"""The true ratios to find."""

SPAN_SECONDS = 3600

_BLOCKS_FOR_NOISE = 10

EQUAL = (0.0, 0.0, 0.0)

NOISES = (0.01, 0.028, 0.05, 0.10, 0.185)
"""Standard deviations of a block's log ratio. The second is the measured one, the last that of the noisiest host so far
(docs/benchmarks.md, 2026-11-26: h = 13.23%, times √10 ÷ 2.262 for a block)."""

FEW_BLOCKS = 2
DRIFTS = (0.0, 0.01, 0.03)
"""Steady drifts from each cell to the next."""

ODD_HOSTS = {
    "all are alike": OddHost(),
    "one dies half-way": OddHost(dies=True),
    "one is 10% slower, all APIs alike": OddHost(slower=0.10),
    "one's cells scatter by 10% more": OddHost(cell_noise=0.10),
    "one favours one API by 5%": OddHost(interaction=0.05),
}
"""How one host of a fleet may differ."""


def designs(experiments: int, blocks: int, *, seed: int) -> Table:
    """Two equal APIs: how often they are found to differ, by what is spread over the hosts."""
    table = _table(
        f"Two equal APIs, {blocks} blocks a host: how often a difference is found, each of which is false",
        "what is spread",
        "between hosts",
        "interaction",
        "by blocks",
        "±",
        "by hosts",
        "±",
    )
    for hosts, what in ((3, "whole APIs over 3 hosts"), (HOSTS, "whole APIs over 15 hosts")):
        for noise in HOST_NOISES:
            found = simulate_apis_on_hosts(world_of(EQUAL, host_noise=noise), experiments, hosts, blocks, seed=seed)
            table.add_row(what, f"{noise:.0%}", "0%", *_missed(found))
    orders = draw_orders(experiments, HOSTS, blocks, seed=seed)
    for noise, interaction in (
        *((noise, 0.0) for noise in HOST_NOISES),
        *((ASSUMED_HOST_NOISE, interaction) for interaction in INTERACTIONS[1:]),
    ):
        found = simulate_fleets(world_of(EQUAL, host_noise=noise, interaction=interaction), orders, seed=seed)
        table.add_row(f"blocks over {HOSTS} hosts", f"{noise:.0%}", f"{interaction:.1%}", *_missed(found))
    return table


def times(experiments: int, *, seed: int) -> Table:
    """How long fleets of different sizes take to find a ratio in nine of ten experiments."""
    noise = noise_of(world_of(EQUAL), draw_orders(experiments, HOSTS, _BLOCKS_FOR_NOISE, seed=seed), seed=seed)
    table = _table(
        f"Time until a true ratio is found in 90% of the experiments (noise of a block {noise:.1%}, no interaction)",
        "ratio",
        "hosts",
        "blocks a host",
        "wall time",
        "host time",
        "found by blocks",
        "found by hosts",
    )
    for ratio in WANTED:
        for hosts in FLEETS:
            blocks = math.ceil(blocks_to_find(ratio, noise) / hosts)
            world = world_of((0.0, 0.0, -math.log(ratio)))
            orders = draw_orders(experiments, hosts, blocks, seed=seed)
            found = simulate_fleets(world, orders, seed=seed, pair=(PLAIN, SLOWED))
            table.add_row(
                f"{ratio:.2f}",
                f"{hosts}",
                f"{blocks}",
                _minutes(run_seconds(blocks)),
                _minutes(hosts * run_seconds(blocks)),
                f"{found.blocks.found}",
                _share(found.hosts and found.hosts.found),
            )
    return table


def hour(experiments: int, *, seed: int) -> Table:
    """The results of an hour: the half-width of the interval, and how often it misses the true value."""
    blocks = blocks_within(SPAN_SECONDS)
    table = _table(
        f"An hour, {blocks} blocks a host: half-width of the 95% interval, and how often it misses the truth",
        "interaction",
        "hosts",
        "by blocks",
        "misses",
        "by hosts",
        "misses",
    )
    drawn = {hosts: draw_orders(experiments, hosts, blocks, seed=seed) for hosts in FLEETS}
    for interaction in (0.0, ASSUMED_INTERACTION):
        for hosts in FLEETS:
            found = simulate_fleets(world_of(EQUAL, interaction=interaction), drawn[hosts], seed=seed)
            table.add_row(f"{interaction:.0%}", f"{hosts}", *_widths(found))
    return table


def odd_hosts(experiments: int, blocks: int, *, seed: int) -> Table:
    """The effect of one host that differs from the others."""
    table = _table(
        f"{HOSTS} hosts, {blocks} blocks a host, no interaction: half-width, and how often it misses the truth",
        "the hosts",
        "by blocks",
        "misses",
        "by hosts",
        "misses",
    )
    orders = draw_orders(experiments, HOSTS, blocks, seed=seed)
    for what, odd in ODD_HOSTS.items():
        table.add_row(what, *_widths(simulate_fleets(world_of(EQUAL), orders, seed=seed, odd=odd)))
    return table


def all_tables(experiments: int, blocks: int, *, seed: int) -> Iterable[Table]:
    """The tables in order, each when it is computed."""
    yield designs(experiments, blocks, seed=seed)
    yield times(experiments, seed=seed)
    yield hour(experiments, seed=seed)
    yield odd_hosts(experiments, blocks, seed=seed)
    yield squares(experiments, seed=seed)
    yield noises()


def noises() -> Table:
    """How many blocks a noise needs, and their time on one host and on sixteen; computed, not simulated."""
    table = _table(
        f"Blocks for a margin of {MARGIN:.0%} with a power of {FLEET_POWER:.0%}, by the noise of a block; computed",
        "noise",
        "to find it",
        "as one of 18",
        "to show no difference",
        "that takes",
        f"on {HOSTS} hosts",
    )
    for noise in NOISES:
        same = blocks_to_show_same(noise, margin=MARGIN, power=FLEET_POWER)
        table.add_row(
            f"{noise:.1%}",
            *(
                _blocks(
                    blocks_to_detect(math.log1p(MARGIN), noise, significance=SIGNIFICANCE / tests, power=FLEET_POWER)
                )
                for tests in (1, 18)
            ),
            _blocks(same),
            MISSING if same is None else _minutes(run_seconds(same)),
            MISSING if same is None else _minutes(run_seconds(math.ceil(same / HOSTS))),
        )
    return table


def squares(experiments: int, *, seed: int) -> Table:
    """The gain of a Latin square over hosts if a host measures fewer blocks than a design has rows."""
    table = _table(
        f"{HOSTS} hosts, {FEW_BLOCKS} blocks each, no interaction: what the square over hosts is worth",
        "drift",
        "orders",
        "error",
        "by blocks",
        "misses",
    )
    drawn = {
        "each host's own": draw_own_orders(experiments, HOSTS, FEW_BLOCKS, seed=seed),
        "a square over hosts": draw_orders(experiments, HOSTS, FEW_BLOCKS, seed=seed),
    }
    for drift in DRIFTS:
        world = world_of(EQUAL)
        world = replace(world, host=replace(world.host, trend=drift))
        for what, orders in drawn.items():
            found = simulate_fleets(world, orders, seed=seed).blocks
            table.add_row(
                f"{drift:.0%} a cell", what, f"{found.error:.2%}", f"{found.half_width:.2%}", f"{found.missed}"
            )
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, min_width=len(title))
    for column in columns:
        table.add_column(column)
    return table


def _missed(found: Fleets) -> Sequence[str]:
    hosts = found.hosts
    return (
        f"{found.blocks.missed}",
        f"{found.blocks.half_width:.2%}",
        _share(hosts and hosts.missed),
        f"{hosts.half_width:.2%}" if hosts else MISSING,
    )


def _widths(found: Fleets) -> Sequence[str]:
    missed, half_width, missed_by_hosts, half_width_by_hosts = _missed(found)
    return half_width, missed, half_width_by_hosts, missed_by_hosts


def _share(share: Share | None) -> str:
    return MISSING if share is None else str(share)


def _blocks(blocks: int | None) -> str:
    return MISSING if blocks is None else str(blocks)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} min"
