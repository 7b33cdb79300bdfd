"""`lab history`: the tables, the page beside the runs, and the document for programs."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

import cli.history
from cli.main import app
from documents.errors import RunError
from documents.report.runs import History
from tests.unit.analysis.history_builder import change, run_of_day

STEADY = (500.0, 505.0, 495.0, 500.0)


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cli.history, "RUNS", tmp_path)
    monkeypatch.setattr(cli.history, "PAGE", tmp_path / "history.html")
    return tmp_path


def call(*arguments: str) -> tuple[int, str, BaseException | None]:
    done = CliRunner().invoke(app, ["history", *arguments], env={"COLUMNS": "120"})
    return done.exit_code, done.stdout, done.exception


def test_the_groups_are_shown_with_why_they_are_apart_and_what_is_not_drawn(runs: Path):
    first, second, third, fourth = (run_of_day(runs, day, STEADY, base=500.0 + 100 * day) for day in (1, 2, 3, 4))
    change(first, "manifest.json", tool_versions={"wrk": "4.2.0"})
    change(third, "host.json", after=None)
    status, out, _ = call()
    assert status == 0
    said = " ".join(out.split())
    assert "quick on local: 2 runs, 2026-01-02 to 2026-01-04" in said
    assert f"in {fourth.name}" in said
    assert "Not comparable with the newest runs, because the conditions differ: version of wrk: 4.2.0 and 4.1.0" in said
    assert "over the controls, the other APIs with the same build in both" in said
    assert f"Not drawn: {third.name}: It isn't finished." in said
    assert out.splitlines()[-1] == f"History: {runs / 'history.html'}"
    assert second.name in (runs / "history.html").read_text()


def test_programs_get_the_document_itself(runs: Path):
    run_of_day(runs, 1, STEADY)
    status, out, _ = call("--json")
    assert status == 0
    assert len(History.from_json(out, name="standard output").groups[0].runs) == 1


def test_only_the_newest_are_looked_at(runs: Path):
    for day in (1, 2, 3):
        run_of_day(runs, day, STEADY)
    found = History.from_json(call("--last", "2", "--json")[1], name="standard output")
    assert [run.run_id[:8] for run in found.groups[0].runs] == ["20260102", "20260103"]


def test_a_run_whose_removal_broke_off_is_not_looked_at(runs: Path):
    for day in (1, 2):
        run_of_day(runs, day, STEADY)
    (runs / "20260101-120000-quick").rename(runs / ".20260101-120000-quick.removed")
    found = History.from_json(call("--json")[1], name="standard output")
    assert [run.run_id[:8] for run in found.groups[0].runs] == ["20260102"]
    assert found.left_out == ()


def test_without_runs_it_says_how_to_make_one(runs: Path):
    error = call()[2]
    assert isinstance(error, RunError)
    assert "run `lab run`" in str(error)
    assert not (runs / "history.html").exists()
