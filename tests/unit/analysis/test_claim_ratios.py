"""Ratios: the pair's own interval against what two of the article's numbers give."""

from dataclasses import replace

import pytest

from analysis.claims.columns import COLUMNS, PublishedColumn
from analysis.claims.lines import CLAIMS
from analysis.claims.ratios import judge_ratio
from tests.unit.analysis.claims_builder import (
    MEMORY,
    NOTHING,
    P99,
    SHARED_CORES,
    SMALL,
    THROUGHPUT_HEAVY,
    THROUGHPUT_LIGHT,
    outcome_of,
    with_pairs,
)


def test_every_pair_has_its_ratio_with_the_greater_number_above_the_line():
    said = {line: [claim.says for claim in claims if claim.kind == "ratio"] for line, claims in CLAIMS.items()}
    assert said["throughput-light"] == [
        "Rust has 1.10 times the throughput of Zig.",
        "Rust has 1.22 times the throughput of Go.",
        "Rust has 1.90 times the throughput of Kotlin.",
        "Zig has 1.11 times the throughput of Go.",
        "Zig has 1.73 times the throughput of Kotlin.",
        "Go has 1.56 times the throughput of Kotlin.",
    ]
    assert "Go has 4.67 times the average memory of Rust." in said["memory"]
    assert "Kotlin has 9.91 times the p99 of Rust." in said["p99-heavy"]


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.line)
def test_the_article_s_own_numbers_reproduce_every_ratio(column: PublishedColumn):
    evidence = with_pairs(column, column.values)
    names = [claim.name for claim in CLAIMS[column.line] if claim.kind == "ratio"]
    assert len(names) == 6
    assert {outcome_of(evidence, column.line, name).outcome for name in names} == {"reproduced"}


def test_a_ratio_is_judged_apart_from_the_level_and_whichever_api_the_run_names_first():
    for values in ({"rust": 12_220.0, "go": 10_000.0}, {"go": 10_000.0, "rust": 12_220.0}):
        evidence = replace(with_pairs(THROUGHPUT_LIGHT, values), size=SMALL, cores=SHARED_CORES)
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


def test_one_block_has_no_interval_and_none_is_not_comparable():
    single = with_pairs(P99, {"rust": 9_000.0, "zig": 10_500.0}, blocks=1)
    outcome, why = judge_ratio(single, P99, "zig", "rust")
    assert outcome == "cannot-tell"
    assert why == "Measured: p99 of zig over rust is 1.145, of 1 block, so there is no interval."
    assert judge_ratio(NOTHING, P99, "zig", "rust").outcome == "not-comparable"


def test_a_ratio_that_postgresql_holds_back_is_open():
    values = {"rust": 10_000.0, "go": 10_000.0}
    bound = with_pairs(THROUGHPUT_HEAVY, values, bound_by_postgres=True)
    outcome, why = judge_ratio(bound, THROUGHPUT_HEAVY, "rust", "go")
    assert outcome == "cannot-tell"
    assert why.startswith(
        "PostgreSQL is the limit of both and brings them together: throughput of rust over go is 1.00"
    )
