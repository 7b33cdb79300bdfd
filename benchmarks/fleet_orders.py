"""The orders of a fleet: in which order each host of several measures the APIs in each of its blocks.

A host measures whole blocks, every API in each, so that what a host is cancels in the ratio of two APIs as the hour
does. What is spread over the hosts are the rows of a Williams design, as in any run. As many hosts as it has
rows are a group, and as many blocks are a round. In a group's round, the host i measures in the block j the row
i + j, counted around. So the rows are a Latin square over hosts and blocks: in each block the group's hosts have all
rows between them, and in each round each host has all of them. Either way each treatment stands in each place equally
often, and follows each other one equally often.

For three APIs and the twin a design has four rows, and 16 hosts are four groups: the square is whole in every single
block. For four APIs and the twin it has ten, and 16 hosts are a group and a part of one.
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

    Which host has which place in its group, which API has which part in the design, and the order of the rows are drawn
    for each group and round. The last group and the last round may be parts; there the balance is that of a random
    order. The host i has in the block j the API i + 2j, counted around, as the twin: then the hosts of a block have all
    APIs between them, and so have the blocks in which a row is met.

    Args:
        api_names: the APIs, each once, in any order.
        hosts: how many hosts there are.
        blocks: how many blocks each of them measures.
        random: where all is drawn from.
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
    """What the orders of a fleet are drawn from for one load: the same for all of its hosts."""
    return Random(f"{order_seed}/{scenario}")  # noqa: S311 - a reproducible order is wanted, not secrets


def plan_for_host(protocol: Protocol, api_names: Sequence[str], order_seed: int, *, host: int, hosts: int) -> Plan:
    """The plan of the run of one host of a fleet: with `host` and `hosts` given, a planner of a run.

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
