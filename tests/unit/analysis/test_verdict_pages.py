"""Verdicts as readers get them: in words, in tables, as interval plots, on each kind of page."""

import math
import re
from html import unescape
from pathlib import Path

import pytest

from analysis.pages.html import render_html
from analysis.pages.markdown import render_markdown
from analysis.pages.numbers import ratio_text
from analysis.pages.terminal import terminal_tables
from analysis.pages.verdict_plots import verdict_plots
from analysis.pages.verdicts import (
    other_table,
    pair_table,
    rank_words,
    ranking_table,
    twin_table,
    twin_words,
    verdict_tables,
    verdict_words,
)
from analysis.report import analyse
from documents.comparison import Comparison, Interval, Measure, PairComparison, RankRange, Ratio, TwinComparison
from documents.report import Report
from tests.unit.analysis.run_builder import COMPARED_THROUGHPUTS, compared_run

DASH = "\N{EN DASH}"
NEAR = "too near the margin of 3%"


def ratio(value: float, low: float, high: float) -> Ratio:
    """The 90% interval is narrower, by what a tenth of blocks makes of it."""
    log_half = 0.81 * math.log(high / low) / 2
    narrow = Interval(low=value * math.exp(-log_half), high=value * math.exp(log_half))
    return Ratio(value=value, interval_95=Interval(low=low, high=high), interval_90=narrow, noise=0.02)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12.345, "12.3"),
        (1.0004, "1.000"),
        (0.0996, "0.100"),
        (0.0994, "0.099"),
        (0.00042, "0.00042"),
        (3.1e-7, "3.1e-07"),
    ],
)
def test_a_ratio_is_written_so_that_its_size_is_seen(value: float, text: str):
    assert ratio_text(value) == text


def a_pair(**changes: object) -> PairComparison:
    usual: dict[str, object] = {
        "scenario": "light",
        "first": "rust",
        "second": "go",
        "blocks": 10,
        "ratio": ratio(1.12, 1.09, 1.15),
        "p_value": 0.001,
        "p_adjusted": 0.01,
        "p_equivalence": 0.9,
        "verdict": "better",
        "better": "rust",
        "bound_by_postgres": False,
        "reason": None,
        "blocks_to_detect": None,
        "blocks_to_show_same": None,
    }
    return PairComparison.model_validate(usual | changes)


def words(measure: Measure = "throughput", margin: float = 0.03, /, **changes: object) -> str:
    pair = a_pair(**changes)
    return verdict_words(
        pair,
        Comparison(
            measure=measure,
            margin=margin,
            significance=0.05,
            power=0.8,
            tests=18,
            pairs=(pair,),
            rankings=(),
            twins=(),
        ),
    )


def test_a_difference_is_told_with_the_better_one_first_and_its_interval():
    assert words() == "rust is faster than go by 12% (9 to 15%)"
    turned = {"ratio": ratio(1 / 1.12, 1 / 1.15, 1 / 1.09), "first": "go", "second": "rust"}
    assert words(**turned) == words()


@pytest.mark.parametrize(
    ("value", "low", "high", "said"),
    [
        (1.042, 1.031, 1.053, "4.2% (3.1 to 5.3%)"),
        (1.30, 1.295, 1.305, "30.0% (29.5 to 30.5%)"),
        (1.95, 1.85, 2.06, "95% (85 to 106%)"),
        (2.5, 2.25, 2.75, "a factor of 2.50 (2.25 to 2.75)"),
        (12.1, 11.0, 13.3, "a factor of 12.1 (11.0 to 13.3)"),
    ],
)
def test_a_difference_has_the_digits_that_its_interval_has_and_a_large_one_is_a_factor(
    value: float, low: float, high: float, said: str
):
    assert words(ratio=ratio(value, low, high)) == f"rust is faster than go by {said}"
    inverse = ratio(1 / value, 1 / high, 1 / low)
    assert words(ratio=inverse, better="go") == f"go is faster than rust by {said}"


@pytest.mark.parametrize(
    ("measure", "said"),
    [
        ("p50", "rust has a lower p50 than go by 20% (10 to 30%)"),
        ("p99", "rust has a lower p99 than go by 20% (10 to 30%)"),
        ("p99_corrected", "rust has a lower corrected p99 than go by 20% (10 to 30%)"),
        ("cpu_cores", "rust uses less CPU than go by 20% (10 to 30%)"),
        ("memory_mean", "rust uses less memory than go by 20% (10 to 30%)"),
    ],
)
def test_less_is_told_as_a_share_of_what_the_other_has(measure: Measure, said: str):
    assert words(measure, ratio=ratio(0.8, 0.7, 0.9)) == said
    turned = {"ratio": ratio(1 / 0.8, 1 / 0.9, 1 / 0.7), "first": "go", "second": "rust"}
    assert words(measure, **turned) == said


@pytest.mark.parametrize(
    ("measure", "said"),
    [
        ("requests_per_cpu_second", "rust answers more requests a CPU second than go by 12% (9 to 15%)"),
        ("requests_per_second_per_mb", "rust answers more requests/s per MB than go by 12% (9 to 15%)"),
    ],
)
def test_what_is_derived_is_told_by_its_name(measure: Measure, said: str):
    assert words(measure) == said


def test_sameness_names_its_margin_or_who_made_it():
    same: dict[str, object] = {"verdict": "same", "better": None, "ratio": ratio(1.004, 0.99, 1.02)}
    assert words(**same) == "same within 3%"
    assert words("throughput", 0.025, **same) == "same within 2.5%"
    assert words(bound_by_postgres=True, **same) == "same, bound by PostgreSQL"


@pytest.mark.parametrize(
    ("value", "detect", "same", "said"),
    [
        (1.05, 24, 300, "some 24 blocks would, if the difference is as large as it looks"),
        (1.01, 400, 24, "some 24 blocks would, if there is no difference"),
        (1.05, None, 24, "more than 1,000 blocks would be needed, if the difference is as large as it looks"),
        (1.01, 24, None, "more than 1,000 blocks would be needed, if there is no difference"),
        (1.02, 400, 9, f"{NEAR}; some 400 blocks would, if the difference is as large as it looks"),
        (1.001, None, 9, f"{NEAR}; more than 1,000 blocks would be needed, if the difference is as large as it looks"),
    ],
)
def test_what_cannot_be_told_says_how_many_blocks_would(value: float, detect: int | None, same: int | None, said: str):
    undecided: dict[str, object] = {"verdict": "cannot-tell", "better": None, "ratio": ratio(value, 0.95, 1.2)}
    assert words(blocks_to_detect=detect, blocks_to_show_same=same, **undecided) == f"can't tell: {said}"


def test_what_has_too_few_blocks_says_so():
    why = "One block alone has valid cells of both rust and go; an interval needs 2 blocks."
    said = words(verdict="cannot-tell", better=None, ratio=None, p_adjusted=None, reason=why)
    assert said == "can't tell: one block alone has valid cells of both rust and go; an interval needs 2 blocks"


def test_ranks_are_ranges():
    assert rank_words(RankRange(api="go", best=3, worst=3)) == "3"
    assert rank_words(RankRange(api="go", best=1, worst=2)) == f"1{DASH}2"


def a_twin(**changes: object) -> TwinComparison:
    usual: dict[str, object] = {
        "scenario": "light",
        "blocks": 10,
        "ratio": ratio(1.001, 1 / 1.02, 1.02),
        "resolves_margin": True,
        "excludes_one": False,
        "reason": None,
    }
    return TwinComparison.model_validate(usual | changes)


def test_the_twin_says_whether_the_margin_can_be_resolved():
    assert twin_words(a_twin(), 0.03) == "3% can be resolved: half the 90% interval is 1.6%"
    wide = a_twin(ratio=ratio(1, 1 / 1.1, 1.1), resolves_margin=False)
    assert twin_words(wide, 0.03) == (
        "3% can't be resolved: half the 90% interval is 8%, so hardly any two APIs can be shown to be the same"
    )
    doubted = twin_words(a_twin(excludes_one=True), 0.03)
    assert doubted.endswith("; the later cell differs from the earlier one, or chance, as in one of twenty")
    one = a_twin(
        ratio=Ratio(value=1.0, interval_95=None, interval_90=None, noise=None), reason="One block alone has it."
    )
    assert twin_words(one, 0.03) == "nothing yet: one block alone has it"


# A run's tables


def values(report: Report) -> dict[str, list[list[str]]]:
    return {table.title: [[cell.value for cell in row] for row in table.rows] for table in verdict_tables(report)}


def test_the_ranking_comes_first_with_its_ties(compared_report: Report):
    tables = values(compared_report)
    assert list(tables) == [
        "Ranking",
        "Throughput, pair by pair",
        "The A/A twin",
        "Other measures, pair by pair",
    ]
    assert [row[:3] for row in tables["Ranking"]] == [
        ["light", "rust", f"1{DASH}2"],
        ["light", "zig", f"1{DASH}2"],
        ["light", "go", "3"],
        ["heavy", "rust", f"1{DASH}2"],
        ["heavy", "zig", f"1{DASH}2"],
        ["heavy", "go", "3"],
    ]
    columns = [column.title for column in ranking_table(compared_report).columns]
    memory = {row[1]: row[columns.index("Memory")] for row in tables["Ranking"]}
    assert memory == {"go": "1", "zig": "2", "rust": "3"}


def test_each_pair_is_told_under_each_load(compared_report: Report):
    rows = values(compared_report)["Throughput, pair by pair"]
    assert [row[:2] for row in rows[:3]] == [["light", "rust / zig"], ["light", "rust / go"], ["light", "zig / go"]]
    assert rows[0][3] == rows[3][3] == "same within 3%"
    assert re.fullmatch(r"rust is faster than go by (19|2[01])(\.\d)?% \(\d+(\.\d)? to \d+(\.\d)?%\)", rows[1][3])
    assert [row[5] for row in rows] == ["6"] * 6
    assert rows[1][6] == "< 0.001"
    assert "Holm's correction for the 6 pairs and loads" in pair_table(compared_report).note


def test_the_other_measures_stand_side_by_side(compared_report: Report):
    table = other_table(compared_report)
    assert [column.title for column in table.columns[2:]] == [
        "p50",
        "p99",
        "p99 corrected",
        "CPU",
        "Memory",
        "Requests a CPU second",
        "Requests/s per MB",
    ]
    [row] = [row for row in table.rows if (row[0].value, row[1].value) == ("light", "rust / go")]
    memory, cpu = row[6], row[5]
    assert (memory.value, memory.detail) == ("2.00", "2.00 to 2.00; go better")
    assert (cpu.value, cpu.detail) == ("1.000", "1.000 to 1.000; same")


@pytest.mark.parametrize(
    ("value", "to_detect", "to_show_same", "said"),
    [
        (1.2, 14, 90, "can't tell: 14 if different"),
        (1.01, 700, 90, "can't tell: 90 if the same"),
        (1.02, 40, 5, "can't tell: 40 if different"),
        (1.01, 700, None, "can't tell: more than 1,000 if the same"),
    ],
)
def test_another_measure_that_cannot_tell_says_how_many_blocks_would(
    compared_report: Report, value: float, to_detect: int | None, to_show_same: int | None, said: str
):
    changes = {"ratio": ratio(value, 0.9, 1.3), "blocks_to_detect": to_detect, "blocks_to_show_same": to_show_same}
    pair = a_pair(verdict="cannot-tell", better=None, **changes)
    alone = tuple(comparison.model_copy(update={"pairs": (pair,)}) for comparison in compared_report.comparisons)
    table = other_table(compared_report.model_copy(update={"comparisons": alone}))
    assert {cell.detail.partition("; ")[2] for cell in table.rows[0][2:]} == {said}


def test_the_twin_is_told_under_each_load(compared_report: Report):
    table = twin_table(compared_report)
    measures = ("Throughput", "CPU", "Memory")
    assert [(row[0].value, row[1].value) for row in table.rows] == [
        (load, measure) for measure in measures for load in ("light", "heavy")
    ]
    assert all(row[3].value.startswith("3% can be resolved: half the 90% interval is 0.") for row in table.rows[:2])
    assert [row[5].value for row in table.rows] == ["6"] * 6
    brief = twin_table(compared_report, brief=True)
    assert [[cell.value for cell in row] for row in brief.rows] == [
        [row[0].value, *(cell.value for cell in row[2:])] for row in table.rows[:2]
    ]


def test_a_run_that_compares_nothing_has_no_verdicts_but_a_reason(tmp_path: Path):
    report = analyse(compared_run(tmp_path / "run", throughputs=COMPARED_THROUGHPUTS, blocks=1))
    assert list(values(report)) == ["The A/A twin"]
    assert verdict_plots(report) is None
    why = "Nothing can be compared: the run has one block."
    assert why in render_html(report)
    assert why in render_markdown(report)
    assert any(caveat.startswith(why) for caveat in report.caveats), "which the terminal shows below the tables"


def test_one_api_alone_has_its_twin_and_no_pair(tmp_path: Path):
    report = analyse(compared_run(tmp_path / "run", throughputs={"go": 5000.0}, blocks=3))
    assert list(values(report)) == ["The A/A twin"]
    assert not any(caveat.startswith("Nothing can be compared") for caveat in report.caveats)


def test_a_run_without_a_twin_has_verdicts_and_no_twin(tmp_path: Path):
    run = compared_run(tmp_path / "run", throughputs=COMPARED_THROUGHPUTS, blocks=3, twin=False)
    assert "The A/A twin" not in values(analyse(run))
    assert "Ranking" in values(analyse(run))


# On each page


def test_a_terminal_shows_ranks_verdicts_and_the_twin(compared_report: Report):
    titles = [table.title for table in terminal_tables(compared_report)]
    assert titles[:4] == ["Summary", "Ranking", "Throughput, pair by pair", "The A/A twin"]
    for table in terminal_tables(compared_report):
        assert {len(row) for row in table.rows} == {len(table.columns)}
        assert len(table.columns) <= 9, table.title


def test_markdown_and_html_show_all_verdicts_after_the_caveats(compared_report: Report, compared_page: str):
    titles = [table.title for table in verdict_tables(compared_report)]
    markdown = re.findall(r"^## (.+)$", render_markdown(compared_report), flags=re.MULTILINE)
    assert markdown[:7] == ["Verdict", "Before you quote these numbers", "Summary", *titles]
    chapter = compared_page[
        compared_page.index('<section id="pairs"') : compared_page.index('<section id="distribution"')
    ]
    headings = [unescape(title) for title in re.findall(r"<h3[^>]*>([^<]+)</h3>", chapter)]
    assert headings == [titles[0], "Ratios of throughput", *titles[1:]]
    for row in pair_table(compared_report).rows:
        assert row[3].value in unescape(compared_page)


def test_the_plot_says_its_intervals_in_words(compared_report: Report):
    group = verdict_plots(compared_report)
    assert group is not None
    light, heavy = group.plots
    assert (light.title, heavy.title) == ("light, 10 connections", "heavy, 50 connections")
    assert light.alternative.startswith("Ratios of throughput at light, 10 connections: rust over zig: same, ")
    assert "rust over go: rust faster, 1." in light.alternative
    assert re.search(
        r"A/A twin: 3% can be resolved, [01]\.\d{3} \(95% interval 0\.9\d\d to 1\.0\d\d\)\.", light.alternative
    )
    assert re.findall(r"#[0-9a-f]{6}\b", light.svg) == []
    for label in ("rust / zig", "rust / go", "zig / go", "A/A twin", "different", "same"):
        assert f">{label}<" in light.svg, label
    assert ">can't tell<" not in unescape(light.svg), "the legend has what is there and no more"


def test_a_panel_grows_with_its_pairs_and_reaches_as_far_on_both_sides(tmp_path: Path, compared_report: Report):
    many = {f"api-{letter}": 900.0 * 1.6**place for place, letter in enumerate("abcdef")}
    group = verdict_plots(analyse(compared_run(tmp_path / "run", throughputs=many, blocks=2)))
    usual = verdict_plots(compared_report)
    assert group is not None
    assert usual is not None
    heights = [int(re.findall(r'viewBox="0 0 295 (\d+)"', found.plots[0].svg)[0]) for found in (usual, group)]
    assert heights[0] == 216
    assert heights[1] > 350, "15 pairs and the twin"
    assert ">0.1<" in group.plots[0].svg
    assert ">10<" in group.plots[0].svg
