"""`lab report` on the folder of a run."""

from pathlib import Path

import pytest

from analysis.pages.summary_csv import render_csv
from documents.report import Report
from tests.unit.analysis.run_builder import golden_run
from tests.unit.cli.lab_command import lab, labs


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    golden_run(folder)
    return folder


def test_report_of_a_folder_is_written_into_it_and_shown(run: Path):
    answer = lab("report", "run", cwd=run.parent)
    assert (answer.status, answer.err) == (0, "")
    assert {"report.json", "report.md", "report.html"} <= {path.name for path in run.iterdir()}
    numbers = Report.from_json((run / "report.json").read_bytes(), name="report.json")
    for api in numbers.apis:
        assert api.name in answer.out
    for caveat in numbers.caveats:
        assert caveat in " ".join(answer.out.split())
    assert "Grade of the host: Shared cores. The load generator shares CPUs" in " ".join(answer.out.split())
    assert "report.html" in answer.out.splitlines()[-1]


def test_programs_get_the_document_itself(run: Path):
    answer = lab("report", str(run), "--json")
    assert (answer.status, answer.err) == (0, "")
    assert answer.out == (run / "report.json").read_text()
    Report.from_json(answer.out, name="standard output")


def test_a_format_is_the_whole_document_and_nothing_else(run: Path):
    markdown, table = labs([["report", str(run), "--format", name] for name in ("md", "csv")])
    assert [(answer.status, answer.err) for answer in (markdown, table)] == [(0, ""), (0, "")]
    assert markdown.out == (run / "report.md").read_text()
    assert table.out == render_csv(Report.from_json((run / "report.json").read_bytes(), name="report.json"))


def test_a_format_that_there_is_not_or_that_contradicts_is_refused(run: Path):
    unknown, contradicting = labs(
        [["report", str(run), "--format", "pdf"], ["report", str(run), "--json", "--format", "csv"]]
    )
    assert (unknown.status, contradicting.status) == (2, 2)
    assert "'md', 'html', 'json', 'csv'" in unknown.sentence()
    assert "--json is --format json, so it doesn't go with --format csv" in contradicting.sentence()
    assert not (run / "report.json").exists(), "nothing was computed"


def test_open_shows_the_page_in_the_browser_of_the_environment(run: Path, tmp_path: Path):
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {tmp_path / "opened"}\n')
    browser.chmod(0o755)
    answer = lab("report", str(run), "--open", "--format", "html", environment={"BROWSER": str(browser)})
    assert (answer.status, answer.err) == (0, "")
    assert answer.out == (run / "report.html").read_text()
    assert (tmp_path / "opened").read_text() == (run / "report.html").as_uri()


def test_open_where_there_is_no_browser_says_what_to_do(run: Path, tmp_path: Path):
    nowhere = {"BROWSER": str(tmp_path / "no-browser"), "DISPLAY": "", "WAYLAND_DISPLAY": "", "PATH": "/nonexistent"}
    answer = lab("report", str(run), "--open", environment=nowhere)
    assert answer.status == 1
    assert answer.err.startswith(f"error: No browser could be started to show {run / 'report.html'}: ")
    assert "copy it to a machine with a browser and open it there" in answer.err
    assert "Grade of the host: " in answer.out, "the report itself is shown as without --open"
    assert (run / "report.html").exists()


def test_run_that_was_damaged_is_told_in_one_sentence(run: Path):
    cell = next((run / "cells").iterdir())
    (cell / "wrk.json").write_text("{}")
    answer = lab("report", str(run))
    assert answer.status == 1
    assert "wrk.json" in answer.sentence()
