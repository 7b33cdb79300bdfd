"""What ends a run loses no finished cell, and the run goes on where it stopped, on the same lab alone."""

from hashlib import sha256
from pathlib import Path

import pytest

from documents.errors import AnalysisError, DocumentError, HostError, RunError
from experiment.progress.events import Event, RunFinished
from tests.run_folder import read_attempts, read_journal
from tests.unit.experiment.fake_bench import IDENTITY, INVENTORY, FakeBench
from tests.unit.experiment.loop_runs import CELLS, begin, broken_off, resume


def test_settings_and_apis_are_restored_even_if_the_host_cannot_be_cleared(tmp_path: Path):
    def fail(step: str, count: int) -> None:
        if step == "clear" and count > 3:
            raise HostError("The disk is full.")

    bench = FakeBench(before=fail)
    with pytest.raises(HostError, match="The disk is full"):
        begin(bench, tmp_path)
    assert bench.settings == FakeBench().settings
    assert bench.running == FakeBench().running


@pytest.mark.parametrize("cut", [1, 2, 20, 60])
def test_a_torn_last_line_of_the_journal_is_tolerated(tmp_path: Path, cut: int):
    run = broken_off(FakeBench(), tmp_path, 2)
    path = run / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    resume(FakeBench(), run)
    assert len(read_attempts(run)) == CELLS
    assert read_journal(run)[-1].event == "run-finished"


def test_a_run_without_its_journal_goes_on_with_a_new_one(tmp_path: Path):
    run = broken_off(FakeBench(), tmp_path, 2)
    (run / "journal.jsonl").unlink()
    resume(FakeBench(), run)
    assert len(read_attempts(run)) == CELLS
    assert read_journal(run)[0].event == "run-resumed"


def test_what_an_interrupted_attempt_left_is_gone_from_the_one_in_its_place(tmp_path: Path):
    run = broken_off(FakeBench(), tmp_path, 2)
    [interrupted] = [folder for folder in (run / "cells").iterdir() if not (folder / "cell.json").exists()]
    (interrupted / "left.txt").write_text("by the attempt that was interrupted")
    resume(FakeBench(), run)
    assert (interrupted / "cell.json").exists()
    assert not (interrupted / "left.txt").exists()


def test_a_finished_run_is_not_measured_again(tmp_path: Path):
    run = begin(FakeBench(), tmp_path)
    files = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    bench, seen = FakeBench(), list[Event]()
    resume(bench, run, progress=seen.append)
    assert bench.steps == []
    assert [(event.cells, event.void_cells) for event in seen if isinstance(event, RunFinished)] == [(CELLS, 0)]
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == files


def test_a_raw_file_that_was_changed_since_is_reported(tmp_path: Path):
    run = begin(FakeBench(), tmp_path)
    (run / "cells" / read_attempts(run)[2].cell_id / "samples.csv").write_text("other")
    with pytest.raises(AnalysisError, match=r"cells/003-.*/samples\.csv isn't the file that was measured"):
        resume(FakeBench(), run)


def test_a_result_that_can_not_be_read_is_reported_with_its_cell(tmp_path: Path):
    run = broken_off(FakeBench(), tmp_path, 3)
    record = read_attempts(run)[2]
    folder = run / "cells" / record.attempt_id
    (folder / "wrk.json").write_text("{}")
    files = record.files | {"wrk.json": sha256(b"{}").hexdigest()}
    (folder / "cell.json").write_text(record.model_copy(update={"files": files}).to_json())
    with pytest.raises(DocumentError, match=r"cells/003-\S+/wrk\.json"):
        resume(FakeBench(), run)


def test_resume_refuses_another_lab(tmp_path: Path):
    run = begin(FakeBench(), tmp_path)
    (run / "cells" / read_attempts(run)[-1].cell_id / "cell.json").unlink()
    other = INVENTORY.model_copy(update={"base_image_id": "sha256:another"})
    bench, seen = FakeBench(), list[Event]()
    with pytest.raises(RunError, match="changed: base_image_id"):
        resume(bench, run, other, seen.append)
    assert seen == [], "a pipeline begins a new run where none has gone on"
    moved = INVENTORY.model_copy(update={"host": INVENTORY.host.model_copy(update={"port": 22023})})
    resume(bench, run, moved)
    assert len(bench.played) == 1


@pytest.mark.parametrize(
    ("bench", "said"),
    [
        (FakeBench(identity=IDENTITY.model_copy(update={"kernel": "6.12"})), r"kernel was 6\.1 and is 6\.12"),
        (FakeBench(postgres_version="18.0"), r"postgres was 17\.6 and is 18\.0"),
    ],
    ids=["kernel", "tool"],
)
def test_resume_refuses_another_host(tmp_path: Path, bench: FakeBench, said: str):
    run = begin(FakeBench(), tmp_path)
    (run / "cells" / read_attempts(run)[-1].cell_id / "cell.json").unlink()
    with pytest.raises(RunError, match=said):
        resume(bench, run)
    assert bench.left_clean()
