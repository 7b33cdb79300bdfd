"""The events of a simulated or recorded run, each with the time at which it is reported."""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

from documents.run.protocol import Cell, Protocol
from documents.run.records import CellRecord, Void
from documents.run.window import OpenLoopCell, OpenLoopRate
from experiment.planning.plan import cells_at_most, make_plan, plan_cells
from experiment.progress.events import (
    AttemptMade,
    CellFinished,
    CellStarted,
    Event,
    OpenLoopPlanned,
    PhaseStarted,
    RunFinished,
    RunStarted,
)
from experiment.progress.time_left import ENDING_SECONDS, TimeLeft
from tests.unit.documents.samples import NOON

TimedEvent = tuple[Event, float]
"""An event, and when it is reported, in seconds since the first."""

Timing = Callable[[Cell, int], tuple[float, bool]]
"""How long an attempt at a cell takes in seconds, and whether it is valid."""

BEFORE_SECONDS = 5.0
"""The time before the first cell."""


def started(
    protocol: Protocol,
    planned: Sequence[Cell],
    *,
    made: Sequence[AttemptMade] = (),
    unplanned: int = 0,
    budget_seconds: int | None = None,
) -> RunStarted:
    return RunStarted(
        run_id="20260131-120000-quick",
        directory="runs/20260131-120000-quick",
        cells=len(planned) + unplanned,
        finished=len({one.cell_id for one in made if not one.voids}),
        attempts=protocol.attempts,
        protocol=protocol,
        planned=tuple(planned),
        unplanned=unplanned,
        made=tuple(made),
        budget_seconds=budget_seconds,
    )


def finished(cell: Cell, attempt: int = 1, *, valid: bool = True, throughput: float | None = 1_000.0) -> CellFinished:
    record = CellRecord(
        cell_id=cell.id,
        attempt=attempt,
        started_at=NOON,
        voids=() if valid else (Void(reason="steal", message="2% of the window was stolen."),),
        phases_seconds={},
        load_started_ns=None,
        load_ended_ns=None,
        pinning=(),
    )
    return CellFinished(cell=cell, record=record, throughput=throughput)


def ended(cells: int = 1) -> RunFinished:
    return RunFinished(
        run_id="20260131-120000-quick",
        directory="runs/20260131-120000-quick",
        cells=cells,
        void_cells=0,
        void_attempts=0,
        short_blocks=(),
        short_open_loop_blocks=(),
    )


def events_of_run(protocol: Protocol, apis: Sequence[str], timing: Timing, *, seed: int = 1) -> list[TimedEvent]:
    """All events of a run, including those of its open loop; the first is reported at 0."""
    plan = make_plan(protocol, apis, seed)
    open_loop = protocol.open_loop
    unplanned = cells_at_most(open_loop, len(apis)) if open_loop else 0
    events: list[TimedEvent] = [(started(protocol, plan.cells, unplanned=unplanned), 0.0)]
    events += _events_of_cells(plan.cells, protocol, timing, BEFORE_SECONDS)
    if open_loop is not None:
        rates = [OpenLoopRate(share=share, rate=int(1_000 * share)) for share in open_loop.shares]
        cells = plan_cells(
            open_loop,
            protocol.window_of(open_loop),
            rates,
            apis,
            order_seed=seed,
            first_number=len(plan.cells) + 1,
        )
        events.append((OpenLoopPlanned(cells=cells), events[-1][1]))
        events += _events_of_cells(cells, protocol, timing, events[-1][1])
    return [*events, (ended(), events[-1][1] + ENDING_SECONDS)]


def _events_of_cells(cells: Sequence[Cell], protocol: Protocol, timing: Timing, at: float) -> Iterator[TimedEvent]:
    for cell in cells:
        for attempt in range(1, protocol.attempts + 1):
            seconds, valid = timing(cell, attempt)
            yield CellStarted(cell=cell, attempt=attempt, expected_seconds=1), at
            if valid:
                load_at = at + max(0.0, seconds - cell.scenario.duration_seconds - 0.5)
                yield PhaseStarted(cell_id=cell.id, attempt=attempt, phase="load"), load_at
            at += seconds
            yield finished(cell, attempt, valid=valid), at
            if valid:
                break


def noisy(protocol: Protocol, apis: Sequence[str], seed: int, *, noise: float, void_share: float) -> Timing:
    """Timings of a run whose warm-ups end early: one length for each API and load, with noise in each cell.

    That share of the attempts is void, half of these before their end.
    """
    random = Random(seed)  # noqa: S311 - a simulation
    warm_up = protocol.warm_up_seconds
    besides = {
        (api, scenario.name): random.uniform(0.4, 1) * warm_up + random.uniform(2, 5)
        for api in apis
        for scenario in protocol.scenarios
    }

    def timing(cell: Cell, _attempt: int) -> tuple[float, bool]:
        seconds = besides[cell.api, cell.scenario.name] * math.exp(random.gauss(0, noise))
        seconds += cell.scenario.duration_seconds
        if random.random() >= void_share:
            return seconds, True
        return seconds * (random.random() if random.random() < 0.5 else 1), False

    return timing


def end_of_first_block(events: Sequence[TimedEvent]) -> int:
    """The index of the last event of the first block of the closed loop."""
    return max(
        index
        for index, (event, _) in enumerate(events)
        if isinstance(event, CellFinished) and event.cell.block == 1 and not isinstance(event.cell, OpenLoopCell)
    )


def left_after(events: Sequence[TimedEvent], index: int) -> tuple[float, float]:
    """The time left that is shown after the event of that index, and the actual one, in seconds."""
    time_left = TimeLeft()
    for event, at in events[: index + 1]:
        time_left.take(event, at)
    now = events[index][1]
    seconds = time_left.seconds(now)
    assert seconds is not None
    return seconds, events[-1][1] - now


def error_after_first_block(events: Sequence[TimedEvent]) -> float:
    """The error of the time left that is shown after the first block, as a share of the actual one."""
    seconds, was = left_after(events, end_of_first_block(events))
    return seconds / was - 1


def recorded_run(path: Path) -> list[TimedEvent]:
    """The events of a real run, which `recorded/record.py` wrote."""
    timing = json.loads(path.read_text(encoding="utf-8"))
    protocol = Protocol.model_validate_json(json.dumps(timing["protocol"]))
    cells = {
        number: Cell(number=number, block=block, api=api, scenario=protocol.scenario(scenario), twin=twin)
        for number, block, api, scenario, twin in timing["cells"]
    }
    events: list[TimedEvent] = []
    for at, event, number, attempt in timing["entries"]:
        match event:
            case "run-started":
                events.append((started(protocol, [*cells.values()]), at))
            case "cell-started":
                events.append((CellStarted(cell=cells[number], attempt=attempt, expected_seconds=1), at))
            case "cell-finished" | "cell-void":
                events.append((finished(cells[number], attempt, valid=event == "cell-finished"), at))
            case _:
                events.append((ended(len(cells)), at))
    return events
