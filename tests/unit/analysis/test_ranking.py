"""Ranks as ranges: exactly the places that an API has in the orders which the verdicts leave open."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics.comparison import rank_ranges

APIS = ("go", "kotlin", "rust", "zig")


def ranges(*better_than: tuple[str, str]) -> dict[str, tuple[int, int]]:
    return {rank.api: (rank.best, rank.worst) for rank in rank_ranges(APIS, better_than)}


def test_verdicts_that_contradict_each_other_order_nothing_among_themselves():
    found = ranges(("rust", "go"), ("go", "zig"), ("zig", "rust"), ("zig", "kotlin"))
    assert found == {"rust": (1, 3), "go": (1, 3), "zig": (1, 3), "kotlin": (4, 4)}


def test_best_are_first_and_ties_by_name():
    assert [rank.api for rank in rank_ranges(APIS, [("zig", "go"), ("rust", "go")])] == ["rust", "zig", "kotlin", "go"]


@pytest.mark.parametrize("count", [1, 2])
def test_few_apis(count: int):
    assert [(rank.best, rank.worst) for rank in rank_ranges(APIS[:count], ())] == [(1, count)] * count


@given(order=st.permutations(APIS), known=st.sets(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=6))
def test_ranges_are_the_places_of_all_orders_that_the_verdicts_allow(order: list[str], known: set[tuple[int, int]]):
    better_than = {(order[high], order[low]) for high, low in known if high < low}
    allowed = [
        candidate
        for candidate in permutations(APIS)
        if all(candidate.index(better) < candidate.index(worse) for better, worse in better_than)
    ]
    for api, (best, worst) in ranges(*better_than).items():
        places = {candidate.index(api) + 1 for candidate in allowed}
        assert places == set(range(best, worst + 1))
