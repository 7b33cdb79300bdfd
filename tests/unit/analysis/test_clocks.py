"""A load host's clock to that of the lab's host: between two readings, and as exactly as they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.raw.load_hosts import error_seconds, to_lab_ns
from documents.errors import AnalysisError
from documents.run.records import CellClocks, ClockReading, ClockReadings


def reading(at_ns: int, offset_ns: int, delay_ns: int = 100) -> ClockReading:
    return ClockReading(at_ns=at_ns, offset_ns=offset_ns, wall_offset_ns=0, delay_ns=delay_ns)


def test_the_offset_changes_evenly_between_the_readings():
    clock = ClockReadings(before=reading(1_000, 50), after=reading(3_000, 150))
    assert [to_lab_ns(clock, at) for at in (1_000, 2_000, 3_000, 4_000)] == [1_050, 2_100, 3_150, 4_200]


@given(st.integers(min_value=0, max_value=2**62), st.integers(min_value=-(2**62), max_value=2**62))
def test_a_moment_is_exact_however_long_a_host_has_been_up(at_ns: int, offset_ns: int):
    clock = ClockReadings(before=reading(at_ns, offset_ns), after=reading(at_ns + 10**10, offset_ns))
    assert to_lab_ns(clock, at_ns + 1) == at_ns + 1 + offset_ns


def test_readings_in_the_wrong_order_are_refused():
    with pytest.raises(AnalysisError, match="isn't later"):
        to_lab_ns(ClockReadings(before=reading(5, 0), after=reading(5, 0)), 5)


def test_two_hosts_may_be_apart_by_the_errors_of_both_and_one_by_its_own():
    first = ClockReadings(before=reading(1, 0, 4_000_000), after=reading(2, 0, 2_000_000))
    second = ClockReadings(before=reading(1, 0, 1_000_000), after=reading(2, 0, 6_000_000))
    assert error_seconds(CellClocks(load_hosts=(first,))) == pytest.approx(0.002)
    assert error_seconds(CellClocks(load_hosts=(first, second))) == pytest.approx(0.005)


def test_what_an_offset_changed_by_beyond_a_drift_is_an_error():
    """A drift of 500 ppm is 5 ms in ten seconds."""

    def changed_by(offset_ns: int) -> float:
        clock = ClockReadings(before=reading(0, 7, 2_000_000), after=reading(10**10, 7 + offset_ns, 2_000_000))
        return error_seconds(CellClocks(load_hosts=(clock,)))

    assert [changed_by(5_000_000), changed_by(-5_000_000)] == [pytest.approx(0.001)] * 2
    assert [changed_by(25_000_000), changed_by(-25_000_000)] == [pytest.approx(0.021)] * 2
