"""`lab runs`: the list, the mark of what is kept, and what a prune shows, asks and removes."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

import cli.report
import cli.runs
from cli.context import complete_run
from cli.main import app
from cli.report import find_run
from documents.errors import RunError
from documents.report.runs import PrunedRuns
from tests.unit.analysis.run_builder import golden_run
from tests.unit.cli.lab_command import lab


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that is finished."""
    run = golden_run(tmp_path_factory.mktemp("finished") / "run")
    host = json.loads((run / "host.json").read_text())
    (run / "host.json").write_text(json.dumps(host | {"after": host["before"]}))
    (run / "journal.jsonl").touch()
    # The last cell of the golden run isn't measured.
    plan = json.loads((run / "plan.json").read_text())
    (run / "plan.json").write_text(json.dumps(plan | {"cells": plan["cells"][:-1]}))
    return run


@pytest.fixture
def runs(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of four runs, finished 40, 30, 20 and 10 days ago."""
    folder = tmp_path / "runs"
    manifest = json.loads((finished / "manifest.json").read_text())
    for days in (40, 30, 20, 10):
        began = datetime.now(UTC) - timedelta(days=days, hours=1)
        copy = shutil.copytree(finished, folder / f"{began:%Y%m%d}-{days}")
        (copy / "manifest.json").write_text(
            json.dumps(manifest | {"run_id": copy.name, "started_at": began.isoformat()})
        )
    for module in (cli.runs, cli.report):
        monkeypatch.setattr(module, "RUNS", folder)
    monkeypatch.setattr("cli.context.RUNS", folder)
    return folder


def at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli.runs, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))


def call(*arguments: str, answer: str | None = None) -> tuple[int, str, BaseException | None]:
    done = CliRunner().invoke(app, ["runs", *arguments], input=answer, env={"COLUMNS": "120"})
    return done.exit_code, done.stdout, done.exception


@pytest.mark.parametrize("name", [".20270101-120000-quick.removed", ".20270101-120000-quick.unfinished"])
def test_a_run_that_is_being_made_or_removed_is_neither_found_nor_completed(runs: Path, name: str):
    (runs / name).mkdir()
    (runs / name / "manifest.json").touch()
    whole = complete_run("")
    assert len(whole) == 4
    with pytest.raises(RunError) as error:
        find_run(f"{name}x")
    assert name not in str(error.value).split("manifest.json", 1)[1], "it isn't suggested either"
    for run in whole:
        shutil.rmtree(runs / run)
    with pytest.raises(RunError, match="There is no run in"):
        find_run(None)


def ages(folder: Path) -> list[str]:
    return [path.name.rpartition("-")[2] for path in sorted(folder.iterdir())]


def test_the_runs_are_listed_the_oldest_first_with_what_they_take(runs: Path):
    status, out, _ = call()
    assert status == 0
    heading, *lines, sum_line = out.splitlines()
    assert heading.split() == ["run", "stack", "state", "grade", "commit", "cells", "size"]
    assert [line.split()[0] for line in lines] == [path.name for path in sorted(runs.iterdir())]
    assert all(line.split()[2] == "finished" for line in lines)
    assert sum_line.startswith("4 runs, ")
    assert str(runs) in sum_line
    as_json = json.loads(call("--json")[1])
    assert [run["run_id"] for run in as_json] == [line.split()[0] for line in lines]


def test_a_damaged_run_is_listed_with_its_fault(runs: Path):
    oldest = min(runs.iterdir())
    (oldest / "plan.json").write_text("{}")
    _, out, _ = call()
    assert f"{oldest.name}: " in out
    assert "plan.json is not a valid Plan document" in out


def test_without_runs_it_says_how_to_make_one(runs: Path):
    shutil.rmtree(runs)
    assert call()[1].startswith("There is no run in ")
    assert "`lab run`" in call()[1]
    assert json.loads(call("--json")[1]) == []


def test_a_run_that_is_kept_says_so_and_outlives_every_prune(runs: Path, monkeypatch: pytest.MonkeyPatch):
    at_a_terminal(monkeypatch)
    oldest = min(runs.iterdir()).name
    assert "is kept" in call("keep", oldest)[1]
    assert call()[1].splitlines()[1].endswith("kept")
    status, out, _ = call("prune", "--keep-newest", "1", answer="y\n")
    assert status == 0
    assert f"stays: {oldest}: kept" in out
    assert ages(runs) == ["40", "10"]
    assert json.loads(call("keep", oldest, "--undo", "--json")[1]) == {"run_id": oldest, "kept": False}
    call("prune", "--keep-newest", "1", answer="y\n")
    assert ages(runs) == ["10"]


def test_a_prune_lists_what_it_removes_and_a_no_removes_nothing(runs: Path, monkeypatch: pytest.MonkeyPatch):
    at_a_terminal(monkeypatch)
    _, out, error = call("prune", "--older-than", "25d", answer="n\n")
    assert isinstance(error, RunError)
    assert str(error) == "It wasn't confirmed, so nothing was removed."
    shown = [path.name in out for path in sorted(runs.iterdir())]
    assert shown == [True, True, False, False]
    assert "2 runs to remove" in out
    assert "Remove 2 runs?" in out
    assert ages(runs) == ["40", "30", "20", "10"]


@pytest.mark.parametrize("json", [(), ("--json",)])
def test_where_nobody_can_be_asked_nothing_goes_without_a_yes(runs: Path, json: tuple[str, ...]):
    _, _, error = call("prune", "--older-than", "25d", *json)
    assert isinstance(error, RunError)
    assert "add --yes" in str(error)
    assert ages(runs) == ["40", "30", "20", "10"]
    status, _, _ = call("prune", "--older-than", "25d", "--yes", *json)
    assert status == 0
    assert ages(runs) == ["20", "10"]


def test_json_of_a_terminal_s_user_is_asked_nothing(runs: Path, monkeypatch: pytest.MonkeyPatch):
    at_a_terminal(monkeypatch)
    _, out, error = call("prune", "--older-than", "25d", "--json", answer="y\n")
    assert isinstance(error, RunError)
    assert out == ""
    assert len(ages(runs)) == 4


def test_json_has_what_was_removed_and_what_would_be(runs: Path):
    oldest = min(runs.iterdir()).name
    would = PrunedRuns.from_json(call("prune", "--keep-newest", "3", "--dry-run", "--json")[1], name="output")
    assert (would.removed, [run.run_id for run in would.runs]) == (False, [oldest])
    assert would.bytes == would.runs[0].bytes > 0
    assert len(ages(runs)) == 4
    went = PrunedRuns.from_json(call("prune", "--keep-newest", "3", "--yes", "--json")[1], name="output")
    assert (went.removed, went.runs, went.spared) == (True, would.runs, ())
    assert ages(runs) == ["30", "20", "10"]
    none = PrunedRuns.from_json(call("prune", "--keep-newest", "3", "--yes", "--json")[1], name="output")
    assert none.runs == ()


def test_the_next_prune_removes_what_an_interrupted_one_left_unless_it_is_a_dry_run(runs: Path):
    (runs / ".20250101-120000-quick.removed").mkdir()
    call("prune", "--keep-newest", "9", "--dry-run")
    assert len([*runs.iterdir()]) == 5
    call("prune", "--keep-newest", "9")
    assert ages(runs) == ["40", "30", "20", "10"]


def test_wrong_use_is_reported_with_the_remedy():
    answers = {
        ("runs", "prune"): "Say which runs to remove: --older-than 30d, --keep-newest 10, or both",
        ("runs", "prune", "--older-than", "a month"): "'a month' isn't an age. Write it in days: 30d",
        ("runs", "prune", "--keep-newest", "1", "--yes", "--dry-run"): "--dry-run removes nothing",
        ("runs", "--json", "prune", "--keep-newest", "1"): "--json goes after the subcommand: lab runs prune --json",
    }
    for arguments, said in answers.items():
        answer = lab(*arguments)
        assert answer.status == 2
        assert said in answer.sentence()
    unknown = lab("runs", "keep", "no-such-run")
    assert unknown.status == 1
    assert unknown.sentence().startswith("There is no run no-such-run")


def test_a_run_with_a_similar_name_is_suggested(runs: Path):
    oldest = min(runs.iterdir()).name
    _, _, error = call("keep", f"{oldest}-")
    assert isinstance(error, RunError)
    assert str(error).endswith(f"has a manifest.json. Is it {oldest}? `lab runs` lists all.")
    assert "Is it" not in str(call("keep", "something-else")[2])
