"""What a run reports to its watchers: its cells, what was made before, the time left, and what should be known."""

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from analysis.raw.run import read_run
from documents.run.protocol import Plan
from experiment.progress.events import (
    BudgetSpent,
    CellFinished,
    Event,
    OpenLoopPlanned,
    RunFinished,
    RunStarted,
    TimeLeftChanged,
    Warned,
)
from experiment.progress.state import FollowUps, warnings_of
from tests.unit.documents.samples import CELL_RECORD, PLAN
from tests.unit.experiment.fake_bench import OPEN_LOOP_PROTOCOL, FakeBench
from tests.unit.experiment.loop_runs import CELLS, begin, broken_off, resume
from tests.unit.experiment.test_clock import BEGAN, LOAD_SECONDS, SteppedClock

OPEN_CELLS = 8


def started_of(events: list[Event]) -> RunStarted:
    [started] = [event for event in events if isinstance(event, RunStarted)]
    return started


def test_a_run_announces_its_cells_at_its_start_and_those_of_the_open_loop_when_they_are_planned(tmp_path: Path):
    events: list[Event] = []
    run = begin(FakeBench(), tmp_path, events.append, protocol=OPEN_LOOP_PROTOCOL)
    started = started_of(events)
    assert started.planned == Plan.from_json((run / "plan.json").read_bytes(), name="plan.json").cells
    assert (started.unplanned, started.made, started.budget_seconds) == (OPEN_CELLS, (), None)
    assert started.protocol == OPEN_LOOP_PROTOCOL
    [index] = [index for index, event in enumerate(events) if isinstance(event, OpenLoopPlanned)]
    planned = events[index]
    assert isinstance(planned, OpenLoopPlanned)
    open_loop = read_run(run).open_loop_plan
    assert open_loop is not None
    assert planned.cells == open_loop.cells
    finished = [event.cell.number for event in events[:index] if isinstance(event, CellFinished)]
    assert finished == list(range(1, CELLS + 1))


@pytest.mark.parametrize("kept", [3, CELLS + 2], ids=["closed", "open"])
def test_a_resumed_run_announces_its_earlier_attempts(tmp_path: Path, kept: int):
    seen: list[Event] = []
    # The second window is void, and so one more is played.
    bench = FakeBench(spoilt=frozenset({2}))
    run = broken_off(bench, tmp_path, kept + 1, seen.append, protocol=OPEN_LOOP_PROTOCOL)
    before = [event for event in seen if isinstance(event, CellFinished)]
    again: list[Event] = []
    resume(FakeBench(), run, progress=again.append)
    started = started_of(again)
    assert [(one.cell_id, one.attempt, bool(one.voids)) for one in started.made] == [
        (event.cell.id, event.record.attempt, not event.record.valid) for event in before
    ]
    assert [one.throughput for one in started.made] == [
        event.throughput if event.record.valid else None for event in before
    ]
    assert started.made[1].voids == ("wrk-errors",)
    assert [one.seconds for one in started.made] == pytest.approx(
        [sum(event.record.phases_seconds.values()) for event in before]
    )
    is_planned = kept > CELLS
    assert started.unplanned == (0 if is_planned else OPEN_CELLS)
    assert len(started.planned) == CELLS + (OPEN_CELLS if is_planned else 0)
    assert any(isinstance(event, OpenLoopPlanned) for event in again) is not is_planned


def begin_within(budget_seconds: int, runs: Path, events: list[Event]) -> None:
    clock = SteppedClock(30.0)
    begin(FakeBench(before=clock.in_load), runs, events.append, budget_seconds=budget_seconds, clock=clock)


def test_a_budget_that_is_spent_is_reported_with_the_block_that_is_not_begun(tmp_path: Path):
    events: list[Event] = []
    begin_within(300, tmp_path, events)
    assert started_of(events).budget_seconds == 300
    [spent] = [event for event in events if isinstance(event, BudgetSpent)]
    assert spent.before_block == 2
    [warning] = warnings_of(spent, attempts=3)
    assert (warning.about, warning.cell_id) == ("budget-spent", None)
    assert "block 2" in warning.message


def test_the_time_left_is_shown_after_each_cell_and_ends_with_the_run(tmp_path: Path):
    clock, seen = SteppedClock(), list[Event]()
    follow_ups = FollowUps(clock)

    def progress(event: Event) -> None:
        seen.append(event)
        seen.extend(follow_ups.of(event))

    begin(FakeBench(before=clock.in_load), tmp_path, progress, clock=clock)
    assert isinstance(seen[0], RunStarted)
    assert isinstance(seen[-1], RunFinished), "nothing comes after the end"
    left = [
        after
        for before, after in pairwise(seen)
        if isinstance(before, CellFinished) and isinstance(after, TimeLeftChanged)
    ]
    assert len(left) == CELLS
    assert [one.basis for one in left[:1] + left[5:]] == ["assumed"] + ["measured"] * 7
    for number, one in enumerate(left[5:], start=6):
        assert one.seconds == pytest.approx((CELLS - number) * LOAD_SECONDS, abs=3)
        assert one.ends_at == BEGAN + timedelta(seconds=number * LOAD_SECONDS + one.seconds)
    adapter = TypeAdapter[Event](Event)
    assert [adapter.validate_json(event.model_dump_json()) for event in seen] == seen


def test_a_void_attempt_is_warned_of_with_its_consequence():
    void = CELL_RECORD
    assert void.warm_up is not None
    assert void.warm_up.outcome == "never-steady", "which matters in a valid one alone"
    event = CellFinished(cell=PLAN.cells[0], record=void, throughput=None)
    assert [*warnings_of(event, attempts=2)] == [
        Warned(about="void", reason="wrk-errors", cell_id="001-go-light", attempt=1, message="3 time-outs."),
        Warned(about="run-again", cell_id="001-go-light", attempt=1, message="attempt 1 of 2 was void: run again"),
    ]
    assert [one.about for one in warnings_of(event, attempts=1)] == ["void"], "nothing is run again"
    last = event.model_copy(update={"record": void.model_copy(update={"attempt": 2})})
    assert [one.about for one in warnings_of(last, attempts=2)] == ["void", "short-block"]
