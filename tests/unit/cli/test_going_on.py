"""`lab run --ci` in a pipeline that is started again, by the loop itself on a bench in memory."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest

from cli import continuous_integration
from cli.run import run
from documents.inventory import Inventory
from tests.unit.experiment.fake_bench import INVENTORY, PROTOCOL, SECRETS, FakeBench
from tests.unit.experiment.loop_runs import CELLS, journal, records


class Lab:
    """A lab on a bench in memory, and the job that measures it."""

    def __init__(self, folder: Path) -> None:
        self.runs = folder / "runs"
        self.runs.mkdir()
        self.inventory = INVENTORY
        self.bench = FakeBench()
        self._artifacts = folder / "artifacts"
        self._protocol = folder / "tiny.yaml"
        self._protocol.write_text(PROTOCOL.to_json())

    def read_lab(self, _engine: object) -> tuple[object, object]:
        return self.inventory, SECRETS

    @contextmanager
    def open_bench(self, _inventory: Inventory, _secrets: object) -> Generator[FakeBench]:
        yield self.bench

    def job(self) -> None:
        """Run the job's command."""
        run(protocol=str(self._protocol), ci=True, artifacts=self._artifacts)

    def interrupted_job(self) -> Path:
        """Run it until a load in the middle of its cells, where it is cancelled; returns the run's folder."""

        def cancel(step: str, _count: int) -> None:
            if step == "measure" and len(self.bench.played) == CELLS // 2:
                raise KeyboardInterrupt

        self.bench = FakeBench(before=cancel)
        with pytest.raises(KeyboardInterrupt):
            self.job()
        self.bench = FakeBench()
        (folder,) = self.runs.iterdir()
        return folder


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    lab = Lab(tmp_path)

    def open_engine(_stack: str) -> object:
        return None

    def git_commit() -> str:
        return "a" * 40

    numbers = count(1)

    def new_run_id(protocol_name: str, _started_at: datetime) -> str:
        """Two runs of one second would have the same."""
        return f"{next(numbers)}-{protocol_name}"

    monkeypatch.setattr("experiment.loop.new_run_id", new_run_id)
    monkeypatch.setattr("experiment.run.open_bench", lab.open_bench)
    monkeypatch.setattr("experiment.run.git_commit", git_commit)
    monkeypatch.setattr("cli.run.read_lab", lab.read_lab)
    monkeypatch.setattr("cli.run.open_engine", open_engine)
    monkeypatch.setattr("cli.run.RUNS", lab.runs)
    monkeypatch.setattr(continuous_integration, "RUNS", lab.runs)
    monkeypatch.setattr(continuous_integration, "FACTS", tmp_path / "facts")
    monkeypatch.setattr(continuous_integration, "_RECORD", tmp_path / "pipeline-run.json")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    for name, value in {"GITHUB_REPOSITORY": "team/lab", "GITHUB_RUN_ID": "77", "GITHUB_JOB": "measure"}.items():
        monkeypatch.setenv(name, value)
    return lab


def test_cancelled_job_that_is_started_again_measures_what_is_left(lab: Lab, capsys: pytest.CaptureFixture[str]):
    folder = lab.interrupted_job()
    finished = len(records(folder))
    assert 0 < finished < CELLS
    lab.job()
    assert list(lab.runs.iterdir()) == [folder]
    assert (len(lab.bench.played), len(records(folder))) == (CELLS - finished, CELLS)
    assert [entry.event for entry in journal(folder) if entry.event.startswith("run-")] == [
        "run-started",
        "run-resumed",
        "run-finished",
    ]
    assert capsys.readouterr().out.splitlines()[-1] == f"run_id={folder.name}"


def test_lab_with_another_image_is_measured_from_the_start(lab: Lab, capsys: pytest.CaptureFixture[str]):
    folder = lab.interrupted_job()
    go, rust = INVENTORY.apis
    lab.inventory = INVENTORY.model_copy(update={"apis": (go.model_copy(update={"image_id": "sha256:other"}), rust)})
    lab.job()
    (new,) = set(lab.runs.iterdir()) - {folder}
    said = capsys.readouterr().out
    assert f"A new run begins instead. The run {folder.name} can't go on" in said
    assert said.splitlines()[-1] == f"run_id={new.name}"
    assert len(records(new)) == CELLS
