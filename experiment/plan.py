"""The plan of a run: blocks, in each of them all scenarios, and under each of these all APIs in a balanced order.

The scenarios of a block are shuffled. Under each, the APIs stand next to each other in time, for they are compared with
one another and are to share whatever drifts. Their order is that of a Williams design with the A/A twin in it, drawn
for each scenario by itself (see `experiment.order`). Measuring one API after the other instead turns drift into
differences: 46% false ones a pair in simulated A/A runs, against 5% in blocks.
"""

from collections.abc import Iterator, Sequence
from random import Random

from documents.plan import Cell, Plan
from documents.protocol import Protocol, Scenario
from experiment.order import block_orders


def make_plan(protocol: Protocol, api_names: Sequence[str], order_seed: int) -> Plan:
    """Plan the cells of a run; the same arguments give the same plan.

    Raises:
        RunError: there is no API to measure, or one is named twice.
    """
    return Plan(
        order_seed=order_seed,
        cells=tuple(
            Cell(number=number, block=block, api=api, scenario=scenario, twin=twin)
            for number, (block, scenario, api, twin) in enumerate(_ordered(protocol, api_names, order_seed), start=1)
        ),
    )


def _ordered(
    protocol: Protocol, api_names: Sequence[str], order_seed: int
) -> Iterator[tuple[int, Scenario, str, bool]]:
    random = Random(order_seed)  # noqa: S311 - a reproducible order is wanted, not secrets
    orders = {
        scenario.name: block_orders(api_names, protocol.blocks, random, twin=protocol.twin)
        for scenario in protocol.scenarios
    }
    for block in range(1, protocol.blocks + 1):
        for scenario in random.sample(protocol.scenarios, len(protocol.scenarios)):
            apis = orders[scenario.name][block - 1]
            for place, api in enumerate(apis):
                yield block, scenario, api, api in apis[:place]
