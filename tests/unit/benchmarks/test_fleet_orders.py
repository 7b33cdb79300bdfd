"""The orders of a fleet: a Latin square over hosts and blocks, whose rows are those of a Williams design."""

from collections import Counter
from itertools import pairwise, product

import pytest

from benchmarks.fleet_orders import HostOrders, fleet_orders, plan_for_host, random_of
from documents.protocol import Protocol, Scenario

FOUR = ("go", "kotlin", "rust", "zig")
THREE = FOUR[:3]

PROTOCOL = Protocol(
    version=1,
    name="fleet",
    blocks=4,
    warm_up_seconds=1,
    scenarios=(
        Scenario(name="light", workload="read-post", connections=10, duration_seconds=1),
        Scenario(name="heavy", workload="read-post", connections=100, duration_seconds=1),
    ),
)


def draw(names: tuple[str, ...], hosts: int, blocks: int, *, seed: int = 1, twin: bool = False) -> list[HostOrders]:
    return [*fleet_orders(names, hosts, blocks, random_of(seed, "read-post"), twin=twin)]


def places(orders: HostOrders) -> Counter[tuple[int, str]]:
    return Counter(placed for order in orders for placed in enumerate(order))


def successions(orders: HostOrders) -> Counter[tuple[str, str]]:
    return Counter(pair for order in orders for pair in pairwise(order))


@pytest.mark.parametrize(("names", "hosts", "rows"), [(FOUR, 16, 4), (THREE, 12, 6), (FOUR[:2], 16, 2)])
def test_in_each_block_each_api_has_each_place_and_follows_each_other_equally_often(
    names: tuple[str, ...], hosts: int, rows: int
):
    orders = draw(names, hosts, rows + 1)
    for block in range(rows + 1):
        of_block = tuple(host[block] for host in orders)
        assert places(of_block) == dict.fromkeys(product(range(len(names)), names), hosts / len(names))
        others = [(before, after) for before, after in product(names, names) if before != after]
        assert successions(of_block) == dict.fromkeys(others, hosts / len(names))


@pytest.mark.parametrize(("names", "rows"), [(FOUR, 4), (THREE, 6)])
@pytest.mark.parametrize("hosts", [16, 5, 1])
def test_in_each_round_each_host_has_each_row(names: tuple[str, ...], rows: int, hosts: int):
    for host in draw(names, hosts, 2 * rows):
        for first in (0, rows):
            of_round = host[first : first + rows]
            assert len({*of_round}) == rows
            assert places(of_round) == dict.fromkeys(product(range(len(names)), names), rows / len(names))


def test_three_apis_and_the_twin_fill_whole_squares_in_each_block_and_are_the_twin_in_turn():
    orders = draw(THREE, 16, 12, twin=True)
    for block in range(12):
        twins = Counter(next(api for api in THREE if host[block].count(api) == 2) for host in orders)
        assert sorted(twins) == sorted(THREE)
        # Of the four hosts of a group one API is the twin twice; over four groups that may be the same one.
        assert all(4 <= count <= 8 for count in twins.values())
        assert all(sorted({*host[block]}) == sorted(THREE) and len(host[block]) == 4 for host in orders)
    for host in orders:
        twins = Counter(next(api for api in THREE if order.count(api) == 2) for order in host)
        assert all(3 <= count <= 6 for count in twins.values()), "two of four blocks of a round have one API, in turn"


def test_each_row_meets_each_api_as_its_twin():
    """With four APIs a design has ten rows. A twin in step with them would be met by half of the rows only."""
    orders = draw(FOUR, 10, 10, twin=True)
    assert len({order for host in orders for order in host}) == 10 * len(FOUR)


def test_the_seed_gives_the_orders_again_however_the_apis_are_listed_and_another_gives_others():
    assert draw(FOUR, 16, 4) == draw(FOUR[::-1], 16, 4)
    assert draw(FOUR, 16, 4) != draw(FOUR, 16, 4, seed=2)
    first = {draw(FOUR, 16, 1, seed=seed)[0][0] for seed in range(60)}
    assert {order[0] for order in first} == {*FOUR}, "parts are drawn"
    assert len(first) > 12, "and so are rows"


def test_the_plans_of_all_hosts_are_one_square_for_each_load():
    plans = [plan_for_host(PROTOCOL, THREE, 7, host=host, hosts=16) for host in range(16)]
    for scenario in PROTOCOL.scenarios:
        orders = fleet_orders(THREE, 16, PROTOCOL.blocks, random_of(7, scenario.name))
        for plan, of_host in zip(plans, orders, strict=True):
            for block, order in enumerate(of_host, start=1):
                cells = [cell for cell in plan.cells if (cell.block, cell.scenario) == (block, scenario)]
                assert tuple(cell.api for cell in cells) == order
                assert [cell.twin for cell in cells] == [api in order[:place] for place, api in enumerate(order)]
                numbers = [cell.number for cell in cells]
                assert numbers == [*range(numbers[0], numbers[0] + len(cells))], "next to each other in time"
    for plan in plans:
        assert [cell.number for cell in plan.cells] == [*range(1, 2 * PROTOCOL.blocks * 4 + 1)]
        assert plan.order_seed == 7
    assert len({tuple(cell.scenario.name for cell in plan.cells) for plan in plans}) > 1, "each shuffles its loads"
