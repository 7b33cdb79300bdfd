"""The orders of a fleet: in which order each of several hosts measures the APIs in each of its blocks.

Each host measures whole blocks with every API, so that the differences between hosts cancel in the ratio of two APIs,
as those between hours do. The orders are the rows of a Williams design, as in any run. A group has as many hosts as the
design has rows, and a round has as many blocks. In a group's round, the host i measures row (i + j) mod rows in the
block j. So the rows are a Latin square over hosts and blocks: the group's hosts have every row once in each block, and
each host has every row once in each round. Both ways, each treatment stands in each place equally often, and follows
each other one equally often.

For three APIs and the twin a design has four rows, and 16 hosts are four groups, so each single block is balanced. For
four APIs and the twin it has ten rows, and 16 hosts are one group and a part of a second.
"""

from collections.abc import Sequence
from random import Random

from documents.run import Cell, Plan, Protocol
from experiment.planning import williams_rows

HostOrders = tuple[tuple[str, ...], ...]
"""The APIs as one host measures them, by block and place."""


def fleet_orders(
    api_names: Sequence[str], hosts: int, blocks: int, random: Random, *, twin: bool = True
) -> tuple[HostOrders, ...]:
    """Draw the orders of a fleet for one load, by host, block and place.

    Three things are drawn: each host's place in a group; and, for each group and round, which API is which treatment,
    and the order of the rows. The last group and the last round may be incomplete; they are balanced only as far as a
    random order is. In the block j, the host i has the API (i + 2j) mod APIs as the twin. So every API is a twin in
    each block, and with each row.

    Args:
        api_names: the APIs, each once, in any order.
        hosts: how many hosts there are.
        blocks: how many blocks each of them measures.
        random: the source of every draw.
        twin: whether each block measures one of its APIs twice.
    """
    names = sorted(api_names)
    treatments: list[str | None] = [*names, None] if twin else [*names]
    design = williams_rows(len(treatments))
    orders: dict[int, list[tuple[str, ...]]] = {host: [] for host in range(hosts)}
    shuffled = random.sample(range(hosts), hosts)
    for group in (shuffled[start : start + len(design)] for start in range(0, hosts, len(design))):
        for first in range(0, blocks, len(design)):
            parts = random.sample(treatments, len(treatments))
            rows, turns = random.sample(design, len(design)), random.sample(names, len(names))
            for place, host in enumerate(group):
                for block in range(min(len(design), blocks - first)):
                    second = turns[(place + 2 * block) % len(turns)]
                    row = rows[(place + block) % len(rows)]
                    orders[host].append(tuple(parts[treatment] or second for treatment in row))
    return tuple(tuple(orders[host]) for host in range(hosts))


def random_of(order_seed: int, scenario: str) -> Random:
    """The source of a fleet's orders for one load: the same on all of its hosts."""
    return Random(f"{order_seed}/{scenario}")  # noqa: S311 - a reproducible order is wanted, not secrets


def plan_for_host(protocol: Protocol, api_names: Sequence[str], order_seed: int, *, host: int, hosts: int) -> Plan:
    """The plan of the run of one host of a fleet; with `host` and `hosts` bound, it is a planner of a run.

    Args:
        protocol: what each host measures.
        api_names: the APIs.
        order_seed: the same for all hosts.
        host: which of the hosts, from 0 on.
        hosts: how many there are.
    """
    orders = {
        scenario.name: fleet_orders(
            api_names, hosts, protocol.blocks, random_of(order_seed, scenario.name), twin=protocol.twin
        )[host]
        for scenario in protocol.scenarios
    }
    shuffling = Random(f"{order_seed}/host {host}")  # noqa: S311 - as above
    planned = [
        (block, scenario, api, api in orders[scenario.name][block][:place])
        for block in range(protocol.blocks)
        for scenario in shuffling.sample(protocol.scenarios, len(protocol.scenarios))
        for place, api in enumerate(orders[scenario.name][block])
    ]
    return Plan(
        order_seed=order_seed,
        cells=tuple(
            Cell(number=number, block=block + 1, api=api, scenario=scenario, twin=twin)
            for number, (block, scenario, api, twin) in enumerate(planned, start=1)
        ),
    )
