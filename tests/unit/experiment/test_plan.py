from collections import Counter
from itertools import groupby

import pytest

from documents.errors import RunError
from documents.plan import Plan
from documents.protocol import Protocol
from experiment.plan import make_plan
from experiment.protocol_file import read_protocol

APIS = ("go", "kotlin", "rust", "zig")


@pytest.fixture(scope="module")
def protocol() -> Protocol:
    return read_protocol("article")


@pytest.fixture(scope="module")
def plan(protocol: Protocol) -> Plan:
    return make_plan(protocol, APIS, order_seed=11)


def test_each_block_has_each_api_under_each_scenario_once(plan: Plan, protocol: Protocol):
    counts = Counter((cell.block, cell.api, cell.scenario.name) for cell in plan.cells)
    assert set(counts.values()) == {1}
    assert len(counts) == protocol.blocks * len(protocol.scenarios) * len(APIS)
    assert [cell.block for cell in plan.cells] == sorted(cell.block for cell in plan.cells)


def test_cells_that_are_compared_stand_next_to_each_other(plan: Plan):
    runs = [[cell.api for cell in cells] for _, cells in groupby(plan.cells, lambda c: (c.block, c.scenario.name))]
    assert all(sorted(run) == sorted(APIS) for run in runs)


def test_the_order_differs_from_block_to_block(plan: Plan):
    orders = [
        tuple((cell.scenario.name, cell.api) for cell in cells) for _, cells in groupby(plan.cells, lambda c: c.block)
    ]
    assert len(set(orders)) == len(orders)
    first_apis = Counter(order[0][1] for order in orders)
    assert len(first_apis) > 1


def test_every_api_gets_every_place_about_equally_often(protocol: Protocol):
    many = protocol.model_copy(update={"blocks": 400})
    plan = make_plan(many, APIS, order_seed=3)
    places = Counter((cell.api, (cell.number - 1) % len(APIS)) for cell in plan.cells)
    for count in places.values():
        assert count == pytest.approx(300, abs=75), "1,200 shuffles of four: 300 each, standard deviation 15"


def test_the_seed_gives_the_order_again_whatever_order_the_apis_were_named_in(protocol: Protocol, plan: Plan):
    assert make_plan(protocol, tuple(reversed(APIS)), order_seed=11) == plan
    assert make_plan(protocol, APIS, order_seed=12).cells != plan.cells


def test_cells_are_numbered_from_one(plan: Plan):
    assert [cell.number for cell in plan.cells] == list(range(1, len(plan.cells) + 1))
    assert plan.cells[0].id == f"001-{plan.cells[0].api}-{plan.cells[0].scenario.name}"


def test_a_plan_without_apis_is_refused(protocol: Protocol):
    with pytest.raises(RunError, match="no API to measure"):
        make_plan(protocol, (), order_seed=1)
    with pytest.raises(RunError, match="named twice: go, go"):
        make_plan(protocol, ("go", "go"), order_seed=1)
