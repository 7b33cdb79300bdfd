"""Where a run stands, also when its budget leaves out blocks and when it is resumed."""

from collections.abc import Iterable
from pathlib import Path

from documents.run.window import OpenLoopCell
from experiment.planning.plan import make_plan
from experiment.progress.events import BudgetSpent, CellFinished, CellStarted, Event, OpenLoopPlanned
from experiment.progress.state import RunState
from tests.unit.experiment.fake_bench import OPEN_LOOP_PROTOCOL, FakeBench
from tests.unit.experiment.loop_runs import broken_off, resume
from tests.unit.experiment.test_warming import protocol as with_warm_up
from tests.unit.experiment.timed_events import finished, started


def state_of(events: Iterable[Event]) -> RunState:
    state = RunState()
    for event in events:
        state.take(event, 0.0)
    return state


def test_cells_that_the_budget_leaves_out_are_not_waited_for():
    planned = make_plan(OPEN_LOOP_PROTOCOL, ("go", "rust"), 1).cells
    measured = [cell for cell in planned if cell.block == 1]
    opened = [
        OpenLoopCell(**cell.model_copy(update={"number": len(planned) + number}).model_dump(), rate=7)
        for number, cell in enumerate(measured[:2], start=1)
    ]
    events: list[Event] = [
        started(OPEN_LOOP_PROTOCOL, planned, unplanned=8),
        *(finished(cell) for cell in measured),
        BudgetSpent(before_block=2),
    ]
    assert state_of(events).cells == len(measured) + 8
    assert state_of(events).open_loop_comes
    events.append(OpenLoopPlanned(cells=tuple(opened)))
    for cell in opened:
        events += [
            CellStarted(cell=cell, attempt=1, expected_seconds=40),
            CellFinished(cell=cell, record=finished(cell).record, throughput=7.0),
        ]
    state = state_of(events)
    assert not state.open_loop_comes, "it is over"
    assert state.finished == state.cells == len(measured) + 2
    assert [state.number_of(cell) for cell in (*measured, *opened)] == [*range(1, state.cells + 1)]


def test_a_resumed_run_still_counts_the_warm_ups_that_were_never_steady(tmp_path: Path):
    bench = FakeBench(protocol=with_warm_up(40), requests_of=lambda _api, second: 1_000 * 2 ** (second // 8))
    before: list[Event] = []
    run = broken_off(bench, tmp_path, 3, before.append, protocol=bench.protocol)
    counted = state_of(before).never_steady
    assert counted > 0
    again: list[Event] = []
    resume(FakeBench(protocol=bench.protocol), run, progress=again.append)
    assert state_of(again[:1]).never_steady == counted
