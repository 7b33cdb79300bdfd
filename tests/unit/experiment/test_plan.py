from collections import Counter
from itertools import groupby, pairwise

import pytest
from pydantic import ValidationError

from documents.run.protocol import Cell, Plan, Protocol
from experiment.planning.plan import make_plan, williams_rows
from experiment.planning.subjects import read_protocol

APIS = ("go", "kotlin", "rust", "zig")


@pytest.fixture(scope="module")
def protocol() -> Protocol:
    return read_protocol("article")


@pytest.fixture(scope="module")
def plan(protocol: Protocol) -> Plan:
    return make_plan(protocol, APIS, order_seed=11)


@pytest.fixture(scope="module")
def without_twin(protocol: Protocol) -> Plan:
    return make_plan(protocol.model_copy(update={"twin": False}), APIS, order_seed=11)


def places_compared(plan: Plan) -> list[list[Cell]]:
    """The cells of each block and scenario, which are compared with each other."""
    return [list(cells) for _, cells in groupby(plan.cells, lambda cell: (cell.block, cell.scenario.name))]


def test_each_block_has_each_api_under_each_scenario_and_one_of_them_twice(plan: Plan, protocol: Protocol):
    assert len(places_compared(plan)) == protocol.blocks * len(protocol.scenarios)
    for cells in places_compared(plan):
        times = Counter(cell.api for cell in cells)
        assert set(times) == set(APIS)
        assert sorted(times.values()) == [1, 1, 1, 2]
    assert [cell.block for cell in plan.cells] == sorted(cell.block for cell in plan.cells)


def test_the_second_cell_of_the_twin_is_marked_and_no_other(plan: Plan):
    for cells in places_compared(plan):
        [marked] = [cell for cell in cells if cell.twin]
        [first, second] = [cell for cell in cells if cell.api == marked.api]
        assert (first.twin, second) == (False, marked)
    assert len({cell.id for cell in plan.cells}) == len(plan.cells)


def test_without_a_twin_each_block_has_each_api_under_each_scenario_once(without_twin: Plan, protocol: Protocol):
    counts = Counter((cell.block, cell.api, cell.scenario.name) for cell in without_twin.cells)
    assert set(counts.values()) == {1}
    assert len(counts) == protocol.blocks * len(protocol.scenarios) * len(APIS)
    assert not any(cell.twin for cell in without_twin.cells)


def test_the_order_differs_from_block_to_block_and_from_scenario_to_scenario(plan: Plan):
    orders = [
        tuple((cell.scenario.name, cell.api) for cell in cells) for _, cells in groupby(plan.cells, lambda c: c.block)
    ]
    assert len(set(orders)) == len(orders)
    assert len(Counter(order[0][0] for order in orders)) > 1, "the scenarios are shuffled too"
    of_first_block = [tuple(cell.api for cell in cells) for cells in places_compared(plan)[:3]]
    assert len(set(of_first_block)) > 1


def test_the_orders_of_a_scenario_are_whole_williams_designs(protocol: Protocol):
    """Without a twin they can be read from the plan itself: four APIs make four rows, and eight blocks two designs."""
    eight = protocol.model_copy(update={"twin": False, "blocks": 8})
    plan = make_plan(eight, APIS, order_seed=3)
    for scenario in protocol.scenarios:
        rows = [
            tuple(cell.api for cell in cells)
            for cells in places_compared(plan)
            if cells[0].scenario.name == scenario.name
        ]
        assert len(rows) == 2 * len(williams_rows(len(APIS)))
        places = Counter((place, api) for row in rows for place, api in enumerate(row))
        followers = Counter(pair for row in rows for pair in pairwise(row))
        assert set(places.values()) == {2}
        assert set(followers.values()) == {2}
        assert (len(places), len(followers)) == (16, 12)


def test_the_seed_gives_the_order_again_whatever_order_the_apis_were_named_in(protocol: Protocol, plan: Plan):
    assert make_plan(protocol, tuple(reversed(APIS)), order_seed=11) == plan
    assert make_plan(protocol, APIS, order_seed=12).cells != plan.cells


def test_cells_are_numbered_from_one(plan: Plan):
    assert [cell.number for cell in plan.cells] == list(range(1, len(plan.cells) + 1))
    assert plan.cells[0].id == f"001-{plan.cells[0].api}-{plan.cells[0].scenario.name}"


@pytest.mark.parametrize("margin", [0.0, -0.03, 0.51, 3.0, float("nan")])
def test_an_invalid_margin_is_refused(protocol: Protocol, margin: float):
    with pytest.raises(ValidationError, match="margin"):
        Protocol.model_validate({**protocol.model_dump(), "margin": margin})
