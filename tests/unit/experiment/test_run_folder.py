"""The id of a run belongs to one process, whoever else begins a run in the same second."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from analysis.raw.run import read_run
from documents.errors import RunError
from documents.run.records import HostRecord, Manifest
from experiment.record.writer import RunWriter
from tests.unit.experiment.fake_bench import FakeBench
from tests.unit.experiment.loop_runs import begin
from tests.unit.experiment.test_clock import SteppedClock

FIRST, SECOND, THIRD = "20310506-070809-tiny", "20310506-070809-tiny-2", "20310506-070809-tiny-3"


def manifest_of(run: Path) -> Manifest:
    return Manifest.from_json((run / "manifest.json").read_bytes(), name="manifest.json")


def test_runs_that_begin_in_the_same_second_have_ids_of_their_own(tmp_path: Path):
    runs = [begin(FakeBench(), tmp_path, clock=SteppedClock()) for _ in range(3)]
    assert [run.name for run in runs] == [FIRST, SECOND, THIRD]
    assert [manifest_of(run).run_id for run in runs] == [FIRST, SECOND, THIRD]
    assert {path.name for path in tmp_path.iterdir()} == {FIRST, SECOND, THIRD}


def test_the_folder_that_another_process_is_creating_is_left_to_it(tmp_path: Path):
    other = tmp_path / f".{FIRST}.unfinished"
    (other / "cells").mkdir(parents=True)
    (other / "manifest.json").write_text("half of")
    assert begin(FakeBench(), tmp_path, clock=SteppedClock()).name == SECOND
    assert (other / "manifest.json").read_text() == "half of"
    assert not (tmp_path / FIRST).exists()


def test_each_of_many_at_once_gets_an_id(tmp_path: Path):
    begun = begin(FakeBench(), tmp_path / "begun", clock=SteppedClock())
    run = read_run(begun)
    manifest, host, plan = run.manifest, HostRecord(before=run.host.before), run.plan
    with ThreadPoolExecutor(16) as pool:
        creating = [pool.submit(RunWriter.create, tmp_path / "runs", manifest, host, plan) for _ in range(16)]
    names = {created.result().path.name for created in creating}
    assert len(names) == 16
    assert {path.name for path in (tmp_path / "runs").iterdir()} == names
    assert {manifest_of(tmp_path / "runs" / name).run_id for name in names} == names


def test_a_folder_that_can_not_be_created_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def replace_file(path: Path, _text: str) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("experiment.record.writer.replace_file", replace_file)
    with pytest.raises(RunError, match=rf"{FIRST} can't be .*No space left on device"):
        begin(FakeBench(), tmp_path, clock=SteppedClock())
    assert not [*tmp_path.iterdir()]
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"file/.* can't be .*File exists"):
        begin(FakeBench(), tmp_path / "file", clock=SteppedClock())
