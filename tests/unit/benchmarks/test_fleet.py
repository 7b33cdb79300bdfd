"""Fleets of simulated hosts: through the lab's own loop, and by the thousand."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.statistics.inference import over_blocks
from benchmarks import fleet
from benchmarks.fleet import PAGE, Whole, experiment, render_noise, text_of
from benchmarks.fleet_experiment import (
    APIS,
    LOAD,
    FleetRun,
    cells_by_host,
    fleet_of,
    fleet_protocol,
    log_ratios_by_host,
    run_fleet,
)
from benchmarks.fleet_orders import fleet_orders, plan_for_host, random_of
from benchmarks.fleet_repetitions import PLACES, PLAIN, SLOWED, Judged, draw_orders, run_seconds, simulate_fleets
from benchmarks.fleet_tables import noises
from benchmarks.fleet_world import log_ratios, measure_fleets, world_of
from documents.report.numbers import CellNumbers
from documents.run.protocol import Plan
from tests.conftest import ROOT
from tests.run_folder import read_attempts, read_journal

pytestmark = pytest.mark.nightly

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


@pytest.mark.parametrize(("apis", "hosts", "rows"), [(4, 16, 4), (3, 12, 6), (2, 16, 2)])
def test_in_each_block_each_api_has_each_place_and_follows_each_other_equally_often(apis: int, hosts: int, rows: int):
    names = ("go", "kotlin", "rust", "zig")[:apis]
    orders = fleet_orders(names, hosts, rows + 1, random_of(1, LOAD.name), twin=False)
    for block in range(rows + 1):
        of_block = [host[block] for host in orders]
        places = Counter(placed for order in of_block for placed in enumerate(order))
        assert places == dict.fromkeys(product(range(apis), names), hosts / apis)
        successions = Counter(pair for order in of_block for pair in pairwise(order))
        others = [(before, after) for before, after in product(names, names) if before != after]
        assert successions == dict.fromkeys(others, hosts / apis)


# Through the loop


def test_each_host_measures_its_part_of_the_square(simulated: Simulated):
    orders = fleet_orders(APIS, HOSTS, BLOCKS, random_of(SEED, LOAD.name))
    for run, of_host in zip(simulated.whole.runs, orders, strict=True):
        measured = [cell.api for cell in plan_of(run).cells]
        assert measured == [api for order in of_host for api in order]
        assert [record.cell_id for record in read_attempts(run.folder)] == [cell.id for cell in plan_of(run).cells]


def plan_of(run: FleetRun) -> Plan:
    return Plan.from_json((run.folder / "plan.json").read_bytes(), name="plan.json")


def test_a_host_that_loses_its_connection_goes_on_and_loses_nothing(simulated: Simulated, tmp_path: Path):
    [host] = [number for number, run in enumerate(simulated.whole.runs) if run.resumed]
    run = simulated.whole.runs[host]
    entries = read_journal(run.folder)
    number = next(place for place, entry in enumerate(entries) if entry.event == "run-resumed")
    assert entries[number - 1].event == "cell-started", "it broke off within a cell"
    before = [entry.cell_id for entry in entries[:number] if entry.event == "cell-finished"]
    assert len(before) == CELLS // 2
    finished = [entry.cell_id for entry in entries if entry.event == "cell-finished"]
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


# By the thousand


@pytest.fixture(scope="module")
def orders() -> NDArray[np.intp]:
    return draw_orders(1500, HOSTS, 4, seed=1)


def test_blocks_over_hosts_are_falsely_different_in_5_of_100_whatever_the_hosts(orders: NDArray[np.intp]):
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


def test_the_error_has_the_bias_of_the_mean_as_well_as_its_scatter():
    means = over_blocks(np.array([[0.02, 0.04], [0.00, 0.02]]))
    assert Judged(means, truth=0.02).error == pytest.approx(0.01)
    assert Judged(means, truth=0.0).error == pytest.approx(math.sqrt((0.03**2 + 0.01**2) / 2))


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
