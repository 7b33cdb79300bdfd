"""Absolute numbers: the interval against the published value within 5%, and numbers that aren't comparable."""

from dataclasses import replace

import pytest

from analysis.claims.claim import agreement
from analysis.claims.numbers import judge_number
from documents.report.comparison import Interval
from tests.unit.analysis.claims_builder import (
    COLUMNS,
    MEMORY,
    P99,
    SMALL,
    THROUGHPUT_LIGHT,
    with_number,
)
from tests.unit.analysis.run_builder import ARTICLE_SCENARIOS, TWO_CORES


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
    short = tuple(scenario.model_copy(update={"duration_seconds": 5}) for scenario in ARTICLE_SCENARIOS)
    rented = SMALL.model_copy(update={"smaller": False, "shared_cores": True})
    routes = tuple(scenario.model_copy(update={"workload": "read-post"}) for scenario in ARTICLE_SCENARIOS)
    for evidence, said in [
        (replace(good, size=SMALL), "This host is smaller (2 cores and 4 GiB instead of 8 cores and 16 GB). Measured"),
        (replace(good, size=rented), "The host's cores are shared with other tenants. Measured here: 55,"),
        (
            replace(good, cores=TWO_CORES, generator_shares=True),
            "The load generator shares CPUs with what it measures. Measured here: 55,",
        ),
        (replace(good, scenarios=short), "Light here is 10 connections for 5 s instead of 10 for 30 s. Measured here"),
        (replace(good, scenarios=routes), "Light here asks for read-post and not for the mixed requests of an API."),
    ]:
        outcome, why = judge_number(evidence, column, "rust")
        assert outcome == "not-comparable"
        assert why.startswith(said)
