"""The pages: complete, the same for the same run, and safe to open whatever the host said."""

import json
import re
import shlex
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from analysis.pages.article import article_table
from analysis.pages.building import building_table
from analysis.pages.claims import claim_tables, claims_table
from analysis.pages.facts import grade_meaning, grade_name, host_facts, rerun_commands
from analysis.pages.html import render_html
from analysis.pages.knobs import knob_table
from analysis.pages.markdown import render_markdown
from analysis.pages.numbers import interval, listing, plain
from analysis.pages.plots import load_plots, use_plots, work_plots
from analysis.pages.svg import Plot, series_dash, series_marker
from analysis.pages.table import cell_table, latency_table, resource_table, summary_table
from analysis.pages.terminal import terminal_tables
from analysis.pages.verdict_plots import verdict_plots
from analysis.pages.verdicts import verdict_tables
from analysis.pages.window_plots import distribution_plots, series_plots
from analysis.pages.work import work_table
from analysis.pages.write import write_report
from analysis.report import analyse
from documents.errors import AnalysisError
from documents.knobs import KnobRecord
from documents.report import Grade, Report
from documents.summaries import Estimate

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> | a\n# b $x^2$ {{ 7*7 }} &amp;"


class Page(HTMLParser):
    """What a browser would make of a page: its elements, ids and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, name: str) -> list[str]:
        return [value for found, value in self.attributes if found == name]


def hostile(report: Report) -> Report:
    """The report of a host that names everything to break a page."""
    void_attempt, void_cell = report.void_attempts[0], report.void_cells[0]
    void = void_attempt.voids[0].model_copy(update={"message": HOSTILE})
    host = report.host.model_copy(
        update={
            "cpu_model": HOSTILE,
            "microcode": HOSTILE,
            "kernel": HOSTILE,
            "operating_system": HOSTILE,
            "settings": {HOSTILE: HOSTILE},
        }
    )
    knobs = tuple(
        knob.model_copy(update={"before": HOSTILE, "during": HOSTILE, "after": HOSTILE}) for knob in report.knobs
    )
    return report.model_copy(
        update={
            "run_id": HOSTILE,
            "git_commit": HOSTILE,
            "host": host,
            "knobs": knobs,
            "control": HOSTILE,
            "host_kind": HOSTILE,
            "caveats": (HOSTILE,),
            "article_note": HOSTILE,
            "postgres_settings": {HOSTILE: HOSTILE},
            "tool_versions": {HOSTILE: HOSTILE},
            "void_attempts": (void_attempt.model_copy(update={"cell_id": HOSTILE, "voids": (void,)}),),
            "void_cells": (void_cell.model_copy(update={"cell_id": HOSTILE, "voids": (void,)}),),
            "unfinished_cells": (HOSTILE,),
            "apis": tuple(
                api.model_copy(update={"source": HOSTILE, "image_id": HOSTILE, "environment": {"X": HOSTILE}})
                for api in report.apis
            ),
        }
    )


def test_the_html_is_self_contained(golden_page: str):
    page = Page(golden_page)
    assert not {"script", "link", "img", "iframe", "object"} - {"link"} & set(page.tags)
    assert [address for address in page.values("href") if not address.startswith("#")] == ["data:,"]
    assert page.values("src") == []
    assert "@import" not in golden_page
    assert re.findall(r"url\((?!#)", golden_page) == []
    assert set(re.findall(r"https?://[^\"' ]+", golden_page)) == {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_each_page_says_how_its_verdicts_are_made_and_computed_again(golden_report: Report, golden_page: str):
    for page in (Page(golden_page).text, render_markdown(golden_report)):
        assert f".venv/bin/python -m benchmarks.recompute runs/{golden_report.run_id}\n" in page
        assert "corrected by Holm's method" in page.replace("\\", "")


@pytest.mark.parametrize(
    ("runs", "said"), [(True, "irqbalance runs"), (False, "no irqbalance"), (None, "irqbalance not told")]
)
def test_the_host_says_whether_something_moves_its_interrupts(golden_report: Report, runs: bool | None, said: str):
    report = golden_report.model_copy(update={"host": golden_report.host.model_copy(update={"irqbalance": runs})})
    assert dict(host_facts(report))["Machine"].endswith(f", {said}")


def test_the_verdict_comes_first_and_how_to_run_it_again_last(golden_report: Report, golden_page: str):
    titles = re.findall(r"<h2[^>]*>([^<]+)</h2>", golden_page)
    assert titles == [
        "Verdict",
        "Before you quote these numbers",
        "Throughput and latency by load",
        "Pair by pair",
        "Latency distribution",
        "Memory and CPU over time",
        "Work for each CPU second",
        "The article&#39;s claims beside ours",
        "Facts about building",
        "Host and run",
        "Void cells",
        "Run it again",
        "How the numbers are made",
        "Every cell",
    ]
    text = Page(golden_page).text
    for shown in ("500", "89.4 to 2,797", "13.1 corr.", "35.6 corr.", "123 peak", "2 of 3", "0.589", "40%", "55,000"):
        assert shown in text
    for said in (*golden_report.caveats, golden_report.article_note, "wrk counted 7 errors", "018-rust-heavy"):
        assert said in text
    assert "lab run --stack local --protocol quick --seed 7 --api go --api rust" in text
    assert "Example CPU at 3.0 GHz" in text


def test_that_no_cell_is_void_is_said(compared_report: Report, golden_page: str, compared_page: str):
    said = "No attempt at a cell was void."
    assert said in compared_page
    assert said in render_markdown(compared_report)
    assert said not in golden_page


def test_ids_are_unique_and_references_lead_somewhere(golden_page: str):
    page = Page(golden_page)
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    referred = set(re.findall(r"url\(#([^)]+)\)", golden_page))
    referred |= {reference.removeprefix("#") for reference in page.values("xlink:href")}
    referred |= {address.removeprefix("#") for address in page.values("href") if address.startswith("#")}
    referred |= {name for names in page.values("aria-labelledby") for name in names.split()}
    referred |= {name for names in page.values("aria-describedby") for name in names.split()}
    assert len(referred) > 40
    assert referred <= set(ids)


def plots_of(report: Report) -> list[Plot]:
    """All plots that every report has, in the order of the page."""
    verdicts = verdict_plots(report)
    groups = (
        load_plots(report),
        *([] if verdicts is None else [verdicts]),
        distribution_plots(report),
        *series_plots(report),
        use_plots(report),
        work_plots(report),
    )
    return [plot for group in groups for plot in group.plots]


def test_each_plot_says_its_data_in_words(golden_report: Report):
    plots = plots_of(golden_report)
    assert len(plots) == 3 + 2 + 3 + 3 * 3 + 2 + 1, "of the ratios, heavy has one block with both APIs: no interval"
    said = {plot.alternative.partition(":")[0]: plot.alternative for plot in plots}
    assert "go at light 500 requests/s (95% interval 89.4 to 2,797)" in said["Throughput by load"]
    assert "p99.9 15.0 ms raw and 35.6 ms corrected" in said["Latency at light, 10 connections"]
    assert "API 1.50, PostgreSQL 0.250" in said["CPU by role at light, 10 connections"]
    assert "go from 103 MB at first to 120 MB at last" in said["Memory at light, 10 connections"]
    assert "go between 1.50 and 1.50 cores" in said["CPU of the API at light, 10 connections"]
    assert "go at light 1.50 cores (95% interval" in said["CPU by load"]
    assert "go at light 333 requests (95% interval" in said["Requests a CPU second by load"]


def test_a_plot_is_an_image_with_a_title_and_its_data(golden_report: Report, golden_page: str):
    shown = re.findall(
        r'<svg role="img" aria-labelledby="([^"]+)" aria-describedby="([^"]+)"[^>]*>'
        r'<title id="\1">([^<]+)</title><desc id="\2">([^<]+)</desc>',
        golden_page,
    )
    assert [unescape(f"{title}: {data}") for _, _, title, data in shown] == [
        plot.alternative for plot in plots_of(golden_report)
    ]
    assert len(shown) == golden_page.count("<svg")


def test_plots_take_their_colours_from_the_page(golden_report: Report):
    for plot in plots_of(golden_report):
        assert re.findall(r"#[0-9a-f]{6}\b", plot.svg) == []
        assert "var(--ink)" in plot.svg


def test_each_of_many_apis_has_a_look_of_its_own_beside_its_colour():
    looks = {(series_marker(index), str(series_dash(index))) for index in range(32)}
    assert len(looks) == 32
    assert len({series_marker(index) for index in range(8)}) == 8


def test_a_legend_with_long_names_stays_within_its_panel(golden_report: Report):
    names = {"go": "go-with-a-pool-of-16-on-all-cpu", "rust": "rust-with-a-pool-of-16-on-all-c"}
    summaries = tuple(summary.model_copy(update={"api": names[summary.api]}) for summary in golden_report.summaries)
    apis = tuple(api.model_copy(update={"name": names[api.name]}) for api in golden_report.apis)
    report = golden_report.model_copy(update={"apis": apis, "summaries": summaries})
    places: list[float] = []
    for name in names.values():
        [(x, y)] = re.findall(rf'x="([0-9.]+)" y="([0-9.]+)"[^>]*>{name}<', load_plots(report).plots[0].svg)
        assert float(x) + 5 * len(name) < 295
        places.append(float(y))
    assert places[0] != places[1], "below each other"


def test_a_request_s_cost_is_told_both_ways(golden_report: Report):
    rows = [[cell.value for cell in row] for row in work_table(golden_report).rows]
    assert rows[:2] == [["light", "go", "333", "3,000", "1.50"], ["light", "rust", "1,000", "1,000", "0.500"]]


def test_hostile_names_stay_text_in_html(golden_report: Report, golden_page: str):
    html = render_html(hostile(golden_report))
    usual, page = Page(golden_page), Page(html)
    assert set(page.tags) == set(usual.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert page.text.count(HOSTILE) >= 12
    assert "{{ 7*7 }}" in page.text


def test_hostile_names_stay_text_in_markdown(golden_report: Report):
    text = render_markdown(hostile(golden_report))
    outside_code = re.sub(r"^    .*$", "", text, flags=re.MULTILINE)
    assert re.search(r"(?<!\\)<", outside_code) is None
    assert "\n# b" not in text
    assert r"\<script\>alert(1)\</script\>" in text


def test_a_hostile_commit_stays_one_word_of_the_rerun_commands(golden_report: Report):
    command = rerun_commands(golden_report.model_copy(update={"git_commit": "a; rm -rf $HOME"}))[0]
    assert shlex.split(command, comments=True) == ["git", "checkout", "a; rm -rf $HOME"]


def test_rerun_commands_name_the_lab_the_protocol_and_the_apis_of_the_run(golden_report: Report):
    commands = rerun_commands(golden_report.model_copy(update={"stack": "mine", "protocol_file": "my files/p.yaml"}))
    apis = [word for api in golden_report.apis for word in ("--api", api.name)]
    assert "lab up --stack mine" in commands
    assert [shlex.split(command) for command in commands if command.startswith("lab run")] == [
        [
            "lab",
            "run",
            "--stack",
            "mine",
            "--protocol",
            "my files/p.yaml",
            "--seed",
            str(golden_report.order_seed),
            *apis,
        ]
    ]


def test_a_protocol_of_the_lab_is_named_and_an_unknown_commit_is_not_checked_out(golden_report: Report):
    commands = rerun_commands(golden_report.model_copy(update={"git_commit": "unknown"}))
    assert not any(command.startswith("git") for command in commands)
    assert any(f"--protocol {golden_report.protocol} " in command for command in commands)


def test_every_row_of_a_markdown_table_has_the_columns_of_its_head(golden_report: Report):
    blocks = [block.splitlines() for block in render_markdown(golden_report).split("\n\n") if block.startswith("|")]
    tables = [
        table
        for table in (
            summary_table(golden_report),
            *verdict_tables(golden_report),
            latency_table(golden_report),
            resource_table(golden_report),
            work_table(golden_report),
            article_table(golden_report),
            claims_table(golden_report),
            *claim_tables(golden_report),
            building_table(golden_report),
            knob_table(golden_report.knobs),
        )
        if table.rows
    ]
    assert len(tables) >= 7
    for table, lines in zip(tables, blocks, strict=True):
        assert len(lines) == len(table.rows) + 2, table.title
        assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {len(table.columns) + 1}, table.title


def test_every_row_has_a_cell_for_each_column(golden_report: Report):
    for table in (*terminal_tables(golden_report), article_table(golden_report), cell_table(golden_report)):
        assert table.rows
        assert {len(row) for row in table.rows} == {len(table.columns)}


def test_a_terminal_gets_the_summary_and_the_resources(golden_report: Report):
    by_title = {table.title: table for table in terminal_tables(golden_report)}
    summary, resources = by_title["Summary"], by_title["Resources"]
    assert next(iter(by_title)) == "Summary"
    assert [column.title for column in summary.columns][2:6] == ["Throughput", "p50", "p99", "p99.9"]
    assert [(cell.value, cell.detail) for cell in summary.rows[0]] == [
        ("light", "10 conn."),
        ("go", ""),
        ("500", "89.4 to 2,797"),
        ("10.0", "10.0"),
        ("10.0", "13.1"),
        ("15.0", "35.6"),
        ("0", ""),
        ("1.50", ""),
        ("112", "123"),
    ]
    assert [cell.value for cell in resources.rows[0][2:]] == ["1.50", "0.250", "0.050", "0.400", "0.589", "40%"]


def test_a_load_without_a_valid_cell_is_shown_as_missing(golden_report: Report):
    summaries = tuple(
        summary.model_copy(update={"measured": None, "series": None, "cells": 0})
        for summary in (golden_report.summaries)
    )
    report = golden_report.model_copy(update={"summaries": summaries, "cells": (), "article": (), "comparisons": ()})
    assert {cell.value for row in summary_table(report).rows for cell in row[2:8]} == {"\N{EN DASH}"}
    assert "<svg" not in render_html(report)
    assert render_markdown(report)


def test_the_same_run_gives_the_same_bytes(golden_directory: Path):
    page = write_report(golden_directory)
    files = [page, page.with_suffix(".md"), page.with_suffix(".json")]
    first = [file.read_bytes() for file in files]
    write_report(golden_directory)
    assert [file.read_bytes() for file in files] == first
    assert sorted(path.name for path in golden_directory.glob("report*")) == ["report.html", "report.json", "report.md"]
    assert not list(golden_directory.glob(".report*"))


def test_the_written_json_is_the_report(golden_directory: Path):
    written = write_report(golden_directory).with_suffix(".json")
    assert Report.from_json(written.read_text(), name="report.json") == analyse(golden_directory)
    assert json.loads(written.read_text())["summaries"][0]["measured"]["throughput"]["count"] == 3


def test_a_report_that_cannot_be_written_is_told(golden_directory: Path):
    (golden_directory / "report.json").mkdir()
    with pytest.raises(AnalysisError, match=r"report\.json can't be written"):
        write_report(golden_directory)
    assert not list(golden_directory.glob(".report*"))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0.000"),
        (0.0004, "0.000"),
        (0.99949, "0.999"),
        (0.9996, "1.00"),
        (9.996, "10.0"),
        (43.21, "43.2"),
        (99.96, "100"),
        (12345.6, "12,346"),
        (-1.5, "-1.50"),
    ],
)
def test_numbers_keep_three_digits(value: float, shown: str):
    assert plain(value) == shown


def test_an_interval_is_shown_only_where_there_is_one():
    assert interval(Estimate(value=2, low=1, high=3, count=2, scale="linear")) == "1.00 to 3.00"
    assert interval(Estimate(value=2, low=None, high=None, count=1, scale="linear")) == ""


def test_names_are_listed_as_in_a_sentence():
    assert [listing(["a"]), listing(["a", "b"]), listing(["a", "b", "c"])] == ["a", "a and b", "a, b and c"]


@pytest.mark.parametrize(
    ("grade", "name"),
    [
        ("smaller", "Smaller host"),
        ("other-tenants", "Cores shared with other tenants"),
        ("shared", "Shared cores"),
    ],
)
def test_what_is_not_controlled_lowers_the_grade_of_a_lesser_host_as_well(
    golden_report: Report, grade: Grade, name: str
):
    good = KnobRecord(name="turbo", wanted="off", before="0", state="as-wanted")
    bad = good.model_copy(update={"state": "only-read"})
    shown = {
        knobs: grade_name(golden_report.model_copy(update={"grade": grade, "knobs": knobs}))
        for knobs in ((good,), (good, bad), ())
    }
    assert shown == {(good,): name, (good, bad): f"{name}, partly controlled", (): f"{name}, partly controlled"}


def test_a_page_shows_how_far_the_grade_was_lowered(golden_report: Report):
    bad = KnobRecord(name="turbo", wanted="off", before="1", state="only-read")
    report = golden_report.model_copy(update={"grade": "shared", "knobs": (bad,)})
    assert "Shared cores, partly controlled" in Page(render_html(report)).text
    assert f"Shared cores, partly controlled. {grade_meaning(report)}" in render_markdown(report)
    assert grade_meaning(report).endswith("Nor was every setting as a measurement wants it.")
