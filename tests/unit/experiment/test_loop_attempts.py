"""A void cell is run again, as often as the protocol says and no more, whatever ends the run meanwhile."""

import re
import shutil
import signal
from pathlib import Path

import pytest

from analysis.report import analyse
from documents.errors import AnalysisError
from documents.plan import Plan
from documents.run import JournalEvent
from experiment import loop
from experiment.events import CellFinished, CellStarted, Event, PhaseStarted, RunFinished, RunStarted
from experiment.journal import Journal
from tests.unit.experiment.fake_bench import INVENTORY, PROTOCOL, SECRETS, FakeBench
from tests.unit.experiment.killed_run import kill_run
from tests.unit.experiment.loop_runs import (
    ATTEMPTS,
    CELLS,
    attempts_of,
    begin,
    ignore,
    only_run,
    records,
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
    report = analyse(run)
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
    report = analyse(run)
    [cell] = report.void_cells
    assert (cell.cell_id[:3], cell.attempts, cell.block) == ("008", 3, 2)
    assert [(short.block, short.lacking) for short in report.short_blocks] == [(2, (cell.cell_id,))]
    bench = FakeBench()
    resume(bench, run)
    assert bench.steps == [], "what was tried as often as the protocol allows is finished"


def test_a_protocol_of_one_attempt_runs_nothing_again(tmp_path: Path):
    protocol = PROTOCOL.model_copy(update={"attempts": 1})
    bench, seen = FakeBench(spoilt=frozenset({3})), list[Event]()
    run = begin(bench, tmp_path, seen.append, protocol=protocol)
    assert len(bench.played) == len(records(run)) == CELLS
    [finished] = [event for event in seen if isinstance(event, RunFinished)]
    assert (finished.void_cells, finished.short_blocks) == (1, (1,))


SPOILT = frozenset({2, 3, 6, 8, 9, 10})
"""Cell 2 is valid at its third attempt, 4 at its second, and 5 is void in each of its three."""

LOADS_OF_A_SPOILT_RUN = CELLS + 5


@pytest.fixture(scope="module")
def spoilt_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of these spoilt windows that nothing interrupted, to be read only."""
    return begin(FakeBench(spoilt=SPOILT), tmp_path_factory.mktemp("spoilt"))


@pytest.mark.parametrize("number", range(1, LOADS_OF_A_SPOILT_RUN + 1))
@pytest.mark.parametrize("step", ["reset", "stop_api"])
def test_a_run_that_is_interrupted_at_any_attempt_makes_those_that_are_missing(
    tmp_path: Path, spoilt_run: Path, step: str, number: int
):
    count = 0

    def interrupt(name: str, _count: int) -> None:
        nonlocal count
        count += name == step
        if name == step and count == number:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        begin(FakeBench(before=interrupt, spoilt=SPOILT), tmp_path)
    run = only_run(tmp_path)
    finished = len(records(run))
    assert finished == number - 1
    again = FakeBench(spoilt=frozenset(window - finished for window in SPOILT))
    resume(again, run)
    assert len(again.played) == LOADS_OF_A_SPOILT_RUN - finished
    assert attempts_of(run) == attempts_of(spoilt_run)
    ended = [entry for entry in told_of_attempts(run) if entry[0] != "cell-started"]
    assert ended == [entry for entry in told_of_attempts(spoilt_run) if entry[0] != "cell-started"]


def test_a_run_that_ended_between_two_attempts_makes_the_next_one(tmp_path: Path):
    def stop(event: Event) -> None:
        if isinstance(event, CellFinished) and not event.record.valid and event.record.attempt == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        begin(FakeBench(spoilt=frozenset({2, 3})), tmp_path, stop)
    run, seen = only_run(tmp_path), list[Event]()
    assert attempts_of(run) == [(1, 1, True), (2, 1, False), (2, 2, False)]
    report = analyse(run)
    assert len(report.unfinished_cells) == CELLS - 1
    assert len(report.void_attempts) == 2
    assert report.void_cells == ()
    resume(FakeBench(), run, progress=seen.append)
    [started] = [event for event in seen if isinstance(event, RunStarted)]
    assert started.finished == 1
    first = next(event for event in seen if isinstance(event, CellStarted))
    assert (first.cell.number, first.attempt) == (2, 3)
    assert attempts_of(run)[:4] == [(1, 1, True), (2, 1, False), (2, 2, False), (2, 3, True)]


def test_an_attempt_that_the_run_had_no_time_to_tell_of_is_told_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    append = Journal.append

    def append_no_void(
        journal: Journal,
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
        patched.setattr(Journal, "append", append_no_void)
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


KILLED_BETWEEN_ATTEMPTS = [("event", 21), ("event", 22), ("event", 31), ("step", 28), ("step", 38)]
"""The end of cell 2's void first attempt, begin and end of its second, and that one's first step and last."""


@pytest.mark.parametrize(("kind", "number"), KILLED_BETWEEN_ATTEMPTS)
def test_a_run_that_is_killed_among_the_attempts_at_a_cell_goes_on_with_the_right_one(
    tmp_path: Path, kind: str, number: int
):
    runs = tmp_path / "runs"
    assert kill_run(runs, kind, number, spoilt=[2, 3]) == -signal.SIGKILL
    run = only_run(runs)
    before = {path: path.read_bytes() for path in run.glob("cells/*/*") if (path.parent / "cell.json").exists()}
    made = 3 if (kind, number) == ("event", 31) else 2
    expected = [(1, 1, True), (2, 1, False), (2, 2, False), (2, 3, True)]
    assert attempts_of(run) == expected[:made]
    resume(FakeBench(spoilt=frozenset({3 - made})), run)
    assert attempts_of(run) == [*expected, *((cell, 1, True) for cell in range(3, CELLS + 1))]
    assert all(path.read_bytes() == data for path, data in before.items()), "finished attempts are never touched again"
    told = [(number, attempt) for event, number, attempt in told_of_attempts(run) if event != "cell-started"]
    assert told == [(cell, attempt) for cell, attempt, _ in attempts_of(run)], "each is told once"


def test_an_attempt_before_one_that_was_made_must_be_there(tmp_path: Path):
    run = begin(FakeBench(spoilt=frozenset({2})), tmp_path)
    [void] = [record for record in records(run) if not record.valid]
    shutil.rmtree(run / "cells" / void.cell_id)
    for go_on in (lambda: resume(FakeBench(), run), lambda: analyse(run)):
        with pytest.raises(AnalysisError, match=rf"{void.cell_id}-attempt-2 was measured after an attempt that isn't"):
            go_on()
    shutil.rmtree(run / "cells" / f"{void.cell_id}-attempt-2")
    resume(FakeBench(), run)
    assert attempts_of(run) == [(number, 1, True) for number in range(1, CELLS + 1)]


def test_an_attempt_after_a_valid_one_is_refused(tmp_path: Path):
    run = begin(FakeBench(spoilt=frozenset({2})), tmp_path)
    [void] = [record for record in records(run) if not record.valid]
    (run / "cells" / void.cell_id / "cell.json").write_text(void.model_copy(update={"voids": ()}).to_json())
    for go_on in (lambda: resume(FakeBench(), run), lambda: analyse(run)):
        with pytest.raises(
            AnalysisError, match=rf"{void.cell_id}-attempt-2 was measured though {void.cell_id} is valid"
        ):
            go_on()


def test_void_cells_of_a_run_that_knew_one_attempt_alone_have_two_left(tmp_path: Path):
    """Its cell.json is of version 2 and has no `attempt`, and neither has its journal."""
    protocol = PROTOCOL.model_copy(update={"attempts": 1})
    run = loop.begin(
        FakeBench(spoilt=frozenset({3})),
        INVENTORY,
        SECRETS,
        protocol,
        tmp_path,
        order_seed=7,
        git_commit="abc",
        progress=ignore,
    )
    for name in ("cell.json", "journal.jsonl", "manifest.json"):
        for path in run.rglob(name):
            text = re.sub(r'\n *"attempts?": 1,|,"attempt":1|,\n *"attempts": 1', "", path.read_text())
            assert "attempt" not in text
            path.write_text(text.replace('"version": 3', '"version": 2') if name == "cell.json" else text)
    bench = FakeBench()
    resume(bench, run)
    assert len(bench.played) == 1
    assert attempts_of(run)[2:4] == [(3, 1, False), (3, 2, True)]
    told = [entry for entry in told_of_attempts(run) if entry[0] != "cell-started"]
    assert len(told) == CELLS + 1, "what was told without an attempt isn't told again"
