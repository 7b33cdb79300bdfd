"""A void cell is run again, as often as the protocol says and no more, whatever ends the run meanwhile."""

from pathlib import Path

import pytest

from analysis.raw.run import read_run
from analysis.report.report import analyse
from documents.run.protocol import Plan
from documents.run.records import JournalEvent
from experiment.progress.events import CellFinished, CellStarted, Event, PhaseStarted, RunFinished, RunStarted
from experiment.record.writer import RunJournal
from tests.unit.experiment.fake_bench import FakeBench
from tests.unit.experiment.loop_runs import (
    ATTEMPTS,
    CELLS,
    attempts_of,
    begin,
    only_run,
    resume,
    told_of_attempts,
)


def test_a_void_cell_is_run_again_at_once_until_an_attempt_is_valid(tmp_path: Path):
    bench, seen = FakeBench(spoilt=frozenset({2, 3, 6})), list[Event]()
    run = begin(bench, tmp_path, seen.append)
    plan = Plan.from_json((run / "plan.json").read_bytes(), name="plan.json")
    numbers = [1, 2, 2, 2, 3, 4, 4, *range(5, CELLS + 1)]
    loads = {cell.number: f"{cell.api} {cell.scenario.name}" for cell in plan.cells}
    assert bench.played == [loads[number] for number in numbers], "in the same place of the order"
    later = [(number, 1) for number in range(5, CELLS + 1)]
    made = [(1, 1), (2, 1), (2, 2), (2, 3), (3, 1), (4, 1), (4, 2), *later]
    void = {(2, 1), (2, 2), (4, 1)}
    assert attempts_of(run) == [(*attempt, attempt not in void) for attempt in made]
    assert told_of_attempts(run) == [
        entry
        for attempt in made
        for entry in (("cell-started", *attempt), ("cell-void" if attempt in void else "cell-finished", *attempt))
    ]
    assert [(event.cell.number, event.attempt) for event in seen if isinstance(event, CellStarted)] == made
    ended = [event for event in seen if isinstance(event, CellFinished)]
    assert [(event.cell.number, event.record.attempt) for event in ended] == made
    phases = [(int(event.cell_id[:3]), event.attempt) for event in seen if isinstance(event, PhaseStarted)]
    assert phases == [attempt for attempt in made for _ in range(8)]
    [started], [finished] = ([event for event in seen if isinstance(event, kind)] for kind in (RunStarted, RunFinished))
    assert isinstance(started, RunStarted)
    assert started.attempts == ATTEMPTS == 3
    assert isinstance(finished, RunFinished)
    assert (finished.cells, finished.void_cells, finished.void_attempts, finished.short_blocks) == (CELLS, 0, 3, ())
    report = analyse(read_run(run))
    assert [cell.attempt for cell in report.cells] == [1, 3, 1, 2, *[1] * (CELLS - 4)]
    assert [(attempt.cell_id[:3], attempt.attempt) for attempt in report.void_attempts] == [
        ("002", 1),
        ("002", 2),
        ("004", 1),
    ]
    assert report.void_cells == report.short_blocks == report.unfinished_cells == ()


def test_a_cell_without_a_valid_attempt_leaves_its_block_short_and_the_run_goes_on(tmp_path: Path):
    seen: list[Event] = []
    run = begin(FakeBench(spoilt=frozenset({8, 9, 10})), tmp_path, seen.append)
    assert [made for made in attempts_of(run) if made[0] == 8] == [(8, 1, False), (8, 2, False), (8, 3, False)]
    assert [valid for number, _, valid in attempts_of(run) if number != 8] == [True] * (CELLS - 1)
    [finished] = [event for event in seen if isinstance(event, RunFinished)]
    assert (finished.void_cells, finished.void_attempts, finished.short_blocks) == (1, 3, (2,))
    report = analyse(read_run(run))
    [cell] = report.void_cells
    assert (cell.cell_id[:3], cell.attempts, cell.block) == ("008", 3, 2)
    assert [(short.block, short.lacking) for short in report.short_blocks] == [(2, (cell.cell_id,))]
    bench = FakeBench()
    resume(bench, run)
    assert bench.steps == [], "what was tried as often as the protocol allows is finished"


def test_an_attempt_that_an_interrupted_run_did_not_announce_is_announced_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    append = RunJournal.append

    def append_no_void(
        journal: RunJournal,
        event: JournalEvent,
        *,
        cell_id: str | None = None,
        attempt: int | None = None,
        message: str | None = None,
    ) -> None:
        if event == "cell-void":
            raise KeyboardInterrupt
        append(journal, event, cell_id=cell_id, attempt=attempt, message=message)

    with monkeypatch.context() as patched:
        patched.setattr(RunJournal, "append", append_no_void)
        with pytest.raises(KeyboardInterrupt):
            begin(FakeBench(spoilt=frozenset({2})), tmp_path)
    run = only_run(tmp_path)
    assert attempts_of(run) == [(1, 1, True), (2, 1, False)]
    resume(FakeBench(), run)
    assert attempts_of(run)[1:4] == [(2, 1, False), (2, 2, True), (3, 1, True)]
    assert told_of_attempts(run)[2:6] == [
        ("cell-started", 2, 1),
        ("cell-void", 2, 1),
        ("cell-started", 2, 2),
        ("cell-finished", 2, 2),
    ]
