"""The series of a warm-up, from what wrk's threads say of it."""

import pytest

from provision.load.wrk import series_of


def test_a_second_counts_when_all_threads_have_reported_it():
    assert series_of("0 0 100\n0 1 110\n0 2 120\n1 0 90\n", 2) == (190,)
    assert series_of("0 0 100\n0 1 110\n", 2) == ()
    assert series_of("", 1) == ()


@pytest.mark.parametrize("torn", ["0 1 1", "0 1 ", "0 1", "0 ", "0"])
def test_a_line_that_is_not_whole_is_left_out_and_spoils_no_other_second(torn: str):
    assert series_of(f"1 0 90\n0 0 100\n{torn}", 2) == (190,)
    assert series_of(f"0 0 100\n{torn}1 0 90\n", 2) in {(), (190,)}
    assert series_of(f"1 0 90\n1 1 95\n0 0 100\n{torn}2 0 10\n2 1 11\n", 3) in {(), (200,)}
