"""Orders: by the verdicts on pairs, so that a tie contradicts only where it is shown."""

import pytest

from analysis.claims.article import COLUMNS, PublishedColumn
from analysis.claims.claim import all_of
from analysis.claims.numbers import judge_order, judge_whole_order
from documents.report.report import ClaimOutcome
from tests.unit.analysis.claims_builder import (
    P99,
    THROUGHPUT_HEAVY,
    THROUGHPUT_LIGHT,
    with_pairs,
)

_PAIRS = [("rust", "zig"), ("rust", "go"), ("rust", "kotlin"), ("zig", "go"), ("zig", "kotlin"), ("go", "kotlin")]


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.line)
def test_the_other_way_round_contradicts_every_order(column: PublishedColumn):
    turned = dict(zip(column.values, reversed(column.values.values()), strict=True))
    evidence = with_pairs(column, turned)
    for first, second in _PAIRS:
        outcome, why = judge_order(evidence, column, first, second)
        assert outcome == "contradicted"
        assert why.startswith(f"The reverse is shown: {column.noun} of {first} over {second} is ")


def test_a_tie_contradicts_where_it_is_shown_and_is_open_where_it_is_not():
    equal = {"rust": 40_000.0, "zig": 40_000.0}
    shown = judge_order(with_pairs(THROUGHPUT_LIGHT, equal), THROUGHPUT_LIGHT, "rust", "zig")
    assert shown.outcome == "contradicted"
    assert shown.why.startswith("They are shown to be the same within 3%: throughput of rust over zig is 1.00")
    noisy = judge_order(
        with_pairs(THROUGHPUT_LIGHT, {"rust": 41_600.0, "zig": 40_000.0}, noise=8), THROUGHPUT_LIGHT, "rust", "zig"
    )
    assert noisy.outcome == "cannot-tell"
    assert noisy.why.startswith("Neither an order nor a tie is shown: throughput of rust over zig is 1.04")
    assert "blocks would show a difference as large as this one looks." in noisy.why


def test_a_tie_contradicts_no_order_that_the_margin_itself_cannot_see():
    """The article has 1.22 of Rust and Go; with a margin of 30%, that is the same."""
    values = {"rust": 55_000.0, "go": 45_000.0}
    outcome, why = judge_order(with_pairs(THROUGHPUT_LIGHT, values, margin=0.3), THROUGHPUT_LIGHT, "rust", "go")
    assert outcome == "cannot-tell"
    assert why.startswith("They are the same within 30%, but so are the article's two, whose ratio is 1.22: throughput")
    equal = with_pairs(THROUGHPUT_LIGHT, {"rust": 50_000.0, "go": 50_000.0}, margin=0.025)
    outcome, why = judge_order(equal, THROUGHPUT_LIGHT, "rust", "go")
    assert outcome == "contradicted"
    assert why.startswith("They are shown to be the same within 2.5%: throughput")


def test_a_tie_that_postgresql_makes_is_open():
    equal = {"rust": 40_000.0, "zig": 40_000.0}
    for column in (THROUGHPUT_HEAVY, P99):
        evidence = with_pairs(column, equal, bound_by_postgres=True)
        assert judge_order(evidence, column, "rust", "zig").outcome == "cannot-tell"
        assert judge_order(with_pairs(column, equal), column, "rust", "zig").outcome == "contradicted"
    assert (
        "PostgreSQL is the limit of both"
        in judge_order(with_pairs(P99, equal, bound_by_postgres=True), P99, "rust", "zig").why
    )
    faster = with_pairs(THROUGHPUT_HEAVY, {"rust": 50_000.0, "zig": 40_000.0}, bound_by_postgres=True)
    assert judge_order(faster, THROUGHPUT_HEAVY, "rust", "zig").outcome == "reproduced"


def test_a_pair_that_was_not_measured_is_not_comparable_and_one_block_is_open():
    said = "No block of this run has valid cells of both rust and go under a load named light."
    for apis in ({"rust": 1.0, "go": 1.0}, {"rust": 1.0}):
        planned = with_pairs(THROUGHPUT_LIGHT, apis, blocks=0)
        assert judge_order(planned, THROUGHPUT_LIGHT, "rust", "go") == ("not-comparable", said)
    single = with_pairs(THROUGHPUT_LIGHT, {"rust": 55_000.0, "go": 45_000.0}, blocks=1)
    outcome, why = judge_order(single, THROUGHPUT_LIGHT, "rust", "go")
    assert outcome == "cannot-tell"
    assert why.endswith("of 1 block.")


def test_the_whole_order_names_the_pairs_by_what_became_of_them():
    values = {"rust": 55_000.0, "zig": 55_000.0, "go": 45_000.0, "kotlin": 28_900.0}
    outcome, why = judge_whole_order(with_pairs(THROUGHPUT_LIGHT, values), THROUGHPUT_LIGHT)
    assert outcome == "contradicted"
    assert why.startswith("2 of 3 neighbours are shown in this order. By pairs: rust before go, rust before kotlin, ")
    assert why.endswith("go before kotlin shown; rust before zig contradicted.")


def test_the_whole_order_without_one_of_the_stacks_is_not_comparable_unless_a_pair_contradicts():
    three = {"rust": 55_000.0, "zig": 50_000.0, "go": 45_000.0}
    outcome, why = judge_whole_order(with_pairs(THROUGHPUT_LIGHT, three), THROUGHPUT_LIGHT)
    assert outcome == "not-comparable"
    assert "go before kotlin not comparable" in why
    turned = {"rust": 45_000.0, "zig": 50_000.0, "go": 55_000.0}
    assert judge_whole_order(with_pairs(THROUGHPUT_LIGHT, turned), THROUGHPUT_LIGHT).outcome == "contradicted"


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        (["reproduced", "reproduced"], "reproduced"),
        (["reproduced", "cannot-tell"], "cannot-tell"),
        (["reproduced", "cannot-tell", "not-comparable"], "not-comparable"),
        (["not-comparable", "contradicted", "cannot-tell"], "contradicted"),
    ],
)
def test_a_whole_holds_if_all_its_parts_do(parts: list[ClaimOutcome], whole: ClaimOutcome):
    assert all_of(parts) == whole
