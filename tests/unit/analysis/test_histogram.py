"""wrk's histogram: the inversion of its correction is exact, and mean and percentiles are those of the field."""

import re
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.raw.histogram import (
    LEAST_BEYOND,
    ONE_IN,
    Histogram,
    add_correction,
    expected_interval,
    invert_correction,
    read_histogram,
    recover_raw,
    sum_of,
)
from documents.errors import AnalysisError
from documents.run.window import WrkLatency, WrkResult
from tests.unit.analysis import wrk_port

CAPTURED = Path(__file__).parent / "captured"

counts = st.integers(min_value=1, max_value=1000)
histograms = st.dictionaries(st.integers(min_value=0, max_value=400), counts, min_size=1).map(
    lambda found: sorted(found.items())
)
intervals = st.integers(min_value=1, max_value=500)


def histogram(pairs: list[tuple[int, int]]) -> Histogram:
    return Histogram(np.array([value for value, _ in pairs]), np.array([count for _, count in pairs]))


def pairs_of(found: Histogram) -> list[tuple[int, int]]:
    return list(zip(found.values.tolist(), found.counts.tolist(), strict=True))


def captured(name: str) -> tuple[WrkResult, str]:
    path = CAPTURED / f"{name}.json"
    return WrkResult.from_json(path.read_bytes(), name=path.name), (CAPTURED / f"{name}.txt").read_text()


def with_latency(result: WrkResult, pairs: list[tuple[int, int]], **others: int) -> WrkResult:
    latency = WrkLatency(
        count=sum(count for _, count in pairs),
        minimum_us=pairs[0][0],
        maximum_us=pairs[-1][0],
        histogram=tuple(pairs),
    )
    return result.model_copy(update={"latency": latency.model_copy(update=others)})


@given(raw=histograms, interval=intervals)
def test_inverting_what_wrk_corrects_gives_the_raw_histogram(raw: list[tuple[int, int]], interval: int):
    corrected = wrk_port.to_pairs(wrk_port.stats_correct(wrk_port.to_dense(raw), interval))
    assert pairs_of(invert_correction(histogram(corrected), interval, name="wrk.json")) == raw


@given(raw=histograms, interval=intervals)
def test_a_raw_histogram_is_corrected_as_wrk_does_it(raw: list[tuple[int, int]], interval: int):
    corrected = wrk_port.to_pairs(wrk_port.stats_correct(wrk_port.to_dense(raw), interval))
    assert pairs_of(add_correction(histogram(raw), interval)) == corrected


@given(parts=st.lists(histograms, min_size=1, max_size=4))
def test_the_sum_of_histograms_has_every_latency_of_each(parts: list[list[tuple[int, int]]]):
    together: dict[int, int] = {}
    for value, count in (pair for part in parts for pair in part):
        together[value] = together.get(value, 0) + count
    assert pairs_of(sum_of([histogram(part) for part in parts])) == sorted(together.items())


@given(corrected=histograms, interval=intervals)
def test_an_inversion_that_is_not_refused_leads_back_to_the_same_histogram(
    corrected: list[tuple[int, int]], interval: int
):
    try:
        raw = pairs_of(invert_correction(histogram(corrected), interval, name="wrk.json"))
    except AnalysisError:
        return
    assert wrk_port.to_pairs(wrk_port.stats_correct(wrk_port.to_dense(raw), interval)) == corrected


@pytest.mark.parametrize("name", ["stalls", "timeouts", "dropped-connections"])
def test_a_real_run_is_inverted_to_each_of_its_responses(name: str):
    result, _ = captured(name)
    corrected = read_histogram(result.latency, name="wrk.json")
    raw = recover_raw(corrected, result, name="wrk.json")
    interval = expected_interval(result)

    assert interval is not None
    if name != "timeouts":
        assert corrected.count > raw.count
    assert raw.count == result.requests - result.errors.timeout
    assert raw.values[0] == result.latency.minimum_us
    again = wrk_port.stats_correct(wrk_port.to_dense(pairs_of(raw)), interval)
    assert wrk_port.to_pairs(again) == [tuple(pair) for pair in result.latency.histogram]


@pytest.mark.parametrize("name", ["stalls", "timeouts", "dropped-connections"])
def test_what_wrk_prints_is_the_corrected_histogram(name: str):
    result, printed = captured(name)
    corrected = read_histogram(result.latency, name="wrk.json")
    lines: list[tuple[str, str, str]] = re.findall(r"^ +(\d+)% +([\d.]+)(us|ms|s)$", printed, flags=re.MULTILINE)

    assert [percent for percent, _, _ in lines] == ["50", "75", "90", "99"]
    for percent, value, unit in lines:
        expected = wrk_port.stats_percentile(pairs_of(corrected), Decimal(percent))
        microseconds = float(value) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]
        assert microseconds == pytest.approx(expected, rel=0.005)
    mean = re.search(r"Latency +([\d.]+)ms", printed)
    assert mean is not None
    assert corrected.mean() / 1e3 == pytest.approx(float(mean[1]), rel=0.005)


@given(pairs=histograms, per_mille=st.sampled_from([500, 900, 990, 999]))
def test_wrks_own_percentile_is_at_most_one_response_higher(pairs: list[tuple[int, int]], per_mille: int):
    ordered = sorted(value for value, count in pairs for _ in range(count))
    rank = -(-per_mille * len(ordered) // 1000)
    of_wrk = wrk_port.stats_percentile(pairs, Decimal(per_mille) / 10)
    whole = per_mille * len(ordered) % 1000 == 0
    assert histogram(pairs).percentile(per_mille) == ordered[rank - 1]
    assert of_wrk == (ordered[rank] if whole else ordered[rank - 1])


@pytest.mark.parametrize(
    ("pairs", "others", "says"),
    [
        ([(5, 1), (4, 1)], {}, "must rise"),
        ([(5, 1), (5, 1)], {}, "must rise"),
        ([(-1, 1), (5, 1)], {}, "must rise"),
        ([(5, 0)], {}, "must rise"),
        ([(5, 2**54)], {}, "can't write"),
        ([(5, 2**70)], {}, "more than 64 bits"),
        ([(5, 1)], {"count": 2}, "wrk counted 2"),
        ([(5, 1)], {"maximum_us": 6}, "wrk says 6"),
    ],
)
def test_a_histogram_that_contradicts_itself_is_refused(
    pairs: list[tuple[int, int]], others: dict[str, int], says: str
):
    result = with_latency(captured("stalls")[0], pairs, **others)
    with pytest.raises(AnalysisError, match=says) as raised:
        read_histogram(result.latency, name="cells/001-go-light/wrk.json")
    assert "cells/001-go-light/wrk.json" in str(raised.value)


def test_a_histogram_that_lacks_what_the_correction_adds_is_refused():
    with pytest.raises(AnalysisError, match="wrk's correction at an interval of 10 µs can't have made it"):
        invert_correction(histogram([(5, 9), (35, 1)]), 10, name="wrk.json")


def test_a_histogram_with_a_response_too_few_is_refused():
    result, _ = captured("stalls")
    first, *rest = result.latency.histogram
    fewer = with_latency(result, [(first[0], first[1] - 1), *rest] if first[1] > 1 else rest)
    with pytest.raises(AnalysisError, match=f"holds {result.requests - 1} responses, but wrk recorded"):
        recover_raw(read_histogram(fewer.latency, name="wrk.json"), fewer, name="wrk.json")


def test_wrk_corrects_nothing_when_there_are_fewer_requests_than_connections():
    result = with_latency(captured("stalls")[0], [(100, 1), (90_000, 2)]).model_copy(update={"requests": 3})
    assert expected_interval(result) is None
    corrected = read_histogram(result.latency, name="wrk.json")
    assert pairs_of(recover_raw(corrected, result, name="wrk.json")) == [(100, 1), (90_000, 2)]


def latencies_of(found: Histogram) -> list[int]:
    return [value for value, count in pairs_of(found) for _ in range(count)]


@given(pairs=histograms)
def test_one_response_in_n_is_beyond_each_point_of_a_tail(pairs: list[tuple[int, int]]):
    found = histogram(pairs)
    ordered = latencies_of(found)
    shown = [one_in for one_in in ONE_IN if len(ordered) / one_in >= LEAST_BEYOND]
    assert found.tail().tolist() == [ordered[len(ordered) - int(len(ordered) / one_in) - 1] for one_in in shown]
