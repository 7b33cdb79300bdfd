"""The pages: complete, the same for the same run, and safe to open whatever the host said."""

import re
import shlex
from html.parser import HTMLParser
from pathlib import Path

import pytest

from analysis.formatting import plain
from analysis.pages.html import render_html, write_report
from analysis.pages.markdown import render_markdown
from analysis.pages.run import rerun_commands
from analysis.pages.svg import series_dash, series_marker
from analysis.pages.table import summary_table
from documents.errors import AnalysisError
from documents.report.report import Report


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


def test_the_html_is_self_contained(full_page: str):
    page = Page(full_page)
    assert not {"script", "link", "img", "iframe", "object"} - {"link"} & set(page.tags)
    assert [address for address in page.values("href") if not address.startswith("#")] == ["data:,"]
    assert page.values("src") == []
    assert "@import" not in full_page
    assert re.findall(r"url\((?!#)", full_page) == []
    assert set(re.findall(r"https?://[^\"' ]+", full_page)) == {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_ids_are_unique_and_references_lead_somewhere(full_page: str):
    page = Page(full_page)
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    referred = set(re.findall(r"url\(#([^)]+)\)", full_page))
    referred |= {reference.removeprefix("#") for reference in page.values("xlink:href")}
    referred |= {address.removeprefix("#") for address in page.values("href") if address.startswith("#")}
    referred |= {name for names in page.values("aria-labelledby") for name in names.split()}
    referred |= {name for names in page.values("aria-describedby") for name in names.split()}
    assert len(referred) > 40
    assert referred <= set(ids)


def test_each_of_many_apis_has_a_look_of_its_own_beside_its_colour():
    looks = {(series_marker(index), str(series_dash(index))) for index in range(32)}
    assert len(looks) == 32
    assert len({series_marker(index) for index in range(8)}) == 8


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


def test_a_load_without_a_valid_cell_is_shown_as_missing(golden_report: Report):
    summaries = tuple(
        summary.model_copy(update={"measured": None, "series": None, "cells": 0})
        for summary in (golden_report.summaries)
    )
    report = golden_report.model_copy(update={"summaries": summaries, "cells": (), "article": (), "comparisons": ()})
    assert {cell.value for row in summary_table(report).rows for cell in row[2:8]} == {"\N{EN DASH}"}
    assert "<svg" not in render_html(report)
    assert render_markdown(report)


def test_the_same_run_gives_the_same_bytes(repeated_directory: Path):
    report = write_report(repeated_directory)
    files = [repeated_directory / f"report.{kind}" for kind in ("html", "md", "json")]
    first = [file.read_bytes() for file in files]
    write_report(repeated_directory)
    assert [file.read_bytes() for file in files] == first
    assert sorted(path.name for path in repeated_directory.glob("*report*")) == [
        "report.html",
        "report.json",
        "report.md",
    ]
    assert Report.from_json(first[2], name="report.json") == report


def test_a_report_that_cannot_be_written_is_reported(golden_directory: Path):
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
def test_a_number_has_three_digits_and_at_most_three_decimals(value: float, shown: str):
    assert plain(value) == shown
