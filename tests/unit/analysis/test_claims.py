"""The article's claims as a whole: no line without one, each judged in the report, and shown on every page."""

from collections import Counter
from pathlib import Path
from typing import get_args

import pytest

from analysis import article
from analysis.claims.effort import STAND_INS
from analysis.claims.judge import judge_claims
from analysis.claims.lines import CLAIMS
from analysis.pages.claims import KIND_NAMES, OUTCOME_NAMES, claim_tables, claims_table
from analysis.pages.html import render_html
from analysis.pages.markdown import render_markdown
from analysis.pages.terminal import terminal_tables
from analysis.report import analyse
from documents.claims import ClaimKind, ClaimOutcome, JudgedClaim
from documents.report import Report
from tests.unit.analysis.claims_builder import COLUMNS, FULL, OWN_CORES, SCENARIOS, with_pairs
from tests.unit.analysis.run_builder import EIGHT_CORES, golden_run, realistic_run

PUBLISHED: dict[str, dict[str, tuple[float, ...]]] = {
    "throughput-light": {"number": (55_000, 50_000, 45_000, 28_900)},
    "throughput-medium": {"number": (48_000, 42_000, 38_000, 24_100)},
    "throughput-heavy": {"number": (40_000, 35_000, 32_000, 19_800)},
    "memory": {"number": (30, 95, 140, 180)},
    "p99-heavy": {"number": (9.0, 10.5, 12.0, 89.2)},
}
"""The article's table, of Rust, Zig, Go and Kotlin, written down once more."""

WORDS = {
    "average-latency": ("measured",),
    "cpu": ("measured",),
    "binary-size": ("Zig", "static", "under 1 MB"),
    "start-up": ("JVM", "noticeable", "Go", "at once"),
    "compiling": ("Rust", "slowly", "Go", "nearly at once"),
    "effort": ("Kotlin 4 h", "Go 5 h", "Rust 12 h", "Zig 18 h"),
}
"""What else the article says, in its own words."""

EFFORT_STAND_INS = {
    "code_lines",
    "dependencies",
    "clean_build",
    "incremental_build",
    "image_size",
    "binary_size",
    "first_answer",
}
"""Lines of code, dependencies, clean and incremental build time, image and binary size, time to first right answer."""


def claims_of(report: Report) -> dict[tuple[str, str], JudgedClaim]:
    return {(judged.line.name, claim.name): claim for judged in report.claims for claim in judged.claims}


def test_no_line_of_the_article_is_without_a_claim_and_no_claim_without_a_line():
    assert [line.name for line in article.LINES] == [*PUBLISHED, *WORDS]
    assert set(CLAIMS) == {line.name for line in article.LINES}
    for name, claims in CLAIMS.items():
        assert claims, name
        assert len({claim.name for claim in claims}) == len(claims), name
    for line in article.LINES:
        assert all(word in line.says for word in WORDS.get(line.name, ()))
    assert {stand_in.fact for stand_in in STAND_INS} == EFFORT_STAND_INS


def test_each_column_of_the_table_has_each_number_the_order_every_pair_and_every_ratio():
    assert {column.line for column in COLUMNS} == set(PUBLISHED)
    for column in COLUMNS:
        (published,) = PUBLISHED[column.line].values()
        shown = tuple(column.values[api] / column.per for api in ("rust", "zig", "go", "kotlin"))
        assert shown == pytest.approx(published)
        assert Counter(claim.kind for claim in CLAIMS[column.line]) == {"number": 4, "order": 7, "ratio": 6}
    assert [column.load for column in COLUMNS] == ["light", "medium", "heavy", "heavy", "heavy"]


def test_what_has_no_number_is_said_to_have_none():
    for line in ("average-latency", "cpu"):
        (claim,) = CLAIMS[line]
        assert claim.kind == "unstated"


def test_the_article_s_own_numbers_reproduce_all_that_a_run_can():
    comparisons = [comparison for column in COLUMNS[2:] for comparison in with_pairs(column, column.values).comparisons]
    judged = judge_claims(
        size=FULL, cores=OWN_CORES, scenarios=SCENARIOS, numbers=(), comparisons=comparisons, building=()
    )
    for line in judged[2:5]:
        outcomes = {claim.outcome for claim in line.claims if claim.kind in {"order", "ratio"}}
        assert outcomes == {"reproduced"}, line.line.name


def test_every_outcome_has_a_sentence(golden_report: Report):
    assert [judged.line for judged in golden_report.claims] == [*article.LINES]
    for claim in claims_of(golden_report).values():
        assert not claim.why[0].islower()
        assert claim.why.endswith(".")
        assert claim.says.endswith(".")


def test_a_small_run_has_orders_but_no_numbers(golden_report: Report):
    """Light has the article's 10 connections for 2 s, medium and heavy have others; zig and kotlin aren't there."""
    claims = claims_of(golden_report)
    assert {claim.outcome for claim in claims.values() if claim.kind == "number"} == {"not-comparable"}
    light = claims["throughput-light", "order-rust-go"]
    assert (light.outcome, light.why) == (
        "contradicted",
        (
            "They are shown to be the same within 3%: throughput of rust over go is 1.000, 95% interval 1.000 to "
            "1.000, of 3 blocks."
        ),
    )
    medium = claims["throughput-medium", "order-rust-go"]
    assert medium.outcome == "not-comparable"
    assert medium.why.startswith("Medium here is 20 connections instead of 100.")
    assert claims["throughput-light", "order-rust-zig"].outcome == "not-comparable"
    assert golden_report.comparisons


def test_a_run_like_the_article_s_on_a_full_host_reproduces_orders_and_contradicts_numbers(tmp_path: Path):
    scenarios = tuple(
        scenario.model_copy(update={"duration_seconds": 2}) if scenario.name == "heavy" else scenario
        for scenario in SCENARIOS[1:]
    )
    report = analyse(
        realistic_run(tmp_path / "run", scenarios=scenarios, blocks=4, requests_per_second=300, cores=EIGHT_CORES)
    )
    claims = claims_of(report)
    assert claims["throughput-medium", "number-rust"].outcome == "contradicted"
    assert claims["throughput-medium", "order-rust-kotlin"].outcome == "reproduced"
    assert claims["throughput-heavy", "number-rust"].outcome == "not-comparable"
    assert claims["throughput-heavy", "order-go-kotlin"].outcome == "reproduced"
    assert claims["memory", "order-rust-kotlin"].outcome == "reproduced"
    assert claims["throughput-light", "number-rust"].outcome == "not-comparable"


def test_the_pages_count_the_outcomes_and_say_why(golden_report: Report, golden_page: str):
    table = claims_table(golden_report)
    rows = {row[0].value: [cell.value for cell in row[1:]] for row in table.rows}
    assert [column.title for column in table.columns[1:]] == [
        "Reproduced",
        "Contradicted",
        "Can't tell",
        "Not comparable",
    ]
    light = {judged.line.name: judged for judged in golden_report.claims}["throughput-light"]
    found = Counter(claim.outcome for claim in light.claims)
    assert rows["Throughput, light"] == [str(found[outcome]) for outcome in get_args(ClaimOutcome)]
    assert sum(map(int, rows["Throughput, light"])) == 17
    assert rows["CPU use"] == ["0", "0", "0", "1"]
    assert "Here they hold for this: this host is smaller (2 cores and 4 GiB" in table.note
    assert "light here is 10 connections for 2 s instead of 10 for 30 s" in table.note
    assert "medium here" not in table.note, "with other connections no order is judged"
    html, markdown = golden_page, render_markdown(golden_report)
    assert html.count("<summary>Throughput, light</summary>") == 1
    for page in (html, markdown):
        assert "They are shown to be the same within 3%" in page
        assert "Rust has 1.22 times the throughput of Go." in page
    (terminal,) = [table for table in terminal_tables(golden_report) if table.title == "The article's claims"]
    assert {row[0].detail for row in terminal.rows} == {""}
    assert len(claim_tables(golden_report)) == len(article.LINES)


def test_a_report_without_the_article_s_loads_and_facts_shows_no_claims_but_keeps_them(golden_report: Report):
    report = golden_report.model_copy(update={"article": (), "building": ()})
    assert claims_table(report).rows == ()
    assert claim_tables(report) == ()
    assert report.claims
    assert "The article&#39;s claims" not in render_html(report)
    assert "The article's claims" not in render_markdown(report)
    assert "The article's claims" not in {table.title for table in terminal_tables(report)}


def test_every_kind_and_outcome_has_a_name():
    assert set(KIND_NAMES) == set(get_args(ClaimKind))
    assert set(OUTCOME_NAMES) == set(get_args(ClaimOutcome))


def test_the_claims_come_through_json(tmp_path: Path):
    report = analyse(golden_run(tmp_path / "run"))
    assert Report.from_json(report.to_json(), name="report.json").claims == report.claims
