"""`lab run --ci`: what a job finds after a run, whatever ended it, and when a pipeline goes on with what it began."""

import errno
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import typer

from analysis.pages.html import write_report
from cli import run as subcommand
from cli.run import ARTIFACT_FILES, REPORT_FILES, run, this_pipeline
from documents.errors import HostError, RunError
from documents.report.report import Report
from documents.run.records import HostRecord
from experiment.progress.events import RunFinished
from experiment.running.loop import Progress
from tests.unit.analysis.pair_run import BASE, CANDIDATE, pair_run
from tests.unit.documents.samples import INVENTORY, SECRETS
from tests.unit.experiment.fake_bench import PROTOCOL
from tests.unit.experiment.timed_events import started

COMMIT = "a" * 40
GITHUB = {"GITHUB_REPOSITORY": "team/lab", "GITHUB_RUN_ID": "77", "GITHUB_JOB": "measure"}
GITLAB = {"CI_PROJECT_ID": "5", "CI_PIPELINE_ID": "88", "CI_JOB_NAME": "nightly"}


@dataclass
class Loop:
    """Stands for the loop over cells: each run has its folder, and ends as the test says."""

    runs: Path
    measured: Path
    ends_with: BaseException | None = None
    resume_refuses: RunError | None = None
    void_cells: int = 0
    called: list[str] = field(default_factory=list[str])

    def start_run(self, *_arguments: object, progress: Progress, **_options: object) -> None:
        number = sum(name.startswith("start") for name in self.called) + 1
        folder = self.runs / f"2026013{number}-120000-quick"
        shutil.copytree(self.measured, folder, ignore=shutil.ignore_patterns("report.*"))
        self.called.append(f"start {folder.name}")
        self._measure(folder, progress)

    def resume_run(self, folder: Path, *_arguments: object, progress: Progress) -> None:
        self.called.append(f"resume {folder.name}")
        if self.resume_refuses is not None:
            raise self.resume_refuses
        self._measure(folder, progress)

    def _measure(self, folder: Path, progress: Progress) -> None:
        place = {"run_id": folder.name, "directory": str(folder), "cells": 4}
        progress(started(PROTOCOL, ()).model_copy(update=place))
        # It is looked at afterwards in a run that comes to its end.
        host = HostRecord.from_json((folder / "host.json").read_bytes(), name="host.json")
        host = host.model_copy(update={"after": host.before})
        if self.ends_with is not None:
            (folder / "host.json").write_text(host.model_copy(update={"after": None}).to_json())
            raise self.ends_with
        finished = RunFinished(
            run_id=folder.name,
            directory=str(folder),
            cells=4,
            void_cells=self.void_cells,
            void_attempts=self.void_cells,
            short_blocks=(2,) if self.void_cells else (),
            short_open_loop_blocks=(),
        )
        (folder / "host.json").write_text(host.to_json())
        progress(finished)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run, with its report."""
    folder = pair_run(tmp_path_factory.mktemp("measured") / "run", (501.0,))
    write_report(folder, folder.with_name("facts"))
    return folder


@pytest.fixture
def loop(measured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loop:
    """The loop; reports are those of the same run, written once. `tests/e2e` has the real ones."""
    loop = Loop(tmp_path / "runs", measured)

    def write_same_report(folder: Path, _facts: Path) -> Report:
        for name in REPORT_FILES:
            shutil.copy(measured / name, folder)
        return Report.from_json((folder / "report.json").read_bytes(), name="report.json")

    def open_engine(_stack: str) -> object:
        return None

    def read_lab(_engine: object) -> tuple[object, object]:
        return INVENTORY, SECRETS

    def git_commit() -> str:
        return COMMIT

    monkeypatch.setattr("analysis.pages.html.write_report", write_same_report)
    monkeypatch.setattr("experiment.running.start_run", loop.start_run)
    monkeypatch.setattr("experiment.running.resume_run", loop.resume_run)
    monkeypatch.setattr("experiment.running.git_commit", git_commit)
    monkeypatch.setattr("lab.lifecycle.read_lab", read_lab)
    monkeypatch.setattr("cli.run.open_engine", open_engine)
    monkeypatch.setattr(subcommand, "RUNS", loop.runs)
    monkeypatch.setattr(subcommand, "FACTS", tmp_path / "facts")
    monkeypatch.setattr(subcommand, "_RECORD", tmp_path / "pipeline-run.json")
    for name in (*GITHUB, *GITLAB, "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return loop


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "artifacts"


def interrupt(loop: Loop, artifacts: Path, **options: object) -> None:
    """Call a run that is interrupted before it is finished."""
    loop.ends_with = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        run(ci=True, artifacts=artifacts, **options)  # pyright: ignore[reportArgumentType] - of several types
    loop.ends_with = None


def test_artifacts_are_whole_and_the_last_line_names_the_run(
    loop: Loop, artifacts: Path, capsys: pytest.CaptureFixture[str]
):
    run(ci=True, artifacts=artifacts)
    (folder,) = loop.runs.iterdir()
    assert capsys.readouterr().out.splitlines()[-1] == f"run_id={folder.name}"
    assert {path.name for path in artifacts.iterdir()} == set(ARTIFACT_FILES)
    for name in REPORT_FILES:
        assert (artifacts / name).read_bytes() == (folder / name).read_bytes()
    assert (artifacts / "run-id").read_text() == f"{folder.name}\n"
    with tarfile.open(artifacts / "run.tar.gz") as packed:
        files = {member.name for member in packed if member.isfile()}
    assert files == {str(path.relative_to(loop.runs)) for path in folder.rglob("*") if path.is_file()}


def test_summary_is_the_reports_verdict_and_is_added_to_the_page_of_the_job(
    loop: Loop, artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    page = tmp_path / "step-summary"
    page.write_text("from an earlier step\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    run(ci=True, artifacts=artifacts)
    summary = (artifacts / "summary.md").read_text()
    assert page.read_text() == f"from an earlier step\n{summary}"
    assert loop.called
    for said in (
        f"## {BASE} and {CANDIDATE} under light load",
        "| Load | API | Throughput, requests/s |",
        "## Before you quote these numbers",
    ):
        assert said in summary


def test_short_blocks_are_reported_and_a_run_without_a_valid_cell_fails(
    loop: Loop, artifacts: Path, capsys: pytest.CaptureFixture[str]
):
    loop.void_cells = 1
    run(ci=True, artifacts=artifacts)
    assert "short block 2" in capsys.readouterr().out
    loop.void_cells = 4
    with pytest.raises(RunError, match="None of the 4 cells"):
        run(ci=True, artifacts=artifacts)
    assert {path.name for path in artifacts.iterdir()} == set(ARTIFACT_FILES)


def test_run_that_failed_leaves_what_it_measured_and_the_report_of_it(
    loop: Loop, artifacts: Path, capsys: pytest.CaptureFixture[str]
):
    loop.ends_with = HostError("The host went away.")
    with pytest.raises(HostError):
        run(ci=True, artifacts=artifacts)
    assert {path.name for path in artifacts.iterdir()} == set(ARTIFACT_FILES)
    assert capsys.readouterr().out.splitlines()[-1].startswith("run_id=")


def test_report_that_can_not_be_made_hides_no_failure_of_the_run(
    loop: Loop, artifacts: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def write_report(*_arguments: object) -> None:
        raise RunError("No.")

    monkeypatch.setattr("analysis.pages.html.write_report", write_report)
    loop.ends_with = HostError("The host went away.")
    with pytest.raises(HostError):
        run(ci=True, artifacts=artifacts)
    assert "There is no report: No." in capsys.readouterr().out
    assert (artifacts / "run.tar.gz").is_file()
    loop.ends_with = None
    with pytest.raises(RunError, match=r"No\."):
        run(ci=True, artifacts=artifacts)
    assert (artifacts / "run.tar.gz").is_file()


def test_interrupt_packs_what_was_measured_without_the_time_for_a_report(loop: Loop, artifacts: Path):
    interrupt(loop, artifacts)
    assert {path.name for path in artifacts.iterdir()} == {"run-id", "run.tar.gz"}


def test_archive_that_can_not_be_packed_leaves_no_part_of_it(
    loop: Loop, artifacts: Path, monkeypatch: pytest.MonkeyPatch
):
    def add(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(tarfile.TarFile, "add", add)
    with pytest.raises(OSError, match="Input/output error"):
        run(ci=True, artifacts=artifacts)
    assert {path.name for path in artifacts.iterdir()} == {*ARTIFACT_FILES} - {"run.tar.gz"}
    assert loop.called


def test_artifacts_of_the_job_before_are_gone_where_nothing_began_and_other_files_stay(
    loop: Loop, artifacts: Path, monkeypatch: pytest.MonkeyPatch
):
    run(ci=True, artifacts=artifacts)
    (artifacts / "notes").touch()

    def start_run(*_arguments: object, **_options: object) -> None:
        raise RunError("Another run holds the host.")

    monkeypatch.setattr("experiment.running.start_run", start_run)
    with pytest.raises(RunError):
        run(ci=True, artifacts=artifacts)
    assert loop.called
    assert [path.name for path in artifacts.iterdir()] == ["notes"]


@pytest.mark.parametrize("pipeline", [GITHUB, GITLAB])
def test_same_pipeline_goes_on_with_the_run_that_it_began(
    loop: Loop, artifacts: Path, monkeypatch: pytest.MonkeyPatch, pipeline: dict[str, str]
):
    for name, value in pipeline.items():
        monkeypatch.setenv(name, value)
    interrupt(loop, artifacts)
    run(ci=True, artifacts=artifacts)
    assert loop.called == ["start 20260131-120000-quick", "resume 20260131-120000-quick"]
    assert {path.name for path in artifacts.iterdir()} == set(ARTIFACT_FILES)


def another_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_RUN_ID", "78")


def no_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_RUN_ID")


def another_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    def git_commit() -> str:
        return "b" * 40

    monkeypatch.setattr("experiment.running.git_commit", git_commit)


def nothing(_monkeypatch: pytest.MonkeyPatch) -> None:
    pass


@pytest.mark.parametrize(
    ("change", "options"),
    [
        (another_pipeline, {}),
        (no_pipeline, {}),
        (another_commit, {}),
        (nothing, {"seed": 7}),
        (nothing, {"protocol": "article"}),
        (nothing, {"api": ["go"]}),
        (nothing, {"budget": 3_600}),
        (nothing, {"stack": "test"}),
    ],
)
def test_anything_else_that_is_asked_begins_a_new_run(
    loop: Loop,
    artifacts: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[pytest.MonkeyPatch], None],
    options: dict[str, object],
):
    for name, value in GITHUB.items():
        monkeypatch.setenv(name, value)
    interrupt(loop, artifacts)
    change(monkeypatch)
    interrupt(loop, artifacts, **options)
    assert loop.called == ["start 20260131-120000-quick", "start 20260132-120000-quick"]


def test_tree_with_changes_is_no_commit_to_go_on_with(loop: Loop, artifacts: Path, monkeypatch: pytest.MonkeyPatch):
    for name, value in GITHUB.items():
        monkeypatch.setenv(name, value)

    def git_commit() -> str:
        return f"{COMMIT}-dirty"

    monkeypatch.setattr("experiment.running.git_commit", git_commit)
    interrupt(loop, artifacts)
    interrupt(loop, artifacts)
    assert [name.split()[0] for name in loop.called] == ["start", "start"]


def test_finished_run_is_measured_again_and_one_that_is_gone_too(
    loop: Loop, artifacts: Path, monkeypatch: pytest.MonkeyPatch
):
    for name, value in GITHUB.items():
        monkeypatch.setenv(name, value)
    run(ci=True, artifacts=artifacts)
    run(ci=True, artifacts=artifacts)
    for folder in loop.runs.iterdir():
        folder.rename(folder.with_name(f"moved-{folder.name}"))
    run(ci=True, artifacts=artifacts)
    assert [name.split()[0] for name in loop.called] == ["start", "start", "start"]


def test_run_that_may_not_go_on_gives_way_to_a_new_one_and_one_that_fails_later_does_not(
    loop: Loop, artifacts: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for name, value in GITHUB.items():
        monkeypatch.setenv(name, value)
    interrupt(loop, artifacts)
    loop.ends_with = RunError("The disk is full.")
    with pytest.raises(RunError, match="The disk is full"):
        run(ci=True, artifacts=artifacts)
    assert [name.split()[0] for name in loop.called] == ["start", "resume"]
    loop.ends_with, loop.resume_refuses = None, RunError("The lab is another one.")
    run(ci=True, artifacts=artifacts)
    assert [name.split()[0] for name in loop.called] == ["start", "resume", "resume", "start"]
    assert "A new run begins instead. The lab is another one." in capsys.readouterr().out


def test_resumed_run_is_not_recorded_as_begun_by_this_pipeline(
    loop: Loop, artifacts: Path, monkeypatch: pytest.MonkeyPatch
):
    interrupt(loop, artifacts, protocol="article")
    for name, value in GITHUB.items():
        monkeypatch.setenv(name, value)
    (begun,) = loop.runs.iterdir()
    interrupt(loop, artifacts, resume=True, run_id=str(begun))
    assert not subcommand._RECORD.exists()  # pyright: ignore[reportPrivateUsage]


def test_the_record_of_another_version_is_ignored(loop: Loop, artifacts: Path, monkeypatch: pytest.MonkeyPatch):
    for name, value in GITHUB.items():
        monkeypatch.setenv(name, value)
    interrupt(loop, artifacts)
    subcommand._RECORD.write_text('{"version": 2}')  # pyright: ignore[reportPrivateUsage]
    interrupt(loop, artifacts)
    assert [name.split()[0] for name in loop.called] == ["start", "start"]


def test_pipeline_is_named_by_what_a_rerun_shares():
    assert this_pipeline({**GITHUB, "GITHUB_RUN_ATTEMPT": "2"}) == "team/lab 77 measure"
    assert this_pipeline({**GITLAB, "CI_JOB_ID": "9"}) == "5 88 nightly"
    assert this_pipeline({"CI": "true", "GITHUB_RUN_ID": "77"}) is None


def test_options_that_do_not_go_together_are_refused(loop: Loop, artifacts: Path):
    with pytest.raises(typer.BadParameter, match="--json doesn't go with it"):
        run(ci=True, json=True)
    with pytest.raises(typer.BadParameter, match="needs --ci"):
        run(artifacts=artifacts)
    assert loop.called == []
