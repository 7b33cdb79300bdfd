"""The article's claims as a whole: no line without one, each judged in the report."""

from collections import Counter

import pytest

from analysis.claims import article
from analysis.claims.article import PublishedColumn
from analysis.claims.lines import CLAIMS, judge_claims
from documents.report.report import JudgedClaim, Report
from tests.unit.analysis.claims_builder import COLUMNS, with_pairs

PUBLISHED: dict[str, tuple[float, ...]] = {
    "throughput-light": (55_000, 50_000, 45_000, 28_900),
    "throughput-medium": (48_000, 42_000, 38_000, 24_100),
    "throughput-heavy": (40_000, 35_000, 32_000, 19_800),
    "memory": (30, 95, 140, 180),
    "p99-heavy": (9.0, 10.5, 12.0, 89.2),
}
"""The article's table, of Rust, Zig, Go and Kotlin, written down once more."""


def claims_of(report: Report) -> dict[tuple[str, str], JudgedClaim]:
    return {(judged.line.name, claim.name): claim for judged in report.claims for claim in judged.claims}


def test_no_line_of_the_article_is_without_a_claim_and_no_claim_without_a_line():
    assert [line.name for line in article.LINES][: len(PUBLISHED)] == [*PUBLISHED]
    assert set(CLAIMS) == {line.name for line in article.LINES}
    for name, claims in CLAIMS.items():
        assert claims, name
        assert len({claim.name for claim in claims}) == len(claims), name


def test_each_column_of_the_table_has_each_number_the_order_every_pair_and_every_ratio():
    assert {column.line for column in COLUMNS} == set(PUBLISHED)
    for column in COLUMNS:
        shown = tuple(column.values[api] / column.terms.per for api in ("rust", "zig", "go", "kotlin"))
        assert shown == pytest.approx(PUBLISHED[column.line])
        assert Counter(claim.kind for claim in CLAIMS[column.line]) == {"number": 4, "order": 7, "ratio": 6}
    assert [column.load for column in COLUMNS] == ["light", "medium", "heavy", "heavy", "heavy"]


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.line)
def test_the_article_s_own_numbers_reproduce_every_order_and_ratio(column: PublishedColumn):
    judged = judge_claims(with_pairs(column, column.values))
    [line] = [one for one in judged if one.line.name == column.line]
    outcomes = [claim.outcome for claim in line.claims if claim.kind in {"order", "ratio"}]
    assert outcomes == ["reproduced"] * 13


def test_a_small_run_has_orders_but_no_numbers(golden_report: Report):
    """Light has the article's 10 connections for 2 s, medium and heavy have others; zig and kotlin aren't there."""
    claims = claims_of(golden_report)
    assert {claim.outcome for claim in claims.values() if claim.kind == "number"} == {"not-comparable"}
    light = claims["throughput-light", "order-rust-go"]
    assert (light.outcome, light.why) == (
        "cannot-tell",
        (
            "Neither an order nor a tie is shown: throughput of rust over go is 1.000, 95% interval 1.000 to 1.000, of "
            "3 blocks."
        ),
    )
    medium = claims["throughput-medium", "order-rust-go"]
    assert medium.outcome == "not-comparable"
    assert medium.why.startswith("Medium here is 20 connections instead of 100.")
    assert claims["throughput-light", "order-rust-zig"].outcome == "not-comparable"
    assert golden_report.comparisons
