"""The open loop in the loop over cells: its plan, its order, its cells' voids, and going on after a break."""

from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from analysis.pages.run import watch_table
from analysis.pages.table import short_blocks
from analysis.raw.run import read_run
from analysis.report.report import analyse
from documents.run.protocol import OpenLoop, Scenario
from documents.run.records import CellRecord
from documents.run.window import (
    CpuTimes,
    HostTick,
    OpenLoopErrors,
    OpenLoopPlan,
    OpenLoopRate,
    OpenLoopResult,
    WrkErrors,
    WrkResult,
)
from experiment.bench.bench import Measured
from experiment.planning.plan import plan_cells
from experiment.progress.events import CellFinished, Event, RunFinished, RunStarted
from tests.unit.experiment.fake_bench import INVENTORY, OPEN_LOOP_PROTOCOL, FakeBench
from tests.unit.experiment.loop_runs import begin, resume

CLOSED = 12
"""Two blocks of two scenarios and two APIs, one of them twice; two blocks of two rates and two APIs follow."""
OPEN = 8
FIRST = CLOSED + 1
"""The number of the first cell of the open loop, and of its window where none before was void."""

WINDOW = Scenario(name="heavy", workload="mixed", connections=500, duration_seconds=20)
OPEN_LOOP = OpenLoop(scenario="heavy", shares=(0.5, 0.7, 0.9), seconds=20, blocks=5)
RATES = tuple(OpenLoopRate(share=share, rate=rate) for share, rate in ((0.5, 500), (0.7, 700), (0.9, 900)))


def plan_of(run: Path) -> OpenLoopPlan:
    return OpenLoopPlan.from_json((run / "open-loop-plan.json").read_bytes(), name="open-loop-plan.json")


def record_of(run: Path, cell_id: str) -> CellRecord:
    return CellRecord.from_json((run / "cells" / cell_id / "cell.json").read_bytes(), name="cell.json")


def lasting(measured: Measured, elapsed_us: int) -> Measured:
    """The same window of wrk's, but so long, and with latencies that fit to that."""
    assert isinstance(measured.result, WrkResult)
    latency_us = measured.result.connections * elapsed_us // 1_000
    latency = measured.result.latency.model_copy(
        update={"minimum_us": latency_us, "maximum_us": latency_us, "histogram": ((latency_us, 1_000),)}
    )
    return replace(measured, result=measured.result.model_copy(update={"elapsed_us": elapsed_us, "latency": latency}))


def faster(measured: Measured) -> Measured:
    """Twice as much from each API as `FakeBench` gives by itself."""
    found = measured.result
    return lasting(measured, found.elapsed_us // 2) if isinstance(found, WrkResult) else measured


def test_the_open_loop_comes_last_at_common_rates_and_is_reported(tmp_path: Path):
    bench, events = FakeBench(), list[Event]()
    run = begin(bench, tmp_path, events.append, protocol=OPEN_LOOP_PROTOCOL)
    plan = plan_of(run)
    # 1,000 requests in three seconds, of all: 0.5 and 0.9 of 333.3, rounded down.
    assert [(rate.share, rate.rate) for rate in plan.rates] == [(0.5, 166), (0.9, 300)]
    assert plan.slowest == "go"
    assert plan.throughput == pytest.approx(1_000 / 3)
    assert [cell.number for cell in plan.cells] == list(range(CLOSED + 1, CLOSED + OPEN + 1))
    assert bench.played[CLOSED:] == [f"{cell.api} heavy at {cell.rate}" for cell in plan.cells]
    assert not any(" at " in played for played in bench.played[:CLOSED])
    assert plan.cells[0].id in {f"{FIRST:03}-{api}-heavy-at-{rate}" for api in ("go", "rust") for rate in (166, 300)}
    files = sorted(path.name for path in (run / "cells" / plan.cells[0].id).iterdir())
    assert files == ["cell.json", "open-loop.json", "samples.csv", "ticks.jsonl", "watch.json"]
    report = analyse(read_run(run))
    assert report.open_loop is not None
    assert len(report.open_loop.cells) == OPEN
    assert len(report.cells) == CLOSED
    assert (report.void_attempts, report.void_cells, report.unfinished_cells) == ((), (), ())
    assert {cell.watch and cell.watch.connections_planned for cell in report.open_loop.cells} == {None}
    assert [row[0].value for row in watch_table(report).rows] == [
        cell.cell_id for cell in (*report.cells, *report.open_loop.cells)
    ]
    assert bench.renewals == CLOSED + OPEN
    started, *_ = events
    assert isinstance(started, RunStarted)
    assert started.cells == CLOSED + OPEN
    assert bench.left_clean()


def test_each_event_of_an_open_loop_has_its_rate_and_is_read_back(tmp_path: Path):
    events = list[Event]()
    run = begin(FakeBench(), tmp_path, events.append, protocol=OPEN_LOOP_PROTOCOL)
    finished = [event for event in events if isinstance(event, CellFinished)]
    assert [event.throughput for event in finished[CLOSED:]] == [cell.rate for cell in plan_of(run).cells]
    adapter = TypeAdapter[Event](Event)
    assert [adapter.validate_json(event.model_dump_json()) for event in events] == events


def test_a_block_has_each_api_at_each_rate_once_and_apis_side_by_side():
    cells = plan_cells(OPEN_LOOP, WINDOW, RATES, ("go", "zig", "rust"), order_seed=7, first_number=91)
    assert [cell.number for cell in cells] == list(range(91, 91 + 45))
    everything = {(api, rate.rate) for api in ("go", "rust", "zig") for rate in RATES}
    for block in range(1, 6):
        within = [cell for cell in cells if cell.block == block]
        assert {(cell.api, cell.rate) for cell in within} == everything
        assert len(within) == len(everything)
        assert len(list(groupby(within, key=lambda cell: cell.rate))) == len(RATES)
    assert len({tuple((cell.api, cell.rate) for cell in cells[start : start + 9]) for start in range(0, 45, 9)}) > 1
    assert all(cell.scenario == WINDOW for cell in cells)


def test_the_program_is_built_before_the_first_cell_and_only_if_needed(tmp_path: Path):
    tuned = list[bool]()

    def look(step: str, _count: int) -> None:
        if step == "install_open_loop":
            tuned.append(bench.untouched is not None)

    bench = FakeBench(before=look)
    begin(bench, tmp_path / "open", protocol=OPEN_LOOP_PROTOCOL)
    assert bench.steps.index("install_open_loop") < bench.steps.index("reset")
    assert tuned == [False], "the lease on what is tuned may be over before a slow build is"
    without = FakeBench()
    begin(without, tmp_path / "closed")
    assert "install_open_loop" not in without.steps


def test_the_rates_stay_where_the_cells_that_they_came_from_are_measured_again(tmp_path: Path):
    run = begin(FakeBench(), tmp_path, protocol=OPEN_LOOP_PROTOCOL)
    before = (run / "open-loop-plan.json").read_bytes()
    records = sorted(run.glob("cells/*-heavy/cell.json"))
    assert len(records) == CLOSED / 2
    for path in records:
        path.unlink()
    again = FakeBench(change=faster)
    resume(again, run)
    assert len(again.played) == len(records)
    assert (run / "open-loop-plan.json").read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "reason", "wording"),
    [
        ({"sent_in_window": 328}, "rate-missed", "164.0 requests/s were sent in time, 98.8% of the 166 that were due"),
        (
            {"errors": OpenLoopErrors(timeout=2, other=1), "first_error": "EOF"},
            "vegeta-errors",
            "3 of 332 requests weren't answered, 2 of them because 2 s were over; the first: EOF.",
        ),
        ({"rate": 167}, "generator-failed", "at 167 requests/s over 100 connections for 2 s, but the plan has"),
    ],
)
def test_a_window_that_does_not_count_says_why(tmp_path: Path, changes: dict[str, object], reason: str, wording: str):
    def spoil(measured: Measured) -> Measured:
        found = measured.result
        if not isinstance(found, OpenLoopResult) or found.rate != 166:
            return measured
        return replace(measured, result=found.model_copy(update=changes))

    run = begin(FakeBench(change=spoil), tmp_path, protocol=OPEN_LOOP_PROTOCOL)
    for cell in plan_of(run).cells:
        voids = record_of(run, cell.id).voids
        if cell.rate == 166:
            assert voids[0].reason == reason
            assert wording in voids[0].message
        else:
            assert voids == ()
    report = analyse(read_run(run))
    assert {cell.cell_id for cell in report.void_cells} == {cell.id for cell in plan_of(run).cells if cell.rate == 166}
    assert report.open_loop is not None
    assert {summary.rate: summary.void_cells for summary in report.open_loop.summaries} == {166: 2, 300: 0}
    assert {summary.rate: summary.void_attempts for summary in report.open_loop.summaries} == {166: 6, 300: 0}
    assert {cell.rate for cell in (*report.void_cells, *report.void_attempts)} == {166}
    assert [summary.measured is None for summary in report.open_loop.summaries] == [True, True, False, False]


def test_rates_come_from_the_slowest_api_of_the_scenario_and_its_valid_cells_alone(tmp_path: Path):
    bench = FakeBench()

    def vary(measured: Measured) -> Measured:
        result, load = measured.result, bench.load
        if not isinstance(result, WrkResult) or load is None or load.scenario.name == "light":
            return measured
        if load.api.name == "rust":
            return lasting(measured, 1_500_000)
        if bench.played.count("go heavy") == 1:
            return lasting(measured, 1_000_000)
        # 333 requests/s, as the light load's 500, are less than any that count.
        errors = WrkErrors(connect=0, read=1, write=0, status=0, timeout=0)
        return replace(measured, result=result.model_copy(update={"errors": errors}))

    bench.change = vary
    plan = plan_of(begin(bench, tmp_path, protocol=OPEN_LOOP_PROTOCOL))
    assert plan.slowest == "rust"
    assert plan.throughput == pytest.approx(2_000 / 3)
    assert [rate.rate for rate in plan.rates] == [333, 600]


def test_without_a_valid_cell_there_is_no_rate_and_the_report_says_so(tmp_path: Path):
    bench = FakeBench(wrong_answers={api.name: ["probe.me: wrong"] for api in INVENTORY.apis})
    run = begin(bench, tmp_path, protocol=OPEN_LOOP_PROTOCOL)
    assert (plan_of(run).slowest, plan_of(run).cells) == (None, ())
    report = analyse(read_run(run))
    assert report.open_loop is not None
    assert report.open_loop.rates == ()
    assert any(caveat.startswith("There is no open loop: no API has a valid cell") for caveat in report.caveats)


def test_a_block_of_the_open_loop_that_stays_short_is_reported_as_one_of_these(tmp_path: Path):
    # The very last cell of the closed loop, and the first of the open one, in each of three attempts.
    bench, events = FakeBench(spoilt=frozenset(range(CLOSED, CLOSED + 6))), list[Event]()
    run = begin(bench, tmp_path, events.append, protocol=OPEN_LOOP_PROTOCOL)
    cell = plan_of(run).cells[0]
    [finished] = [event for event in events if isinstance(event, RunFinished)]
    assert (finished.cells, finished.void_cells, finished.void_attempts) == (CLOSED + OPEN, 2, 6)
    assert (finished.short_blocks, finished.short_open_loop_blocks) == ((2,), (1,))
    report = analyse(read_run(run))
    assert [(void.rate, void.attempts) for void in report.void_cells] == [(None, 3), (cell.rate, 3)]
    assert [(short.block, short.open_loop) for short in report.short_blocks] == [(2, False), (1, True)]
    assert report.short_blocks[1].lacking == (cell.id,)
    load = f"{cell.api} at heavy with {cell.rate} requests/s ({cell.id})"
    assert short_blocks(report)[1] == f"Block 1 of the open loop is short of {load}."
    assert any("Block 2 and block 1 of the open loop are short" in caveat for caveat in report.caveats)


def test_an_open_loop_is_watched_except_for_what_needs_wrk(tmp_path: Path):
    def stolen(tick: HostTick) -> HostTick:
        # A tenth of each CPU's time.
        steal = tick.time_ns // 10_000_000
        cpus = {cpu: CpuTimes(*times[:-1], steal) for cpu, times in tick.cpus.items()}
        return tick.model_copy(update={"cpus": cpus})

    def disturb(ticks: list[HostTick]) -> list[HostTick]:
        assert bench.load is not None
        if bench.load.rate is None:
            return ticks
        if bench.load.rate == 300:
            return [stolen(tick) for tick in ticks]
        # No connection is there, as between two requests, and all are silent.
        return [tick.model_copy(update={"connections": 0, "silent_ms": (60_000,) * 7}) for tick in ticks]

    bench = FakeBench(disturb=disturb)
    run = begin(bench, tmp_path, protocol=OPEN_LOOP_PROTOCOL)
    found = {cell.rate: [void.reason for void in record_of(run, cell.id).voids] for cell in plan_of(run).cells}
    assert found == {300: ["steal"], 166: []}
