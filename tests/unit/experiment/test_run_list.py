"""The runs of a checkout: what is said of each, what keeps one from being removed, and that a removal is whole."""

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from analysis.raw.run import read_run
from analysis.report.report import analyse
from documents.errors import RunError
from documents.report.runs import ListedRun
from documents.run.protocol import Variant
from documents.run.records import Manifest
from documents.stack.stack import Cores
from experiment.record.run_list import Pruning, choose, keep, list_runs, remove_remains, remove_run
from experiment.record.writer import in_use, unless_in_use
from tests.unit.documents.samples import NOON
from tests.unit.experiment.fake_bench import INVENTORY, OPEN_LOOP_PROTOCOL, PROTOCOL, FakeBench
from tests.unit.experiment.loop_runs import CELLS, begin, broken_off, resume
from tests.unit.experiment.test_watching import begin_within


def listed(runs: Path) -> ListedRun:
    [found] = list_runs(runs)
    return found


def test_a_finished_run_is_listed_with_its_facts(tmp_path: Path):
    run = begin(FakeBench(spoilt=frozenset({3, 8, 9, 10})), tmp_path)
    manifest = Manifest.from_json((run / "manifest.json").read_bytes(), name="manifest.json")
    found = listed(tmp_path)
    assert found == ListedRun(
        run_id=run.name,
        standing="finished",
        kept=False,
        bytes=found.bytes,
        started_at=manifest.started_at,
        protocol="tiny",
        stack=INVENTORY.stack,
        cells=CELLS,
        valid_cells=CELLS - 1,
        void_cells=1,
        grade="smaller",
        git_commit="abc",
    )
    sizes = [path.stat().st_blocks * 512 for path in run.rglob("*") if path.is_file()]
    assert found.bytes == sum(sizes) > 0


def test_the_listed_grade_is_that_of_the_report(tmp_path: Path):
    cores = Cores(api="0-2", postgres="3", system="5", generator="2")
    sharing = PROTOCOL.model_copy(update={"apis": ("go",), "vary": (Variant(name="sharing", cores=cores),)})
    run = begin(FakeBench(), tmp_path, protocol=sharing)
    assert listed(tmp_path).grade == analyse(read_run(run)).grade == "shared"


def test_a_run_that_broke_off_is_unfinished_until_it_has_gone_on(tmp_path: Path):
    run = broken_off(FakeBench(spoilt=frozenset({2})), tmp_path, 3)
    found = listed(tmp_path)
    assert (found.standing, found.cells, found.valid_cells, found.void_cells) == ("unfinished", CELLS, 2, 0)
    resume(FakeBench(), run)
    assert (listed(tmp_path).standing, listed(tmp_path).valid_cells) == ("finished", CELLS)


def test_a_run_is_running_as_long_as_the_loop_is_in_it(tmp_path: Path):
    seen: list[str] = []

    def look(step: str, _count: int) -> None:
        if step == "measure":
            seen.append(listed(tmp_path).standing)

    run = begin(FakeBench(before=look), tmp_path)
    assert seen == ["running"] * CELLS
    assert listed(tmp_path).standing == "finished"
    (run / "host.json").write_text((run / "host.json").read_text().replace('"after": {', '"after": null, "x": {'))
    assert listed(tmp_path).standing == "damaged"


def test_a_resumed_run_is_running_from_the_first_step_on_its_host(tmp_path: Path):
    run = broken_off(FakeBench(), tmp_path, 3)
    seen: dict[str, str] = {}

    def look(step: str, _count: int) -> None:
        seen.setdefault(step, listed(tmp_path).standing)

    resume(FakeBench(before=look), run)
    assert {seen[step] for step in ("hold", "clear", "read_identity")} == {"running"}


def test_a_file_that_is_replaced_while_the_runs_are_listed_is_left_out_of_the_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run = begin(FakeBench(), tmp_path)
    whole, lstat = listed(tmp_path).bytes, os.lstat
    gone = run / "journal.jsonl"
    size = lstat(gone).st_blocks * 512

    def look(path: Path) -> os.stat_result:
        if path == gone:
            raise FileNotFoundError(path)
        return lstat(path)

    monkeypatch.setattr("experiment.record.run_list.os.lstat", look)
    found = listed(tmp_path)
    assert (found.standing, found.bytes) == ("finished", whole - size)


def test_an_open_loop_that_is_not_planned_yet_leaves_a_run_unfinished(tmp_path: Path):
    run = begin(FakeBench(), tmp_path, protocol=OPEN_LOOP_PROTOCOL)
    assert (listed(tmp_path).standing, listed(tmp_path).cells) == ("finished", CELLS + 8)
    (run / "open-loop-plan.json").unlink()
    for path in run.glob("cells/*-at-*"):
        shutil.rmtree(path)
    assert (listed(tmp_path).standing, listed(tmp_path).cells) == ("unfinished", CELLS)


def test_a_run_that_its_budget_ended_is_finished_with_the_blocks_that_it_has(tmp_path: Path):
    begin_within(300, tmp_path, [])
    assert (listed(tmp_path).standing, listed(tmp_path).cells, listed(tmp_path).valid_cells) == ("finished", 6, 6)


@pytest.mark.parametrize("name", ["manifest.json", "journal.jsonl", "host.json", "plan.json"])
def test_a_run_that_can_not_be_read_is_damaged_and_says_in_which_file(tmp_path: Path, name: str):
    run = begin(FakeBench(), tmp_path)
    (run / name).unlink()
    found = listed(tmp_path)
    assert (found.standing, found.cells) == ("damaged", None)
    assert found.fault is not None
    assert name in found.fault


def run_of(day: int, **changes: object) -> ListedRun:
    run = ListedRun(
        run_id=f"2026013{day}-120000-quick",
        standing="finished",
        kept=False,
        bytes=1,
        started_at=NOON + timedelta(days=day),
    )
    return run.model_copy(update=changes)


RUNS = tuple(run_of(day) for day in range(5))


def days(runs: tuple[ListedRun, ...]) -> list[int]:
    return [int(run.run_id[7]) for run in runs]


@pytest.mark.parametrize(
    ("pruning", "gone"),
    [
        (Pruning(before=NOON + timedelta(days=2)), [0, 1]),
        (Pruning(keep_newest=1), [0, 1, 2, 3]),
        (Pruning(keep_newest=9), []),
        (Pruning(before=NOON + timedelta(days=4), keep_newest=3), [0, 1]),
        (Pruning(before=NOON + timedelta(days=1), keep_newest=3), [0]),
    ],
)
def test_runs_beyond_every_bound_are_removed(pruning: Pruning, gone: list[int]):
    going, spared = choose(RUNS, pruning)
    assert (days(going), spared) == (gone, ())


@pytest.mark.parametrize(
    ("changes", "unfinished", "why"),
    [
        ({"kept": True}, True, "kept"),
        ({"standing": "running"}, True, "being measured"),
        ({"standing": "damaged", "fault": "plan.json is gone."}, True, r"can't be read.*plan\.json is gone"),
        ({"standing": "unfinished"}, False, "lab run --resume"),
    ],
)
def test_spared_runs_have_a_reason(changes: dict[str, object], unfinished: bool, why: str):
    runs = (run_of(0), run_of(1, **changes), run_of(2))
    going, spared = choose(runs, Pruning(keep_newest=1, unfinished=unfinished))
    assert days(going) == [0]
    assert [one.run_id for one in spared] == [runs[1].run_id]
    with pytest.raises(AssertionError, match=why):
        raise AssertionError(spared[0].why)


def test_a_run_is_kept_by_a_mark_that_changes_nothing_else(tmp_path: Path):
    run = begin(FakeBench(), tmp_path)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    keep(run, kept=True)
    keep(run, kept=True)
    assert listed(tmp_path).kept
    assert {path for path in run.rglob("*") if path.is_file()} - before.keys() == {run / "kept"}
    assert resume(FakeBench(), run) == run, "it is a run as before"
    with pytest.raises(RunError, match="marked to keep"):
        remove_run(tmp_path, run.name)
    keep(run, kept=False)
    keep(run, kept=False)
    assert not listed(tmp_path).kept
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_a_run_that_is_removed_is_gone_and_nothing_else_is(tmp_path: Path):
    run = begin(FakeBench(), tmp_path)
    shutil.copytree(run, tmp_path / "other")
    remove_run(tmp_path, run.name)
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_a_run_in_use_is_not_removed(tmp_path: Path):
    run = begin(FakeBench(), tmp_path)
    with in_use(run), pytest.raises(RunError, match="being measured"):
        remove_run(tmp_path, run.name)
    with unless_in_use(run) as free:
        assert free
    assert listed(tmp_path).standing == "finished"


def test_a_link_to_a_run_elsewhere_is_left_alone(tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    run = begin(FakeBench(), tmp_path / "elsewhere")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "linked").symlink_to(run)
    with pytest.raises(RunError, match="is a symbolic link"):
        remove_run(tmp_path / "runs", "linked")
    assert (run / "manifest.json").exists()


def test_a_removal_that_breaks_off_leaves_no_half_run_and_the_next_one_clears_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run = begin(FakeBench(), tmp_path)
    shutil.copytree(run, tmp_path / "other")

    def fail(_path: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("experiment.record.run_list.shutil.rmtree", fail)
        with pytest.raises(KeyboardInterrupt):
            remove_run(tmp_path, run.name)
    assert [found.run_id for found in list_runs(tmp_path)] == ["other"]
    assert len([*tmp_path.iterdir()]) == 2
    remove_remains(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_folder_of_a_run_that_was_killed_while_it_was_created_is_cleared_up(tmp_path: Path):
    killed, new = tmp_path / ".20270101-120000-quick.unfinished", tmp_path / ".20270102-120000-quick.unfinished"
    for folder in (killed, new):
        (folder / "cells").mkdir(parents=True)
    os.utime(killed, (1, 1))
    remove_remains(tmp_path)
    assert [*tmp_path.iterdir()] == [new]
