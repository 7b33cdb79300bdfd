"""Ratios: the pair's own interval against what two of the article's numbers give."""

from dataclasses import replace

from analysis.claims.numbers import judge_ratio
from tests.unit.analysis.claims_builder import (
    MEMORY,
    SMALL,
    THROUGHPUT_HEAVY,
    THROUGHPUT_LIGHT,
    with_pairs,
)
from tests.unit.analysis.run_builder import TWO_CORES


def test_a_ratio_is_judged_apart_from_the_level_and_whichever_api_the_run_names_first():
    for values in ({"rust": 12_220.0, "go": 10_000.0}, {"go": 10_000.0, "rust": 12_220.0}):
        evidence = replace(with_pairs(THROUGHPUT_LIGHT, values), size=SMALL, cores=TWO_CORES)
        outcome, why = judge_ratio(evidence, THROUGHPUT_LIGHT, "rust", "go")
        assert outcome == "reproduced"
        assert why.startswith("Measured: throughput of rust over go is 1.222, 95% interval 1.199 to 1.245")
        assert why.endswith(", of 6 blocks; all of it within 5% of the article's 1.22.")


def test_a_ratio_outside_is_contradicted_and_one_over_the_edge_is_open():
    tie = with_pairs(THROUGHPUT_LIGHT, {"rust": 10_000.0, "go": 10_000.0})
    outcome, why = judge_ratio(tie, THROUGHPUT_LIGHT, "rust", "go")
    assert outcome == "contradicted"
    assert why.endswith("none of it within 5% of the article's 1.22.")
    wide = with_pairs(THROUGHPUT_LIGHT, {"rust": 12_220.0, "go": 10_000.0}, noise=10)
    assert judge_ratio(wide, THROUGHPUT_LIGHT, "rust", "go").outcome == "cannot-tell"
    larger = with_pairs(MEMORY, {"rust": 30e6, "go": 47e6})
    assert judge_ratio(larger, MEMORY, "go", "rust").outcome == "contradicted"


def test_a_ratio_that_postgresql_holds_back_is_open():
    values = {"rust": 10_000.0, "go": 10_000.0}
    bound = with_pairs(THROUGHPUT_HEAVY, values, bound_by_postgres=True)
    outcome, why = judge_ratio(bound, THROUGHPUT_HEAVY, "rust", "go")
    assert outcome == "cannot-tell"
    assert why.startswith(
        "PostgreSQL is the limit of both, so this is about the work they give it: throughput of rust over go is 1.00"
    )
