"""Williams rows are balanced, and blocks take them whole, with each API as the twin in turn."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from random import Random

import pytest

from documents.errors import RunError
from experiment.planning.plan import block_orders, williams_rows

APIS = ("go", "kotlin", "rust", "zig")


def drawn(api_names: Sequence[str], blocks: int, *, seed: int) -> tuple[tuple[str, ...], ...]:
    return block_orders(api_names, blocks, Random(seed))  # noqa: S311 - as the plan's


def twin_of(order: Sequence[str]) -> str:
    """The one API that is there twice."""
    [twin] = [api for api, times in Counter(order).items() if times > 1]
    return twin


sizes = pytest.mark.parametrize("treatments", range(2, 13))


@sizes
def test_each_row_has_each_treatment_once(treatments: int):
    assert all(sorted(row) == list(range(treatments)) for row in williams_rows(treatments))


@sizes
def test_each_treatment_has_each_place_equally_often(treatments: int):
    places = Counter((place, treatment) for row in williams_rows(treatments) for place, treatment in enumerate(row))
    assert len(places) == treatments**2
    assert set(places.values()) == {1 + treatments % 2}


@sizes
def test_each_treatment_follows_each_other_equally_often(treatments: int):
    followers = Counter(pair for row in williams_rows(treatments) for pair in pairwise(row))
    assert len(followers) == treatments * (treatments - 1)
    assert set(followers.values()) == {1 + treatments % 2}


@pytest.mark.parametrize(
    ("treatments", "published"),
    [
        # MRC Cognition and Brain Sciences Unit's statistics wiki, "CounterBalancing", N = 6 and N = 7.
        (6, "126354 231465 342516 453621 564132 615243"),
        (
            7,
            (
                "1273645 2314756 3425167 4536271 5647312 6751423 7162534 "
                "5463721 6574132 7615243 1726354 2137465 3241576 4352617"
            ),
        ),
    ],
)
def test_rows_are_the_published_ones(treatments: int, published: str):
    found = {"".join(str(treatment + 1) for treatment in row) for row in williams_rows(treatments)}
    assert found == set(published.split())


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_a_block_has_each_api_once_and_its_twin_twice(count: int):
    for order in drawn(APIS[:count] if count < 5 else (*APIS, "ada"), 30, seed=1):
        times = Counter(order)
        assert times.pop(twin_of(order)) == 2
        assert len(times) == count - 1
        assert set(times.values()) <= {1}


def test_ten_blocks_of_four_are_a_whole_design():
    """A single API's places are balanced in the blocks in which it isn't the twin, together with the twin's in all."""
    for seed in range(20):
        orders = drawn(APIS, 10, seed=seed)
        places = Counter((place, api) for order in orders for place, api in enumerate(order))
        single = Counter(api for order in orders for api in order)
        twins = Counter(twin_of(order) for order in orders)
        assert sorted(twins.values()) == [2, 2, 3, 3]
        assert all(single[api] == 10 + twins[api] for api in APIS)
        # Each place is met by each of five treatments twice; a twin adds to the one place of its API.
        assert all(2 <= places[place, api] <= 2 + twins[api] for place in range(5) for api in APIS)
        followers = Counter(pair for order in orders for pair in pairwise(order))
        assert all(followers[pair] >= 2 for pair in ((a, b) for a in APIS for b in APIS if a != b))


def test_rows_are_shuffled_and_not_only_given_other_names():
    """From its place in one block follows nothing about an API's place in the next."""
    moves = {
        (first.index(api), second.index(api))
        for first, second in (drawn(APIS, 2, seed=seed) for seed in range(100))
        for api in set(APIS) - {twin_of(first), twin_of(second)}
    }
    assert len(moves) > 15, "rows in their own order have five: each place leads to one other"


def test_each_api_is_the_twin_in_turn():
    twins = [twin_of(order) for order in drawn(APIS, 12, seed=4)]
    assert set(twins[:4]) == set(APIS)
    assert twins == twins[:4] * 3


def test_orders_without_apis_are_refused():
    with pytest.raises(RunError, match="no API to measure"):
        drawn((), 3, seed=1)
    with pytest.raises(RunError, match="named twice: go, go"):
        drawn(("go", "go"), 3, seed=1)
