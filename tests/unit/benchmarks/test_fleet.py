"""Fleets of simulated hosts: through the lab's own loop, and by the thousand."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.statistics.power import power_to_detect
from benchmarks import fleet
from benchmarks.fleet import PAGE, Whole, experiment, mistaken_experiment, render_noise, text_of
from benchmarks.fleet_experiment import (
    APIS,
    LOAD,
    FleetRun,
    cells_by_host,
    fleet_of,
    fleet_protocol,
    log_ratios_by_host,
    put_together,
    run_fleet,
)
from benchmarks.fleet_orders import fleet_orders, plan_for_host, random_of
from benchmarks.fleet_repetitions import (
    PLACES,
    PLAIN,
    SLOWED,
    Share,
    blocks_to_find,
    blocks_within,
    draw_orders,
    draw_own_orders,
    noise_of,
    run_seconds,
    simulate_apis_on_hosts,
    simulate_fleets,
)
from benchmarks.fleet_tables import noises
from benchmarks.fleet_world import NOT_ODD, OddHost, log_ratios, measure_fleets, world_of
from documents.cell_numbers import CellNumbers
from documents.errors import AnalysisError
from documents.plan import Plan
from documents.run import HostRecord
from experiment.order import block_orders
from tests.conftest import ROOT
from tests.unit.experiment.loop_runs import journal, records

HOSTS, BLOCKS, SEED = 16, 2, 3
CELLS = BLOCKS * PLACES
CELL_SECONDS = (run_seconds(1) - run_seconds(0)) / PLACES
EQUAL = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Simulated:
    directory: Path
    whole: Whole
    cells: Sequence[Sequence[CellNumbers]]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    directory = tmp_path_factory.mktemp("fleet")
    whole = experiment(directory, hosts=HOSTS, blocks=BLOCKS, seed=SEED)
    return Simulated(directory, whole, cells_by_host([run.folder for run in whole.runs]))


# Through the loop


def test_sixteen_hosts_measure_all_of_their_cells(simulated: Simulated):
    assert len(simulated.whole.runs) == HOSTS
    assert [len(cells) for cells in simulated.cells] == [CELLS] * HOSTS
    for run in simulated.whole.runs:
        assert all(record.valid for record in records(run.folder))
        assert journal(run.folder)[-1].event == "run-finished"


def test_each_host_has_a_run_of_its_own_though_all_began_at_one_moment(simulated: Simulated):
    folders = [run.folder for run in simulated.whole.runs]
    assert len({folder.name for folder in folders}) == 1, "their ids are those of a moment"
    assert [folder.parent.name for folder in folders] == [f"host-{host:02d}" for host in range(HOSTS)]


def test_each_host_measures_its_part_of_the_square(simulated: Simulated):
    orders = fleet_orders(APIS, HOSTS, BLOCKS, random_of(SEED, LOAD.name))
    for run, of_host in zip(simulated.whole.runs, orders, strict=True):
        measured = [cell.api for cell in plan_of(run).cells]
        assert measured == [api for order in of_host for api in order]
        assert [record.cell_id for record in records(run.folder)] == [cell.id for cell in plan_of(run).cells]


def plan_of(run: FleetRun) -> Plan:
    return Plan.from_json((run.folder / "plan.json").read_bytes(), name="plan.json")


def test_time_on_the_hosts_adds_up(simulated: Simulated):
    for run in simulated.whole.runs:
        if run.resumed:
            continue
        assert run.seconds == pytest.approx(run_seconds(BLOCKS))
        began = [record.started_at for record in records(run.folder)]
        steps = [(later - earlier).total_seconds() for earlier, later in pairwise(began)]
        assert steps == pytest.approx([CELL_SECONDS] * (CELLS - 1))
        for record in records(run.folder):
            assert sum(record.phases_seconds.values()) == pytest.approx(CELL_SECONDS)
        last = journal(run.folder)[-1].at - journal(run.folder)[0].at
        assert last == timedelta(seconds=run_seconds(BLOCKS))


def test_a_host_that_loses_its_connection_goes_on_and_loses_nothing(simulated: Simulated, tmp_path: Path):
    [host] = [number for number, run in enumerate(simulated.whole.runs) if run.resumed]
    run = simulated.whole.runs[host]
    told = journal(run.folder)
    number = next(place for place, entry in enumerate(told) if entry.event == "run-resumed")
    assert told[number - 1].event == "cell-started", "it broke off within a cell"
    before = [entry.cell_id for entry in told[:number] if entry.event == "cell-finished"]
    assert len(before) == CELLS // 2
    finished = [entry.cell_id for entry in told if entry.event == "cell-finished"]
    assert finished == [cell.id for cell in plan_of(run).cells], "each once, in its order"
    # What is lost is the cell under way and the beginning of a run, and time alone.
    assert run_seconds(BLOCKS) < run.seconds < run_seconds(BLOCKS) + CELL_SECONDS + run_seconds(0) + 1
    protocol = fleet_protocol(BLOCKS)
    orders = draw_orders(1, HOSTS, BLOCKS, seed=SEED)
    logs = measured_logs(orders, seed=SEED)
    [undisturbed] = run_fleet(
        fleet_of([plan_of(run)], logs[0, host : host + 1]),
        protocol,
        tmp_path,
        order_seed=SEED,
        planner_of=lambda _host: partial(plan_for_host, host=host, hosts=HOSTS),
    )
    assert not undisturbed.resumed
    assert [numbers(cell) for cell in cells_by_host([undisturbed.folder])[0]] == [
        numbers(cell) for cell in simulated.cells[host]
    ]


def measured_logs(orders: NDArray[np.intp], *, seed: int) -> NDArray[np.float64]:
    world = world_of((0.0, 0.0, math.log(0.95)), interaction=0.01)
    return measure_fleets(world, orders, np.random.default_rng(seed))


def numbers(cell: CellNumbers) -> tuple[str, int, float]:
    return cell.cell_id, cell.requests, cell.throughput


def test_loop_files_and_analysis_give_what_was_drawn(simulated: Simulated):
    orders = draw_orders(1, HOSTS, BLOCKS, seed=SEED)
    logs = measured_logs(orders, seed=SEED)
    drawn = log_ratios(orders, logs, SLOWED, PLAIN)
    found = log_ratios_by_host(simulated.cells, "slowed", "plain")
    for own, of in zip(found, drawn, strict=True):
        assert own.tolist() == pytest.approx(of[0].tolist(), abs=1e-4)
    assert simulated.whole.same_as_drawn
    assert simulated.whole.distance > 0, "it was measured through whole numbers of requests"


def test_both_ways_to_judge_are_those_of_the_drawn_experiments(simulated: Simulated):
    [equal, slowed] = simulated.whole.pairs
    world = world_of((0.0, 0.0, math.log(0.95)), interaction=0.01)
    drawn = simulate_fleets(world, draw_orders(1, HOSTS, BLOCKS, seed=SEED), seed=SEED, pair=(SLOWED, PLAIN))
    assert drawn.hosts is not None
    assert slowed.found.ratio is not None
    assert math.log(slowed.found.ratio.value) == pytest.approx(float(drawn.blocks.means.mean[0]), abs=1e-5)
    assert slowed.found.blocks == HOSTS * BLOCKS
    half_width = float(drawn.hosts.means.half_width(0.95)[0])
    assert slowed.by_hosts[0] == pytest.approx(slowed.found.ratio.value), "equal numbers of blocks: one mean"
    assert math.log(slowed.by_hosts[2] / slowed.by_hosts[1]) / 2 == pytest.approx(half_width, abs=1e-5)
    assert equal.found.verdict != "better"
    assert (slowed.found.verdict, slowed.found.better) == ("better", "plain")
    assert slowed.by_hosts[1] < 0.95 < slowed.by_hosts[2]
    assert slowed.found.ratio.interval_95 is not None
    assert slowed.found.ratio.interval_95.low < 0.95 < slowed.found.ratio.interval_95.high


def test_whole_apis_on_hosts_show_a_difference_where_there_is_none(tmp_path: Path):
    mistaken = mistaken_experiment(tmp_path, hosts=HOSTS, blocks=1, seed=1)
    assert mistaken.same_as_drawn
    assert len(mistaken.runs) == 15
    [equal, _] = mistaken.pairs
    assert equal.found.verdict == "better"
    assert equal.found.blocks == 5 * PLACES


def test_hosts_that_are_not_alike_do_not_stand_beside_each_other(simulated: Simulated, tmp_path: Path):
    protocol = fleet_protocol(2)
    plans = [plan_for_host(protocol, APIS, 1, host=host, hosts=2) for host in range(2)]
    runs = run_fleet(fleet_of(plans, np.zeros((2, 2, PLACES))), protocol, tmp_path, order_seed=1)
    folders = [run.folder for run in runs]
    assert len(cells_by_host(folders)) == 2
    path = folders[1] / "host.json"
    record = HostRecord.from_json(path.read_bytes(), name="host.json")
    other = record.before.model_copy(update={"cpu_model": "another"})
    path.write_text(record.model_copy(update={"before": other, "after": other}).to_json(), encoding="utf-8")
    with pytest.raises(AnalysisError, match="cpu model was simulated and is another"):
        cells_by_host(folders)
    path.write_text(record.to_json(), encoding="utf-8")
    manifest = folders[1] / "manifest.json"
    text = manifest.read_text(encoding="utf-8")
    assert text.count("sha256:slowed") == 1
    manifest.write_text(text.replace("sha256:slowed", "sha256:newer"), encoding="utf-8")
    with pytest.raises(AnalysisError, match="image of slowed: sha256:slowed and sha256:newer"):
        cells_by_host(folders)
    with pytest.raises(AnalysisError, match="protocol's blocks"):
        cells_by_host([simulated.whole.runs[0].folder, *_longer(tmp_path / "longer")])


def _longer(directory: Path) -> list[Path]:
    protocol = fleet_protocol(3)
    plans = [plan_for_host(protocol, APIS, 1, host=0, hosts=1)]
    return [
        run.folder for run in run_fleet(fleet_of(plans, np.zeros((1, 3, PLACES))), protocol, directory, order_seed=1)
    ]


def test_blocks_of_hosts_are_put_together_without_being_mixed(simulated: Simulated):
    cells = put_together(simulated.cells)
    assert {cell.block for cell in cells} == {*range(1, HOSTS * BLOCKS + 1)}
    assert all(len([cell for cell in cells if cell.block == block]) == PLACES for block in (1, 2, 31, 32))
    shared = put_together(simulated.cells, sharing=4)
    assert len({cell.block for cell in shared}) == HOSTS // 4 * BLOCKS


# By the thousand


@pytest.fixture(scope="module")
def orders() -> NDArray[np.intp]:
    return draw_orders(1500, HOSTS, 4, seed=1)


def test_blocks_over_hosts_are_falsely_different_in_5_of_100_whatever_a_host_is(orders: NDArray[np.intp]):
    for host_noise in (0.0, 0.1):
        found = simulate_fleets(world_of(EQUAL, host_noise=host_noise), orders, seed=2)
        assert found.hosts is not None
        assert 0.035 <= found.blocks.missed.value <= 0.065
        assert 0.035 <= found.hosts.missed.value <= 0.065


def test_an_interaction_is_seen_by_hosts_and_not_by_blocks(orders: NDArray[np.intp]):
    found = simulate_fleets(world_of(EQUAL, interaction=0.02), orders, seed=2)
    assert found.hosts is not None
    assert found.blocks.missed.value > 0.2
    assert 0.035 <= found.hosts.missed.value <= 0.065
    assert found.hosts.half_width > 2 * simulate_fleets(world_of(EQUAL), orders, seed=2).blocks.half_width


def test_by_blocks_the_interval_holds_the_ratio_of_these_very_hosts(orders: NDArray[np.intp]):
    """One seed gives one noise, whatever the interaction: what is left of the mean without it is the error."""
    error = simulate_fleets(world_of(EQUAL), orders, seed=2).blocks.means.mean
    found = simulate_fleets(world_of(EQUAL, interaction=0.02), orders, seed=2).blocks.means
    assert np.std(found.mean - error) == pytest.approx(0.02 * math.sqrt(2 / HOSTS), rel=0.1)
    assert 0 < np.mean(np.abs(error) > found.half_width(0.95)) < 0.05


def test_whole_apis_on_hosts_are_falsely_different_most_often():
    for hosts in (3, 16):
        found = simulate_apis_on_hosts(world_of(EQUAL), 500, hosts, 10, seed=2)
        assert found.blocks.missed.value > 0.5
    assert found.hosts is not None
    assert 0.02 <= found.hosts.missed.value <= 0.08, "the host as the unit is right, and wide"
    assert found.hosts.half_width > 0.08


def test_one_host_that_is_slower_cancels_and_one_that_dies_is_missing(orders: NDArray[np.intp]):
    alike = simulate_fleets(world_of(EQUAL), orders, seed=2)
    slower = simulate_fleets(world_of(EQUAL), orders, seed=2, odd=OddHost(slower=0.3))
    assert slower.blocks.means.mean == pytest.approx(alike.blocks.means.mean)
    dead = simulate_fleets(world_of(EQUAL), orders, seed=2, odd=OddHost(dies=True))
    assert dead.blocks.means.blocks == alike.blocks.means.blocks - 2 == HOSTS * 4 - 2
    loud = simulate_fleets(world_of(EQUAL), orders, seed=2, odd=OddHost(cell_noise=0.1))
    assert loud.blocks.half_width > 1.3 * alike.blocks.half_width
    partial = simulate_fleets(world_of(EQUAL), orders, seed=2, odd=OddHost(interaction=0.16))
    assert np.mean(partial.blocks.means.mean) == pytest.approx(0.16 / HOSTS, abs=0.001)
    assert OddHost() == NOT_ODD


def test_the_time_to_find_a_ratio_is_that_of_the_power(orders: NDArray[np.intp]):
    noise = noise_of(world_of(EQUAL), orders, seed=2)
    # Two cells of three APIs' block: √2 of a cell, less what the twin adds, plus what the walk does between them.
    assert 0.024 < noise < 0.03
    blocks = blocks_to_find(1.02, noise)
    assert power_to_detect(math.log(1.02), noise, blocks, significance=0.05) >= 0.9
    assert power_to_detect(math.log(1.02), noise, blocks - 1, significance=0.05) < 0.9
    a_host = math.ceil(blocks / 4)
    drawn = draw_orders(1000, 4, a_host, seed=1)
    found = simulate_fleets(world_of((0.0, 0.0, -math.log(1.02))), drawn, seed=2, pair=(PLAIN, SLOWED))
    computed = power_to_detect(math.log(1.02), noise, 4 * a_host, significance=0.05)
    assert found.blocks.found.value == pytest.approx(computed, abs=0.03)
    with pytest.raises(ValueError, match=r"ratio of 1\.0001"):
        blocks_to_find(1.0001, noise)


def test_a_square_over_hosts_misses_by_less_where_a_host_has_fewer_blocks_than_a_design_has_rows():
    world = world_of(EQUAL)
    drifting = replace(world, host=replace(world.host, drift=0.03))
    square = simulate_fleets(drifting, draw_orders(800, HOSTS, 2, seed=1), seed=2).blocks
    own = simulate_fleets(drifting, draw_own_orders(800, HOSTS, 2, seed=1), seed=2).blocks
    assert square.error < 0.75 * own.error
    assert own.half_width == pytest.approx(square.half_width, rel=0.05), "and the interval doesn't know it"
    assert own.error == pytest.approx(own.half_width / 2, rel=0.25)


def test_a_hosts_own_orders_are_those_of_the_labs_plan():
    [[*hosts]] = draw_own_orders(1, 3, 5, seed=4)
    for number, host in enumerate(hosts):
        own = block_orders(APIS, 5, random_of(4, str(number)))
        assert [[APIS[api] for api in row] for row in host.tolist()] == [[*row] for row in own]


def test_an_hour_has_as_many_blocks_as_end_in_it():
    blocks = blocks_within(3600)
    assert run_seconds(blocks) <= 3600 < run_seconds(blocks + 1)


def test_the_real_run_took_as_long_as_a_simulated_one_would():
    """From the beginning of the A/A run of ten blocks of three cells to that of the next one: 7 min 53 s."""
    simulated = run_seconds(0) + 30 * CELL_SECONDS
    assert simulated == pytest.approx(7 * 60 + 53, rel=0.03)


def test_a_share_has_wilsons_interval():
    assert str(Share(50, 1000)) == "5.0% (3.8% to 6.5%)"
    assert Share(0, 100).interval[0] == 0


def test_what_it_prints_and_that_the_page_has_what_is_computed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    written: dict[str, str] = {}
    monkeypatch.setattr(fleet, "write_page", written.__setitem__)
    monkeypatch.setattr(fleet, "HOSTS", 6)
    monkeypatch.setattr("benchmarks.fleet_tables.FLEETS", (1, 2))
    with pytest.raises(SystemExit) as ended:
        fleet.main(["--experiments", "4", "--blocks", "2", "--seed", "5", "--page"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert "cells that are valid                                  48 of 48" in printed
    assert "hosts that lost their connection and went on          5\n" in printed
    assert printed.strip() in written[PAGE]
    assert "python -m benchmarks.fleet --experiments 4 --blocks 2 --seed 5" in written[PAGE]
    page = (ROOT / "docs" / "evidence" / PAGE).read_text(encoding="utf-8")
    assert render_noise() in page
    assert text_of(noises()) in page


def test_the_numbers_of_the_page_on_scale_are_those_of_the_evidence():
    """Each row of its tables has its numbers in one line of what was printed, the intervals of shares left out."""
    evidence = (ROOT / "docs" / "evidence" / PAGE).read_text(encoding="utf-8").splitlines()
    printed = [numbers_in(re.sub(r"\(.*?\)", "", line)) for line in evidence]
    text = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    heads = ("noise", "what is spread", "true ratio", "the host")
    tables = [part.splitlines() for part in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)]
    rows = [row for table in tables if table[0].startswith(tuple(f"| {head} |" for head in heads)) for row in table[2:]]
    assert len(rows) == 5 + 5 + 6 + 5
    for row in rows:
        assert any(numbers_in(row) <= line for line in printed), row


def numbers_in(text: str) -> set[float]:
    return {float(number) for number in re.findall(r"(?<![\w.])\d+(?:\.\d+)?", text)}


@pytest.mark.parametrize("refused", [["--experiments", "0"], ["--blocks", "1"]])
def test_numbers_with_which_nothing_can_be_judged_are_refused(refused: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        fleet.main(refused)
    assert ended.value.code == 2
    assert "give 1 experiment or more, and 2 blocks or more" in capsys.readouterr().err
