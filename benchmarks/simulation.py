"""How often the lab's verdicts are wrong and what they find, in simulated runs of four APIs under three loads.

    .venv/bin/python -m benchmarks.simulation [--experiments 1000] [--blocks 10] [--margin 0.03] [--seed 1]

It needs no lab. In the first table all APIs are equal, so each difference is false. In the second, one API is faster
than the other three; the table shows the verdicts on it and another one. In the third, two APIs differ by the margin,
so each "same" is false. In the fourth, two runs of equal APIs are compared, so each change is false.
"""

import argparse
import math
from dataclasses import replace
from random import Random

from rich.console import Console
from rich.table import Table

from analysis.statistics import LEAST_BLOCKS
from benchmarks.simulated_world import Orders, Outcomes, World, simulate, simulate_two_runs
from experiment.planning import block_orders

APIS = 4
LOADS = 3
EFFECTS = (0.0, 0.01, 0.02, 0.03, 0.05, 0.10)
NOISES = (0.01, 0.026, 0.05, 0.10)
"""Standard deviations of the log ratio of two cells of a block: √2 times that of a cell."""

EQUAL = World(levels=(0.0,) * APIS, cell_noise=0.05 / math.sqrt(2), block_noise=0.1)
STEADY, WALKING = 0.01, 0.02
"""Trend from one cell to the next: steady, and as the standard deviation of a random walk's step."""


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description="How often the lab's verdicts are wrong, and what they find.")
    parser.add_argument("--experiments", type=int, default=1000, help="simulated runs of each kind")
    parser.add_argument("--blocks", type=int, default=10, help="blocks of a run")
    margin_help = "the difference up to which APIs count as the same: 0.03 for 3%%"
    parser.add_argument("--margin", type=float, default=0.03, help=margin_help)
    parser.add_argument("--seed", type=int, default=1, help="seed of orders and noise")
    arguments = parser.parse_args()
    if arguments.experiments < 1 or arguments.blocks < LEAST_BLOCKS or not 0 < arguments.margin < math.inf:
        parser.error(f"give 1 experiment or more, {LEAST_BLOCKS} blocks or more, and a margin above 0")
    shape = (arguments.experiments, arguments.blocks)
    console = Console(width=118)
    console.print(false_differences(*shape, margin=arguments.margin, seed=arguments.seed))
    console.print(power(*shape, margin=arguments.margin, seed=arguments.seed))
    console.print(false_sameness(*shape, margin=arguments.margin, seed=arguments.seed))
    console.print(false_changes(*shape, margin=arguments.margin, seed=arguments.seed))


def false_differences(experiments: int, blocks: int, *, margin: float, seed: int) -> Table:
    """All APIs equal: the share of tests that are significant, of runs in which any is, and of A/A warnings."""
    table = _table(
        "All APIs equal, noise 5%: false differences",
        "order",
        "trend",
        "a pair, by itself",
        "any of 18, by itself",
        "any of 18, after Holm",
        "A/A warns",
    )
    williams = williams_orders(APIS, experiments, blocks, seed=seed)
    shuffled = shuffled_orders(APIS, experiments, blocks, seed=seed)
    fixed = [[[list(range(APIS))] * blocks] * LOADS] * experiments
    trends = {"none": EQUAL, "walk": replace(EQUAL, walk=WALKING), "steady": replace(EQUAL, trend=STEADY)}
    for name, world in trends.items():
        _add(table, ["Williams rows", name], simulate(world, williams, margin=margin, seed=seed))
        _add(table, ["shuffled", name], simulate(world, shuffled, margin=margin, seed=seed))
        _add(
            table,
            ["one API after the other", name],
            simulate(world, fixed, margin=margin, seed=seed, one_after_the_other=True),
        )
    return table


def power(experiments: int, blocks: int, *, margin: float, seed: int) -> Table:
    """One API faster than three equal ones: the shares of verdicts on it and the next one."""
    table = _table(
        f"One of four APIs faster, {blocks} blocks: % of verdicts that it is / the next one is / same / can't tell",
        "faster by",
        *(f"noise {noise:.1%}" for noise in NOISES),
    )
    orders = williams_orders(APIS, experiments, blocks, seed=seed)
    for effect in EFFECTS:
        row = [f"{effect:.0%}"]
        for noise in NOISES:
            world = World(levels=(math.log1p(effect), *(0.0,) * (APIS - 1)), cell_noise=noise / math.sqrt(2))
            shares = simulate(world, orders, margin=margin, seed=seed).shares_of_pair(0)
            row.append(" / ".join(f"{100 * share:.1f}" for share in shares))
        table.add_row(*row)
    return table


def false_sameness(experiments: int, blocks: int, *, margin: float, seed: int) -> Table:
    """Two APIs that differ by exactly the margin: the share of runs with the verdict *same*."""
    table = _table("Two APIs that differ by the margin: called the same", "noise", "same, falsely")
    orders = williams_orders(2, experiments, blocks, seed=seed)
    for noise in NOISES:
        world = World(levels=(math.log1p(margin), 0.0), cell_noise=noise / math.sqrt(2))
        table.add_row(f"{noise:.1%}", f"{simulate(world, orders, margin=margin, seed=seed).shares_of_pair(0)[2]:.1%}")
    return table


def false_changes(experiments: int, blocks: int, *, margin: float, seed: int) -> Table:
    """Two runs of equal APIs: the share of changes that are significant, and of comparisons with any verdict on one."""
    table = _table(
        "Two runs of equal APIs, noise 5%: false changes",
        "judged",
        "trend",
        "an API, by itself",
        "any of 12, after Holm",
    )
    orders = williams_orders(APIS, 2 * experiments, blocks, seed=seed)
    worlds = {"none": EQUAL, "walk of 1%": replace(EQUAL, walk=WALKING / 2), "walk of 2%": replace(EQUAL, walk=WALKING)}
    for judged, over_controls in (("by itself", False), ("over the controls", True)):
        for name, world in worlds.items():
            found = simulate_two_runs(world, orders, margin=margin, seed=seed, over_controls=over_controls)
            table.add_row(judged, name, f"{found.share_significant():.1%}", f"{found.share_any_different():.1%}")
    return table


def williams_orders(apis: int, experiments: int, blocks: int, *, seed: int) -> Orders:
    """The lab's own orders, three loads an experiment."""
    random = Random(seed)  # noqa: S311 - a reproducible order is wanted, not secrets
    names = [str(api) for api in range(apis)]
    return [
        [[[int(name) for name in order] for order in block_orders(names, blocks, random)] for _ in range(LOADS)]
        for _ in range(experiments)
    ]


def shuffled_orders(apis: int, experiments: int, blocks: int, *, seed: int) -> Orders:
    """Randomised blocks without a design and without a twin."""
    random = Random(seed)  # noqa: S311 - a reproducible order is wanted, not secrets
    return [
        [[random.sample(range(apis), apis) for _ in range(blocks)] for _ in range(LOADS)] for _ in range(experiments)
    ]


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, min_width=80)
    for column in columns:
        table.add_column(column)
    return table


def _add(table: Table, labels: list[str], outcomes: Outcomes) -> None:
    twin = "" if outcomes.twin_warnings is None else f"{outcomes.share_twin_warnings():.1%}"
    table.add_row(
        *labels,
        f"{outcomes.share_significant():.1%}",
        f"{outcomes.share_any_significant():.1%}",
        f"{outcomes.share_any_different():.1%}",
        twin,
    )


if __name__ == "__main__":
    main()
