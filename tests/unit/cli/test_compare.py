"""`lab compare` on the folders of two runs."""

import shutil
from pathlib import Path

import pytest

from documents.report.runs import RunComparison
from tests.unit.analysis.pair_run import pair_run
from tests.unit.cli.lab_command import lab, labs

FIRST, SECOND = "20260131-120000-quick", "20260201-120000-quick"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pair_run(tmp_path_factory.mktemp("made") / "first", (501, 499, 500))


@pytest.fixture
def first(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "first")


@pytest.fixture
def second(first: Path) -> Path:
    """The same run a day later."""
    folder = first.with_name("second")
    shutil.copytree(first, folder)
    change(folder, FIRST, SECOND)
    return folder


def change(run: Path, old: str, new: str) -> None:
    text = (run / "manifest.json").read_text()
    assert old in text
    (run / "manifest.json").write_text(text.replace(old, new))


def test_two_runs_are_compared_and_the_page_is_beside_the_second(first: Path, second: Path):
    answer = lab("compare", "first", "second", cwd=first.parent)
    assert (answer.status, answer.err) == (0, "")
    said = " ".join(answer.out.split())
    assert f"go-base and go-new in {SECOND} and {FIRST}" in said
    assert "What changed for all APIs alike cancels" in said
    assert "“lab gate” does" in said
    assert answer.out.splitlines()[-1].endswith(f"second/compared/{FIRST}.html")
    assert {path.suffix for path in (second / "compared").iterdir()} == {".html", ".json", ".md"}


def test_programs_get_the_document_itself(first: Path, second: Path):
    answer = lab("compare", str(first), str(second), "--json")
    assert (answer.status, answer.err) == (0, "")
    comparison = RunComparison.from_json(answer.out, name="standard output")
    assert (comparison.first.run_id, comparison.second.run_id) == (FIRST, SECOND)
    assert [change.ratio for change in comparison.measures[0].changes] == [1.0, 1.0]


def test_changed_conditions_are_refused_by_name_and_compared_with_a_mark_by_request(first: Path, second: Path):
    change(second, '"shared_buffers": "1GB"', '"shared_buffers": "128MB"')
    change(second, '"wrk": "4.1.0"', '"wrk": "4.2.0"')
    refused = lab("compare", str(first), str(second))
    assert refused.status == 1
    assert "PostgreSQL setting shared_buffers: 1GB and 128MB; version of wrk: 4.1.0 and 4.2.0." in refused.sentence()
    assert not (second / "compared").exists()
    shown = lab("compare", str(first), str(second), "--anyway")
    assert (shown.status, shown.err) == (0, "")
    assert shown.out.startswith("Different conditions: ")
    assert "Differs: PostgreSQL setting shared_buffers: 1GB and 128MB." in shown.out
    assert "<title>Different conditions: " in (second / "compared" / f"{FIRST}.html").read_text()


def test_runs_that_are_not_there_are_reported_in_one_sentence(first: Path):
    unknown, twice = labs([["compare", str(first), "no-such-run"], ["compare", str(first), str(first)]])
    assert (unknown.status, twice.status) == (1, 1)
    assert unknown.sentence().startswith("There is no run no-such-run")
    assert "are the same run" in twice.sentence()
