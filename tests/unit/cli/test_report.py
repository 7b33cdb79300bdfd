"""`lab report` on the folder of a run."""

import hashlib
import json
import os
import shutil
import sys
import webbrowser
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from analysis.pages.html import write_report
from analysis.pages.summary_csv import render_csv
from documents.report.report import Report
from tests.unit.analysis.run_builder import golden_run
from tests.unit.cli.lab_command import lab, labs

MOST_LINES = 28
"""Some 25, and a few for a run with many caveats."""


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return golden_run(tmp_path_factory.mktemp("golden") / "run")


@pytest.fixture
def run(golden: Path, tmp_path: Path) -> Path:
    return shutil.copytree(golden, tmp_path / "run")


@pytest.fixture(scope="module")
def with_report(golden: Path) -> Path:
    folder = shutil.copytree(golden, golden.with_name("with-report"))
    write_report(folder)
    return folder


@pytest.fixture
def reported(with_report: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run with its report, which isn't written again."""

    def write_nothing(folder: Path, _facts: Path) -> Report:
        return Report.from_json((folder / "report.json").read_bytes(), name="report.json")

    monkeypatch.setattr("analysis.pages.html.write_report", write_nothing)
    return with_report


def test_report_of_a_folder_is_written_into_it_and_shown(run: Path):
    answer = lab("report", "run", cwd=run.parent)
    assert (answer.status, answer.err) == (0, "")
    assert {"report.json", "report.md", "report.html"} <= {path.name for path in run.iterdir()}
    numbers = Report.from_json((run / "report.json").read_bytes(), name="report.json")
    for api in numbers.apis:
        assert api.name in answer.out
    lines = answer.out.splitlines()
    assert len(lines) <= MOST_LINES
    assert lines[-1] == "Report: run/report.html"
    assert lines[-2] == "Every table: lab report --all run"


_opened: Counter[Path] | None = None
"""How often each file was opened since `count_opens` began; None outside of it."""


def _note_open(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and _opened is not None and isinstance(arguments[0], str | os.PathLike):
        _opened[Path(os.fspath(arguments[0]))] += 1


# An audit hook sees every way to open a file; it can't be removed.
sys.addaudithook(_note_open)


@contextmanager
def count_opens() -> Generator[Counter[Path]]:
    global _opened  # noqa: PLW0603 - a hook has no other way to be switched off
    _opened = found = Counter[Path]()
    try:
        yield found
    finally:
        _opened = None


def test_each_file_of_a_run_is_opened_and_hashed_once(run: Path, monkeypatch: pytest.MonkeyPatch):
    hashed: list[int] = []
    sha256 = hashlib.sha256

    def count_hash(data: bytes = b"") -> object:
        if data:  # plots have hashes of their own
            hashed.append(len(data))
        return sha256(data)

    monkeypatch.setattr(hashlib, "sha256", count_hash)
    with count_opens() as opened:
        assert lab("report", str(run)).status == 0
    measured = {path: count for path, count in opened.items() if path.is_relative_to(run) and path.is_file()}
    written = {path for path in measured if path.name.startswith("report.")}
    records = [*run.glob("cells/*/cell.json")]
    raw = {path.parent / name for path in records for name in json.loads(path.read_text())["files"]}
    assert {*raw, *records, run / "manifest.json", run / "host.json", run / "plan.json"} <= measured.keys()
    assert {measured[path] for path in measured.keys() - written} == {1}
    assert len(hashed) == len(raw)


def test_all_has_every_table_and_whole_caveats_before_the_same_end(reported: Path):
    short, long = labs([["report", str(reported), *options] for options in ([], ["--all"])])
    assert (long.status, long.err) == (0, "")
    assert len(short.out.splitlines()) <= MOST_LINES < len(long.out.splitlines())
    words = " ".join(long.out.split())
    for caveat in Report.from_json((reported / "report.json").read_bytes(), name="report.json").caveats:
        assert caveat in words
    assert "Grade of the host: Shared cores. The load generator shares CPUs" in words
    assert "Resources" in long.out
    assert "Resources" not in short.out
    assert long.out.splitlines()[-1] == short.out.splitlines()[-1]


def test_all_with_a_format_is_refused(run: Path):
    assert "--all prints tables" in lab("report", str(run), "--all", "--json").sentence()


def test_a_format_is_the_whole_document_and_nothing_else(reported: Path):
    answers = labs(
        [["report", str(reported), *options] for options in (["--json"], ["--format", "md"], ["--format", "csv"])]
    )
    assert [(answer.status, answer.err) for answer in answers] == [(0, "")] * 3
    as_json, markdown, table = (answer.out for answer in answers)
    assert as_json == (reported / "report.json").read_text()
    assert markdown == (reported / "report.md").read_text()
    assert table == render_csv(Report.from_json(as_json, name="standard output"))


def test_an_unknown_or_contradictory_format_is_refused(run: Path):
    unknown, contradicting = labs(
        [["report", str(run), "--format", "pdf"], ["report", str(run), "--json", "--format", "csv"]]
    )
    assert (unknown.status, contradicting.status) == (2, 2)
    assert "'md', 'html', 'json', 'csv'" in unknown.sentence()
    assert "--json is --format json, so it doesn't go with --format csv" in contradicting.sentence()
    assert not (run / "report.json").exists(), "nothing was computed"


def test_open_shows_the_page_and_says_what_to_do_where_there_is_no_browser(
    reported: Path, monkeypatch: pytest.MonkeyPatch
):
    opened: list[str] = []

    def open_page(url: str) -> bool:
        opened.append(url)
        return len(opened) == 1

    monkeypatch.setattr(webbrowser, "open", open_page)
    shown, failed = labs([["report", str(reported), "--open", "--format", "html"]] * 2)
    assert (shown.status, shown.err, failed.status) == (0, "", 1)
    assert shown.out == failed.out == (reported / "report.html").read_text(), (
        "the report itself is shown as without --open"
    )
    assert opened == [(reported / "report.html").as_uri()] * 2
    assert failed.err.startswith(f"error: No browser could be started to show {reported / 'report.html'}: ")
    assert "copy it to a machine with a browser and open it there" in failed.err
