"""The time that a run will take yet: exact where nothing scatters, and within a tenth after the first block."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from documents.run.protocol import Cell, OpenLoop, Protocol, Scenario
from documents.run.window import OpenLoopCell
from experiment.planning.plan import make_plan
from experiment.planning.subjects import read_protocol
from experiment.progress.events import (
    AttemptMade,
    BudgetSpent,
    CellFinished,
    CellStarted,
    OpenLoopPlanned,
    PhaseStarted,
)
from experiment.progress.time_left import CELL_OVERHEAD_SECONDS, ENDING_SECONDS, TimeLeft
from tests.unit.experiment.timed_events import (
    TimedEvent,
    end_of_first_block,
    error_after_first_block,
    events_of_run,
    finished,
    left_after,
    noisy,
    recorded_run,
    started,
)

RECORDED = Path(__file__).parent / "recorded"
"""Timings of real runs, as `recorded/record.py` takes them."""

APIS = ("go", "kotlin")
SECONDS = {("go", "light"): 25.0, ("go", "heavy"): 35.0, ("kotlin", "light"): 40.0, ("kotlin", "heavy"): 60.0}
"""What a cell takes, its window included."""

PROTOCOL = Protocol(
    version=1,
    name="mine",
    blocks=3,
    warm_up_seconds=30,
    scenarios=(
        Scenario(name="light", workload="mixed", connections=10, duration_seconds=10),
        Scenario(name="heavy", workload="mixed", connections=100, duration_seconds=20),
    ),
)
OPEN = PROTOCOL.model_copy(update={"open_loop": OpenLoop(scenario="heavy", shares=(0.5, 0.9), seconds=5, blocks=2)})


def always(cell: Cell, _attempt: int) -> tuple[float, bool]:
    window = 20 - cell.scenario.duration_seconds if isinstance(cell, OpenLoopCell) else 0
    return SECONDS[cell.api, cell.scenario.name] - window, True


def after(events: Sequence[TimedEvent]) -> TimeLeft:
    time_left = TimeLeft()
    for event, at in events:
        time_left.take(event, at)
    return time_left


@pytest.mark.parametrize("protocol", [PROTOCOL, OPEN], ids=["closed", "open"])
def test_without_scatter_the_time_left_is_exact_from_the_end_of_the_first_block(protocol: Protocol):
    events = events_of_run(protocol, APIS, always)
    first = end_of_first_block(events)
    for index in range(first, len(events)):
        seconds, was = left_after(events, index)
        assert seconds == pytest.approx(was)
    assert after(events[: first + 1]).measured
    assert not after(events[: first - 6]).measured


@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.json")), ids=lambda path: path.stem)
def test_in_a_real_run_the_error_is_below_a_tenth_from_the_first_block_to_the_last_half_minute(path: Path):
    events = recorded_run(path)
    errors: list[float] = []
    for index in range(end_of_first_block(events), len(events)):
        seconds, was = left_after(events, index)
        if was > 30:
            errors.append(seconds / was - 1)
    assert len(errors) > 20
    assert max(map(abs, errors)) < 0.10


def test_before_any_cell_it_is_what_the_protocol_allows_at_most():
    cells = make_plan(PROTOCOL, APIS, 1).cells
    time_left = TimeLeft()
    assert time_left.seconds(0.0) is None
    time_left.take(started(PROTOCOL, cells), 100.0)
    most = sum(30 + CELL_OVERHEAD_SECONDS + cell.scenario.duration_seconds for cell in cells)
    assert time_left.seconds(100.0) == pytest.approx(most + ENDING_SECONDS)
    assert not time_left.measured


def cell(number: int, api: str, scenario: int = 0, *, block: int = 1) -> Cell:
    return Cell(number=number, block=block, api=api, scenario=PROTOCOL.scenarios[scenario])


def made(time_left: TimeLeft, one: Cell, at: float, seconds: float, *, attempt: int = 1, valid: bool = True) -> float:
    time_left.take(CellStarted(cell=one, attempt=attempt, expected_seconds=1), at)
    time_left.take(finished(one, attempt, valid=valid), at + seconds)
    return at + seconds


def test_the_attempt_under_way_is_counted_down_and_its_window_is_known_to_the_second():
    cells = [cell(number, "go") for number in (1, 2)]
    time_left = TimeLeft()
    time_left.take(started(PROTOCOL, cells), 0.0)
    at = made(time_left, cells[0], 0.0, 10 + 20)
    time_left.take(CellStarted(cell=cells[1], attempt=1, expected_seconds=1), at)
    assert time_left.seconds(at + 12) == pytest.approx(18 + ENDING_SECONDS)
    assert time_left.seconds(at + 300) == pytest.approx(ENDING_SECONDS), "it takes longer than any before"
    time_left.take(PhaseStarted(cell_id=cells[1].id, attempt=1, phase="load"), at + 29)
    assert time_left.seconds(at + 31) == pytest.approx(8 + ENDING_SECONDS)


def test_void_attempts_are_made_again_at_the_rate_at_which_they_were_void():
    cells = [cell(number, "go") for number in range(1, 12)]
    time_left = TimeLeft()
    time_left.take(started(PROTOCOL.model_copy(update={"attempts": 2}), cells), 0.0)
    at = made(time_left, cells[0], 0.0, 10.0, valid=False)
    at = made(time_left, cells[0], at, 20.0, attempt=2)
    for one in cells[1:3]:
        at = made(time_left, one, at, 20.0)
    # One of four, and 43 s is what it was to take when nothing but the protocol was known.
    void, part = 0.25, 10 / (30 + CELL_OVERHEAD_SECONDS + 10)
    each = 20 * (1 - void**2) + 20 * part * (void + void**2)
    assert time_left.seconds(at) == pytest.approx(8 * each + ENDING_SECONDS)


def test_an_open_loop_counts_before_it_is_planned_and_is_what_was_planned_afterwards():
    events = events_of_run(OPEN, APIS, always)
    [planned] = [index for index, (event, _) in enumerate(events) if isinstance(event, OpenLoopPlanned)]
    before, was = left_after(events, planned - 1)
    assert before == pytest.approx(was)
    assert was > ENDING_SECONDS
    none = [*events[:planned], (OpenLoopPlanned(cells=()), events[planned][1])]
    assert left_after(none, planned)[0] == ENDING_SECONDS
    assert after(events).seconds(10_000.0) == 0.0


def test_a_resumed_run_uses_earlier_measurements():
    events = events_of_run(PROTOCOL, APIS, always)
    first = end_of_first_block(events)
    before = [(event, at) for event, at in events[: first + 1] if isinstance(event, CellFinished)]
    attempts = [
        AttemptMade(
            cell_id=event.cell.id,
            attempt=1,
            voids=(),
            seconds=always(event.cell, 1)[0],
            throughput=event.throughput,
            never_steady=False,
        )
        for event, _ in before
    ]
    resumed = TimeLeft()
    resumed.take(started(PROTOCOL, make_plan(PROTOCOL, APIS, 1).cells, made=attempts), 7_000.0)
    assert resumed.measured
    assert resumed.seconds(7_000.0) == pytest.approx(left_after(events, first)[1])


def test_blocks_that_the_budget_has_no_time_for_do_not_count():
    blocks = [[cell(3 * block + number, "go", block=block) for number in range(3)] for block in range(1, 5)]
    cells = [one for block in blocks for one in block]
    time_left = TimeLeft()
    time_left.take(started(PROTOCOL, cells, budget_seconds=150), 0.0)
    at = 0.0
    for one in blocks[0]:
        at = made(time_left, one, at, 20.0)
    assert time_left.seconds(at) == pytest.approx(60 + ENDING_SECONDS), "one more, but no two"
    at = made(time_left, blocks[1][0], at, 20.0)
    assert time_left.seconds(at + 60) == pytest.approx(40 + ENDING_SECONDS), "what was begun is measured whole"
    time_left.take(BudgetSpent(before_block=2), at)
    assert time_left.seconds(at) == ENDING_SECONDS


SIMULATED = 100
"""Runs for each protocol."""


@pytest.mark.parametrize(
    "name",
    ["quick", *(pytest.param(name, marks=pytest.mark.nightly) for name in ("ten-blocks", "evidence", "article"))],
)
@pytest.mark.parametrize(("noise", "void_share", "least"), [(0.05, 0.0, 1.0), (0.15, 0.02, 0.9)])
def test_it_is_within_a_tenth_after_the_first_block_in_most_simulated_runs(
    name: str, noise: float, void_share: float, least: float
):
    protocol, apis = read_protocol(name), ("go", "kotlin", "rust", "zig")
    errors = [
        error_after_first_block(
            events_of_run(protocol, apis, noisy(protocol, apis, seed, noise=noise, void_share=void_share), seed=seed)
        )
        for seed in range(SIMULATED)
    ]
    share = sum(abs(error) <= 0.1 for error in errors) / SIMULATED
    assert share >= least
    assert abs(sum(errors) / SIMULATED) < 0.02, "it is wrong to neither side"
