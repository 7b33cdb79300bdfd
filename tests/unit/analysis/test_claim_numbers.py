"""Absolute numbers: the interval against the published value within 5%, and what can't stand beside it at all."""

import math
from dataclasses import replace

import pytest

from analysis.claims.agreement import agreement, band
from analysis.claims.numbers import judge_number
from documents.comparison import Interval
from documents.protocol import Scenario
from tests.unit.analysis.claims_builder import (
    COLUMNS,
    MEMORY,
    NOTHING,
    P99,
    SCENARIOS,
    SHARED_CORES,
    SMALL,
    THROUGHPUT_LIGHT,
    with_number,
)


def test_the_band_is_five_per_cent_either_way_on_the_log_scale():
    allowed = band(100)
    assert (allowed.low, allowed.high) == pytest.approx((100 / 1.05, 105))


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [
        (95.3, 104.9, "reproduced"),
        (99.0, 105.1, "cannot-tell"),
        (95.0, 99.0, "cannot-tell"),
        (50.0, 200.0, "cannot-tell"),
        (105.1, 110.0, "contradicted"),
        (80.0, 95.2, "contradicted"),
    ],
)
def test_an_interval_in_the_band_over_its_edge_and_outside(low: float, high: float, outcome: str):
    assert agreement(100, Interval(low=low, high=high)) == outcome


def test_an_agreement_does_not_depend_on_which_of_two_is_divided_by_the_other():
    for low, high in [(1.15, 1.27), (1.16, 1.29), (1.05, 1.161), (1.0, 1.1)]:
        turned = Interval(low=1 / high, high=1 / low)
        assert agreement(1.22, Interval(low=low, high=high)) == agreement(1 / 1.22, turned)


def test_a_number_is_reproduced_contradicted_or_open():
    column = THROUGHPUT_LIGHT
    assert judge_number(with_number(column, "rust", 54_000), column, "rust") == (
        "reproduced",
        (
            "Measured 54,000 requests/s (95% interval 53,463 to 54,543), all of it within 5% of the article's "
            "55,000 requests/s."
        ),
    )
    outcome, why = judge_number(with_number(column, "rust", 13_700), column, "rust")
    assert outcome == "contradicted"
    assert "none of it within 5% of the article's 55,000 requests/s" in why
    outcome, why = judge_number(with_number(column, "rust", 55_000, half_width=0.3), column, "rust")
    assert outcome == "cannot-tell"
    assert "only a part of it within 5%" in why


def test_one_block_alone_is_open_even_if_it_hits_the_value():
    column = THROUGHPUT_LIGHT
    outcome, why = judge_number(with_number(column, "go", 45_000, half_width=None), column, "go")
    assert (outcome, why) == ("cannot-tell", "Measured 45,000 requests/s, in one block alone: there is no interval.")


def test_each_measure_is_judged_and_shown_in_its_unit():
    assert "Measured 30.0 MB (95%" in judge_number(with_number(MEMORY, "rust", 30e6), MEMORY, "rust").why
    assert "Measured 89.2 ms (95%" in judge_number(with_number(P99, "kotlin", 89_200), P99, "kotlin").why
    for column in COLUMNS:
        for api, published in column.values.items():
            assert judge_number(with_number(column, api, published), column, api).outcome == "reproduced"
            assert judge_number(with_number(column, api, 1.2 * published), column, api).outcome == "contradicted"


def test_a_smaller_host_or_shared_cores_or_another_load_is_not_comparable_and_says_what_was_measured():
    column = THROUGHPUT_LIGHT
    good = with_number(column, "rust", 55_000)
    short = tuple(scenario.model_copy(update={"duration_seconds": 5}) for scenario in SCENARIOS)
    rented = SMALL.model_copy(update={"smaller": False, "shared_cores": True})
    routes = tuple(scenario.model_copy(update={"workload": "read-post"}) for scenario in SCENARIOS)
    for evidence, said in [
        (replace(good, size=SMALL), "This host is smaller (2 cores and 4 GiB instead of 8 cores and 16 GB). Measured"),
        (replace(good, size=rented), "The host's cores are shared with other tenants. Measured here: 55,"),
        (replace(good, cores=SHARED_CORES), "The load generator shares CPUs with what it measures. Measured here: 55,"),
        (replace(good, scenarios=short), "Light here is 10 connections for 5 s instead of 10 for 30 s. Measured here"),
        (replace(good, scenarios=routes), "Light here asks for read-post and not for the mixed requests of an API."),
    ]:
        outcome, why = judge_number(evidence, column, "rust")
        assert outcome == "not-comparable"
        assert why.startswith(said)


def test_what_was_not_measured_is_not_comparable():
    outcome, why = judge_number(NOTHING, THROUGHPUT_LIGHT, "zig")
    assert (outcome, why) == ("not-comparable", "This run has no valid cell of zig under a load named light.")


def test_only_the_load_of_the_number_matters():
    other = Scenario(name="heavy", workload="mixed", connections=7, duration_seconds=1)
    evidence = with_number(THROUGHPUT_LIGHT, "rust", 55_000)
    evidence = replace(evidence, scenarios=(*SCENARIOS[:2], other))
    assert judge_number(evidence, THROUGHPUT_LIGHT, "rust").outcome == "reproduced"
    assert not math.isclose(THROUGHPUT_LIGHT.values["rust"], COLUMNS[2].values["rust"])
