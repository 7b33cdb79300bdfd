"""`lab run --budget`: as many whole blocks as fit, what they resolve, and an end by the clock between two blocks."""

import math
import shutil
from pathlib import Path

import pytest

from analysis.pages.run import rerun_commands, run_details
from analysis.raw.run import read_run
from analysis.report.report import analyse
from analysis.statistics.inference import least_ratio
from documents.base import parse_duration
from documents.errors import RunError
from documents.run.protocol import Cell, Plan, Protocol, Scenario
from documents.run.records import CellRecord, Manifest
from experiment.planning.budget import (
    ASSUMED_NOISES,
    RUN_OVERHEAD_SECONDS,
    BudgetClock,
    Earlier,
    fit,
    open_loop_seconds,
    read_earlier,
)
from experiment.planning.plan import make_plan
from experiment.planning.subjects import read_protocol
from experiment.progress.events import BudgetFitted, Event, RunFinished
from experiment.progress.time_left import CELL_OVERHEAD_SECONDS
from tests.run_folder import read_journal
from tests.unit.analysis.load_host_builder import LOAD_HOST
from tests.unit.analysis.run_builder import realistic_run
from tests.unit.experiment.fake_bench import INVENTORY, OPEN_LOOP_PROTOCOL, PROTOCOL, FakeBench
from tests.unit.experiment.loop_runs import begin, broken_off, resume
from tests.unit.experiment.test_clock import SteppedClock

APIS = ("go", "kotlin", "rust", "zig")
HOUR = 3600


def block_of(protocol: Protocol, apis: tuple[str, ...] = APIS) -> list[Cell]:
    return [cell for cell in make_plan(protocol, apis, 7).cells if cell.block == 1]


def test_as_many_blocks_fit_as_there_is_time_for_the_longest_warm_ups():
    protocol = read_protocol("ten-blocks")
    block = block_of(protocol)
    seconds = sum(30 + 5 + CELL_OVERHEAD_SECONDS for _ in block)
    fitted = fit(protocol, APIS, 2 * HOUR, Earlier())
    assert (fitted.block_cells, fitted.block_seconds) == (len(block), seconds)
    assert fitted.blocks == math.floor((2 * HOUR - RUN_OVERHEAD_SECONDS) / seconds)


def test_a_whole_budget_is_used_to_the_second():
    seconds = sum(1 + cell.scenario.duration_seconds + 0.5 for cell in block_of(PROTOCOL))
    exact = math.ceil(7 * seconds + RUN_OVERHEAD_SECONDS)
    known = Earlier(overhead_seconds=0.5, overhead_run="a")
    assert fit(PROTOCOL, APIS, exact, known).blocks == 7
    assert fit(PROTOCOL, APIS, exact - 1, known).blocks == 6


def test_a_budget_without_room_for_two_blocks_is_refused_with_the_least_that_has():
    protocol = read_protocol("article")
    with pytest.raises(
        RunError, match=r"10m is too small for 2 blocks of the protocol article.*least budget is (\w+)\."
    ) as refused:
        fit(protocol, APIS, 600, Earlier())
    least = parse_duration(str(refused.value).rpartition("is ")[2].rstrip("."))
    assert fit(protocol, APIS, least, Earlier()).blocks == 2
    with pytest.raises(RunError):
        fit(protocol, APIS, least - 60, Earlier())


def test_it_says_what_the_blocks_resolve_for_assumed_noises():
    fitted = fit(read_protocol("ten-blocks"), APIS, 4 * HOUR, Earlier())
    assert fitted.tests == 18
    assert [(found.noise, found.power) for found in fitted.resolutions] == [
        (noise, power) for noise in ASSUMED_NOISES for power in (0.8, 0.9)
    ]
    for found in fitted.resolutions:
        assert found.ratio == least_ratio(found.noise, fitted.blocks, significance=0.05 / 18, power=found.power)


def test_one_api_alone_has_nothing_to_be_compared_with():
    fitted = fit(read_protocol("ten-blocks"), ("go",), 4 * HOUR, Earlier())
    assert (fitted.tests, fitted.resolutions, fitted.shown_same) == (0, (), ())


def test_what_the_open_loop_takes_at_most_is_kept_for_it():
    protocol = read_protocol("article")
    without = protocol.model_copy(update={"open_loop": None})
    # Five blocks of three rates and four APIs, each of 30 s of warm-up at most, 20 s of load and 4 s besides.
    kept = 5 * 3 * 4 * (30 + 20 + 4)
    known = Earlier(overhead_seconds=4.0, overhead_run="a")
    found = fit(protocol, APIS, 9 * HOUR, known)
    assert found.open_loop_seconds == kept == open_loop_seconds(protocol, 4, overhead_seconds=4.0)
    assert found.blocks == fit(without, APIS, 9 * HOUR - kept, known).blocks
    assert found.blocks < fit(without, APIS, 9 * HOUR, known).blocks
    assert fit(without, APIS, 9 * HOUR, known).open_loop_seconds == 0
    with pytest.raises(RunError, match="and the open loop up to 54m"):
        fit(protocol, APIS, HOUR, known)


# What earlier runs show


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    realistic_run(
        folder / "20260131-120000-quick",
        apis=("go", "rust"),
        scenarios=(Scenario(name="light", workload="mixed", connections=10, duration_seconds=3),),
        blocks=6,
        requests_per_second=1_000,
    )
    (folder / "20260201-120000-torn").mkdir()
    (folder / "20260201-120000-torn" / "manifest.json").write_text("{")
    return folder


def manifest_of(runs: Path) -> Manifest:
    path = runs / "20260131-120000-quick" / "manifest.json"
    return Manifest.from_json(path.read_bytes(), name="manifest.json")


def test_an_earlier_run_gives_overhead_and_noise(runs: Path):
    manifest = manifest_of(runs)
    found = read_earlier(runs, manifest.inventory, manifest.protocol, ("go", "rust"))
    assert found.overhead_run == found.noise_run == "20260131-120000-quick"
    # The builder's cells have 1.2 s beside their load, and its phases leave out the warm-up's 2 s.
    assert found.overhead_seconds == pytest.approx(0, abs=1e-9)
    # Each throughput scatters by 3%, so the log ratio of two by 3% times the root of 2.
    assert found.noise is not None
    assert 0.02 < found.noise < 0.07


def test_a_run_whose_removal_was_interrupted_shows_nothing(runs: Path, tmp_path: Path):
    manifest = manifest_of(runs)
    shutil.copytree(runs / "20260131-120000-quick", tmp_path / ".20260131-120000-quick.removed")
    assert read_earlier(tmp_path, manifest.inventory, manifest.protocol, ("go", "rust")) == Earlier()


def test_phases_beside_warm_up_and_load_are_the_overhead(tmp_path: Path):
    run = begin(FakeBench(), tmp_path)
    for path in run.glob("cells/*/cell.json"):
        record = CellRecord.from_json(path.read_bytes(), name=str(path))
        assert record.warm_up is not None
        seconds = 2.0 if "light" in record.cell_id else 3.0
        phases = {"reset": 1.0, "ready": 0.5, "warm_up": record.warm_up.seconds + 0.25, "load": seconds + 0.25}
        path.write_text(record.model_copy(update={"phases_seconds": phases}).to_json())
    found = read_earlier(tmp_path, INVENTORY, PROTOCOL, ("go", "rust"))
    assert found.overhead_seconds == pytest.approx(2.0)
    assert found.noise is None, "two blocks say too little"


def test_runs_of_another_lab_or_load_are_ignored(runs: Path):
    manifest = manifest_of(runs)
    other_load = manifest.protocol.model_copy(update={"scenarios": PROTOCOL.scenarios})
    assert read_earlier(runs, manifest.inventory, other_load, ("go", "rust")) == Earlier()
    other_lab = manifest.inventory.model_copy(update={"stack": "other"})
    assert read_earlier(runs, other_lab, manifest.protocol, ("go", "rust")) == Earlier()
    cores = manifest.inventory.cores.model_copy(update={"generator": (0, 1)})
    other_cores = manifest.inventory.model_copy(update={"cores": cores})
    assert read_earlier(runs, other_cores, manifest.protocol, ("go", "rust")) == Earlier()
    from_load_host = manifest.inventory.model_copy(update={"load_hosts": (LOAD_HOST,)})
    assert read_earlier(runs, from_load_host, manifest.protocol, ("go", "rust")) == Earlier()
    assert read_earlier(runs / "none", manifest.inventory, manifest.protocol, ("go",)) == Earlier()


# The loop


CELLS = len(block_of(PROTOCOL, ("go", "rust")))
BUDGET = 3 * 60
BLOCK_SECONDS = sum(
    1 + cell.scenario.duration_seconds + CELL_OVERHEAD_SECONDS for cell in block_of(PROTOCOL, ("go", "rust"))
)
BLOCKS = math.floor((BUDGET - RUN_OVERHEAD_SECONDS) / BLOCK_SECONDS)


@pytest.fixture
def slow() -> SteppedClock:
    """The clock of a run whose blocks take a minute each."""
    return SteppedClock(60.0 / CELLS)


def finished_blocks(run: Path) -> dict[int, int]:
    plan = Plan.from_json((run / "plan.json").read_bytes(), name="plan.json")
    found: dict[int, int] = {}
    for cell in plan.cells:
        if (run / "cells" / cell.id / "cell.json").exists():
            found[cell.block] = found.get(cell.block, 0) + 1
    return found


def test_a_run_in_time_measures_the_blocks_that_fitted_and_records_its_budget(tmp_path: Path):
    seen, clock = list[Event](), SteppedClock(1.0)
    run = begin(FakeBench(before=clock.in_load), tmp_path, seen.append, budget_seconds=BUDGET, clock=clock)
    assert isinstance(seen[0], BudgetFitted)
    assert seen[0].blocks == BLOCKS > PROTOCOL.blocks
    assert finished_blocks(run) == dict.fromkeys(range(1, BLOCKS + 1), CELLS)
    manifest = Manifest.from_json((run / "manifest.json").read_bytes(), name="manifest.json")
    assert (manifest.budget_seconds, manifest.protocol.blocks) == (BUDGET, BLOCKS)
    assert "budget-spent" not in [entry.event for entry in read_journal(run)]
    report = analyse(read_run(run))
    assert (report.blocks, report.budget_seconds, report.unfinished_cells) == (BLOCKS, BUDGET, ())
    assert not any("budget" in caveat for caveat in report.caveats)
    assert ("Budget", "3m") in run_details(report)
    assert any("--budget 3m" in command for command in rerun_commands(report))


def test_a_slow_run_ends_between_two_blocks_and_what_it_has_counts(tmp_path: Path, slow: SteppedClock):
    seen, bench = list[Event](), FakeBench(before=slow.in_load)
    run = begin(bench, tmp_path, seen.append, budget_seconds=BUDGET, clock=slow)
    # 60 s a block: after the second, 120 s are over, and a third would end after 180 s, with nothing left for the end.
    assert finished_blocks(run) == {1: CELLS, 2: CELLS}
    assert bench.left_clean()
    assert [entry.event for entry in read_journal(run)][-2:] == ["budget-spent", "run-finished"]
    assert [event.cells for event in seen if isinstance(event, RunFinished)] == [2 * CELLS]
    report = analyse(read_run(run))
    assert (report.blocks, len(report.cells), report.unfinished_cells) == (2, 2 * CELLS, ())
    assert {summary.unfinished_cells for summary in report.summaries} == {0}
    [said] = [caveat for caveat in report.caveats if "budget" in caveat]
    assert f"after 2 of {BLOCKS} blocks" in said
    again = FakeBench()
    resume(again, run, clock=slow)
    assert again.steps == [], "it is finished"


def test_a_resumed_run_has_what_is_left_of_its_budget(tmp_path: Path, slow: SteppedClock):
    run = broken_off(FakeBench(before=slow.in_load), tmp_path, CELLS + 1, budget_seconds=BUDGET, clock=slow)
    assert finished_blocks(run) == {1: CELLS, 2: 1}
    slow.seconds += 100_000
    resume(FakeBench(before=slow.in_load), run, clock=slow)
    assert finished_blocks(run) == {1: CELLS, 2: CELLS}, "the block that was begun is whole, and the third isn't begun"


def test_a_block_is_expected_to_take_as_long_as_the_longest_before():
    time = SteppedClock()
    clock = BudgetClock(200 + int(RUN_OVERHEAD_SECONDS), {1: 20.0, 2: 90.0}, time)
    cells = make_plan(PROTOCOL.model_copy(update={"blocks": 4}), ("go", "rust"), 7).cells
    third, fourth = (next(cell for cell in cells if cell.block == block) for block in (3, 4))
    assert clock.begin(third), "110 s are spent, and 90 more are left"
    time.seconds += 1
    assert not clock.begin(fourth), "111 s are spent: a block like the second wouldn't end in time"


# With an open loop

OPEN_CELLS = 8
"""Two blocks of two APIs at two rates."""

OPEN_BUDGET = BUDGET + math.ceil(OPEN_CELLS * (1 + 2 + CELL_OVERHEAD_SECONDS))
"""What is kept for the open loop beside the other's."""


def open_loop_cells(run: Path) -> int:
    return len(list(run.glob("cells/*-at-*/cell.json")))


def test_the_open_loop_is_measured_whole_after_blocks_that_the_clock_cut(tmp_path: Path, slow: SteppedClock):
    bench = FakeBench(before=slow.in_load)
    run = begin(bench, tmp_path, protocol=OPEN_LOOP_PROTOCOL, budget_seconds=OPEN_BUDGET, clock=slow)
    assert finished_blocks(run) == {1: CELLS, 2: CELLS}, "what is kept for the open loop isn't there for a third"
    assert open_loop_cells(run) == OPEN_CELLS
    assert bench.left_clean()
    report = analyse(read_run(run))
    assert (report.blocks, report.unfinished_cells) == (2, ())
    assert report.open_loop is not None
    assert len(report.open_loop.cells) == OPEN_CELLS


def test_a_run_keeps_the_time_that_it_announced_for_the_open_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # A cell took 10 s besides warm-up and load: 81 s for a block of six cells, and 104 s for the open loop.
    earlier = Earlier(overhead_seconds=10.0, overhead_run="a")
    monkeypatch.setattr("experiment.running.run.read_earlier", lambda *_: earlier)  # pyright: ignore
    seen, clock = list[Event](), SteppedClock(90.0 / CELLS)
    budget = math.ceil(RUN_OVERHEAD_SECONDS + 3 * 81 + 104)
    bench = FakeBench(before=clock.in_load)
    run = begin(bench, tmp_path, seen.append, protocol=OPEN_LOOP_PROTOCOL, budget_seconds=budget, clock=clock)
    assert isinstance(seen[0], BudgetFitted)
    assert (seen[0].blocks, seen[0].open_loop_seconds) == (3, 104)
    assert read_run(run).manifest.open_loop_seconds == 104
    assert finished_blocks(run) == {1: CELLS, 2: CELLS}, "a third one of 90 s would end in the open loop's time"


def test_what_goes_before_the_first_cell_is_part_of_the_budget(tmp_path: Path, slow: SteppedClock):
    def build(step: str, count: int) -> None:
        slow.in_load(step, count)
        if step == "install_open_loop":
            slow.seconds += 60

    bench = FakeBench(before=build)
    run = begin(bench, tmp_path, protocol=OPEN_LOOP_PROTOCOL, budget_seconds=OPEN_BUDGET, clock=slow)
    assert finished_blocks(run) == {1: CELLS}, "a minute is gone before the first block"


def test_a_run_that_goes_on_within_its_open_loop_adds_no_block(tmp_path: Path, slow: SteppedClock):
    bench = FakeBench(before=slow.in_load)
    run = broken_off(
        bench, tmp_path, 2 * CELLS + 3, protocol=OPEN_LOOP_PROTOCOL, budget_seconds=OPEN_BUDGET, clock=slow
    )
    assert (finished_blocks(run), open_loop_cells(run)) == ({1: CELLS, 2: CELLS}, 3)
    report = analyse(read_run(run))
    assert (report.blocks, len(report.unfinished_cells)) == (2, OPEN_CELLS - 3)
    assert any(f"after 2 of {BLOCKS} blocks" in caveat for caveat in report.caveats)
    # As if these cells had taken no time: there would be room for all blocks.
    for path in run.glob("cells/*/cell.json"):
        record = CellRecord.from_json(path.read_bytes(), name=str(path))
        path.write_text(record.model_copy(update={"phases_seconds": {"load": 0.0}}).to_json())
    seen: list[Event] = []
    resume(FakeBench(), run, progress=seen.append, clock=slow)
    assert (finished_blocks(run), open_loop_cells(run)) == ({1: CELLS, 2: CELLS}, OPEN_CELLS)
    assert [event.cells for event in seen if isinstance(event, RunFinished)] == [2 * CELLS + OPEN_CELLS]
