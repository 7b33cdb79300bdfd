"""The merged results of several generators are those of one generator that got all answers."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.raw.histogram import read_histogram, recover_raw
from analysis.raw.load_hosts import merge, windows_of
from documents.errors import AnalysisError
from documents.run.protocol import Cell, Scenario
from documents.run.records import CellClocks, ClockReading, ClockReadings
from documents.run.window import OpenLoopErrors, OpenLoopHistogram, OpenLoopResult, WrkErrors, WrkResult
from tests.unit.analysis.run_builder import wrk_result

SECOND_NS = 1_000_000_000
ELAPSED_US = 1_000_000
ENDED_NS = 50 * SECOND_NS

Pairs = list[tuple[int, int]]


def clocks(*offsets_ns: int) -> CellClocks:
    def reading(at_ns: int, offset_ns: int) -> ClockReading:
        return ClockReading(at_ns=at_ns, offset_ns=offset_ns, wall_offset_ns=0, delay_ns=0)

    return CellClocks(
        load_hosts=tuple(
            ClockReadings(before=reading(ENDED_NS, offset), after=reading(ENDED_NS + SECOND_NS, offset))
            for offset in offsets_ns
        )
    )


def wrk(raw: Pairs, *, connections: int = 10, ended_ns: int = ENDED_NS, timeouts: int = 0) -> WrkResult:
    """What a wrk writes that got these answers, its correction included."""
    scenario = Scenario(name="one", workload="read-post", connections=connections, duration_seconds=1)
    errors = WrkErrors(connect=0, read=1, write=0, status=0, timeout=timeouts)
    cell = Cell(number=1, block=1, api="go", scenario=scenario)
    result = wrk_result(cell, raw, ELAPSED_US, threads=2, errors=errors)
    return result.model_copy(update={"ended_ns": ended_ns, "statuses": {"200": result.requests - timeouts}})


def together(parts: Sequence[Pairs]) -> Pairs:
    total: Counter[int] = Counter()
    for part in parts:
        for value, count in part:
            total[value] += count
    return sorted(total.items())


# Enough answers for wrk's correction to add some: 10 connections get one about every 10 ms.
raw_histograms = st.dictionaries(
    st.integers(min_value=0, max_value=60), st.integers(min_value=1, max_value=400), min_size=1, max_size=12
).map(lambda found: sorted((1_001 * value, count) for value, count in found.items()))


@settings(deadline=None)
@given(st.lists(raw_histograms, min_size=2, max_size=4), st.integers(min_value=0, max_value=5))
def test_the_merge_of_split_answers_is_what_one_wrk_writes_of_all(split: list[Pairs], timeouts: int):
    parts = [wrk(raw, timeouts=timeouts) for raw in split]
    merged = merge(parts, clocks(*[0] * len(parts)))
    whole = wrk(together(split), connections=10 * len(parts), timeouts=timeouts * len(parts))
    assert merged == whole.model_copy(
        update={"threads": 2 * len(parts), "errors": whole.errors.model_copy(update={"read": len(parts)})}
    )
    assert isinstance(merged, WrkResult)
    raw = recover_raw(read_histogram(merged.latency, name="merged"), merged, name="merged")
    assert list(zip(raw.values.tolist(), raw.counts.tolist(), strict=True)) == together(split)


def test_the_load_is_from_the_first_begin_to_the_last_end_by_the_clock_of_the_labs_host():
    first, second = wrk([(500, 100)]), wrk([(500, 300)], ended_ns=ENDED_NS + SECOND_NS // 2)
    # The second host was booted 0.4 s later, so its load began 0.1 s after the first one's.
    apart = clocks(7 * SECOND_NS, 7 * SECOND_NS - 4 * SECOND_NS // 10)
    merged = merge([first, second], apart)
    assert isinstance(merged, WrkResult)
    assert (merged.elapsed_us, merged.ended_ns) == (1_100_000, ENDED_NS + 7 * SECOND_NS + SECOND_NS // 10)
    assert (merged.requests, merged.bytes, merged.statuses) == (400, 80_000, {"200": 400})
    starts = [window.start_ns for window in windows_of([first, second], apart)]
    assert starts[1] - starts[0] == SECOND_NS // 10


def test_one_generators_result_is_its_own_but_for_the_clock():
    own = wrk([(500, 100), (900_000, 3)])
    assert merge([own], clocks(123)) == own.model_copy(update={"ended_ns": ENDED_NS + 123})


def test_one_generators_window_keeps_its_length_although_its_clock_runs_at_another_pace():
    own = wrk([(500, 100), (900_000, 3)])
    [readings] = clocks(0).load_hosts
    before = readings.before.model_copy(update={"at_ns": ENDED_NS - SECOND_NS})
    after = readings.after.model_copy(update={"at_ns": ENDED_NS, "offset_ns": 400_000})
    faster = CellClocks(load_hosts=(ClockReadings(before=before, after=after),))
    assert merge([own], faster) == own.model_copy(update={"ended_ns": ENDED_NS + 400_000})


def test_statuses_that_were_not_counted_stay_so():
    own = wrk([(500, 100)]).model_copy(update={"statuses": None})
    assert merge([own, own], clocks(0, 0)).statuses is None


def test_results_that_are_not_of_one_load_or_lack_a_clock_are_refused():
    own = wrk([(500, 100)])
    with pytest.raises(AnalysisError, match="aren't of one load"):
        merge([own, own.model_copy(update={"workload": "login"})], clocks(0, 0))
    with pytest.raises(AnalysisError, match="clocks of 1 load hosts, but 2 have results"):
        merge([own, own], clocks(0))


durations = st.lists(st.integers(min_value=0, max_value=2_000), max_size=30)


def open_loop(latencies: list[int], *, failed: int, rate: int) -> OpenLoopResult:
    def histogram(values: list[int]) -> OpenLoopHistogram:
        pairs = tuple(sorted(Counter(values).items()))
        ends = (pairs[0][0], pairs[-1][0]) if pairs else (0, 0)
        return OpenLoopHistogram(count=len(values), minimum_us=ends[0], maximum_us=ends[1], histogram=pairs)

    sent = len(latencies) + failed
    return OpenLoopResult(
        vegeta_version="v12.13.0",
        workload="mixed",
        connections=5,
        timeout_seconds=2,
        duration_seconds=1,
        rate=rate,
        started_ns=ENDED_NS,
        ended_ns=ENDED_NS + SECOND_NS,
        requests=sent,
        sent_in_window=sent,
        connections_opened=min(sent, 5),
        errors=OpenLoopErrors(timeout=failed, other=0),
        first_error="deadline" if failed else None,
        statuses={"GET": {"200": len(latencies)}} if latencies else {},
        latency=histogram(latencies),
        lateness=histogram([20] * sent),
    )


@given(durations, durations, st.integers(min_value=0, max_value=3))
def test_an_open_loop_split_in_two_is_the_whole_when_it_is_merged(first: list[int], second: list[int], failed: int):
    parts = [open_loop(first, failed=failed, rate=34), open_loop(second, failed=0, rate=33)]
    whole = open_loop(first + second, failed=failed, rate=67)
    assert merge(parts, clocks(0, 0)) == whole.model_copy(
        update={"connections": 10, "connections_opened": sum(part.connections_opened for part in parts)}
    )


def test_the_open_loop_is_placed_on_the_clock_of_the_labs_host():
    parts = [open_loop([5], failed=0, rate=1), open_loop([7], failed=0, rate=1)]
    merged = merge(parts, clocks(-SECOND_NS, -SECOND_NS + 40))
    assert (merged.started_ns, merged.ended_ns) == (ENDED_NS - SECOND_NS, ENDED_NS + 40)
