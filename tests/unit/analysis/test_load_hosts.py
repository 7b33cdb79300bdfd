"""A run from load hosts: its numbers, what is made of clocks and network, and what its pages say."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.claims.claim import unlike_host
from analysis.pages.html import render_html
from analysis.pages.markdown import render_markdown
from analysis.pages.run import load_host_table, watch_table
from analysis.pages.terminal import terminal_tables
from analysis.raw import load_hosts
from analysis.raw.load_hosts import (
    LoadFiles,
    LoadHostFiles,
    MeasuredLoadHosts,
    measure_load_hosts,
    merge,
)
from analysis.raw.run import read_run
from analysis.report.caveats import grade_of
from analysis.report.report import analyse
from documents.errors import AnalysisError, DocumentError
from documents.report.report import Report
from documents.run.protocol import Cell
from documents.run.records import Bandwidth, LoadHostLook, LoadHostRecord, Network, VoidReason
from documents.run.window import OpenLoopResult, WrkResult
from experiment.voids import load_host_voids
from tests.unit.analysis.load_host_builder import (
    CORES,
    NETWORK,
    OFFSET_NS,
    SECOND_NS,
    clocks,
    load_host_run,
    parts_of,
    rewrite,
    samples_of,
    ticks_on_load_host,
    with_load_hosts,
)
from tests.unit.analysis.run_builder import CONTROLLED, GOLDEN_SCENARIOS, START_NS, golden_run
from tests.unit.analysis.test_merging import open_loop
from tests.unit.analysis.watch_builder import Happening
from tests.unit.documents.samples import IDENTITY, INVENTORY
from tests.unit.experiment.test_disturbances import QUIET

MILLISECOND_NS = 1_000_000


def report_of(directory: Path, **options: object) -> Report:
    load_host_run(directory, **options)  # pyright: ignore[reportArgumentType]
    return analyse(read_run(directory))


def caveats(report: Report) -> str:
    return "\n".join(report.caveats)


def test_one_load_host_gives_the_numbers_of_its_generator_and_of_the_labs_host(tmp_path: Path):
    report = report_of(tmp_path)
    [cell, _] = report.cells
    assert (cell.requests, cell.throughput) == (1_000, pytest.approx(1_000))
    assert cell.littles_law == pytest.approx(0.5)
    assert cell.usage["api"].cpu_cores == pytest.approx(1.5)
    assert cell.usage["generator"].cpu_cores == pytest.approx(1.0)
    # Its wrk has one thread, which fills one CPU.
    assert cell.generator_saturation == pytest.approx(1.0)
    assert cell.watch is not None
    assert cell.watch.generator_busy == pytest.approx((0.5, 0.5), abs=0.01)
    assert set(cell.watch.busy) == set(range(8)), "those of the lab's host"
    found = cell.load_hosts
    assert found is not None
    # 200,000 bytes in a second are 1.6 Mbit/s, of 8 Gbit/s.
    assert found.network_share == pytest.approx(0.0002)
    assert (found.start_skew_seconds, found.apart) == (0, 0)
    assert found.clock_error_seconds == pytest.approx(10e-6)


def test_a_report_without_load_hosts_says_nothing_of_them(tmp_path: Path):
    report = analyse(read_run(golden_run(tmp_path)))
    assert "load_host" not in report.to_json()
    assert "generator_busy" not in report.to_json()
    assert load_host_table(report).rows == ()


def test_two_load_hosts_are_one_generator_and_the_busiest_of_them_counts(tmp_path: Path):
    report = report_of(tmp_path, count=2, cell_clocks=clocks(2, late_ns=(0, 50 * MILLISECOND_NS)))
    [cell, _] = report.cells
    assert (cell.requests, cell.throughput) == (2_000, pytest.approx(2_000 / 1.05))
    assert cell.usage["generator"].cpu_cores == pytest.approx(1.5)
    assert cell.generator_saturation == pytest.approx(1.0)
    found = cell.load_hosts
    assert found is not None
    assert found.start_skew_seconds == pytest.approx(0.05)
    assert found.apart == pytest.approx(0.1 / 1.05, rel=1e-6)
    assert found.clock_error_seconds == pytest.approx(20e-6)
    assert found.network_share == pytest.approx(0.0004)
    assert "Not all generators ran all the time in 2 cells (up to 9.5% missing)." in "\n".join(report.caveats)


def test_what_is_no_merge_of_its_parts_is_refused(tmp_path: Path):
    [cell, _] = load_host_run(tmp_path, count=2)
    part = parts_of(cell, 2)[0]
    rewrite(tmp_path, cell, "generator-2.wrk.json", part.model_copy(update={"bytes": 7}).to_json().encode())
    with pytest.raises(AnalysisError, match="differs from the merged results of the load hosts beside it"):
        analyse(read_run(tmp_path))


@pytest.mark.parametrize("member", ["connections", "threads", "elapsed_us"])
def test_a_result_that_wrk_cannot_have_written_is_refused(tmp_path: Path, member: str):
    [cell, _] = load_host_run(tmp_path, count=2)
    part = parts_of(cell, 2)[0].model_copy(update={member: 0})
    rewrite(tmp_path, cell, "generator-2.wrk.json", part.to_json().encode())
    with pytest.raises(DocumentError, match=rf"generator-2\.wrk\.json is not a valid WrkResult document: {member}"):
        analyse(read_run(tmp_path))


def attacks(rate: int, *, late_ns: int = 0) -> list[OpenLoopResult]:
    """What two generators wrote that took turns for a second, by their own clocks; `late_ns` is the second one's."""

    def attack(own_rate: int, begins_ns: int) -> OpenLoopResult:
        own = open_loop([500] * own_rate, failed=0, rate=own_rate)
        return own.model_copy(update={"started_ns": begins_ns, "ended_ns": begins_ns + SECOND_NS})

    first_ns = START_NS - OFFSET_NS
    return [attack(rate // 2, first_ns), attack(rate // 2, first_ns + SECOND_NS // rate + late_ns)]


def files_of(parts: Sequence[WrkResult | OpenLoopResult], records: Sequence[LoadHostRecord] = ()) -> LoadFiles:
    its_ticks = ticks_on_load_host(Happening(own={"generator": 1.0}))
    return LoadFiles(
        clocks_json=clocks(2).to_json().encode(),
        hosts=tuple(
            LoadHostFiles(part.to_json().encode(), samples_of(number), its_ticks, cpus=(6, 7))
            for number, part in enumerate(parts, start=1)
        ),
        records=tuple(records),
    )


def seen_in_open_loop(parts: list[OpenLoopResult]) -> MeasuredLoadHosts:
    files = files_of(parts)
    with pytest.raises(AnalysisError, match=r"open-loop\.json differs from the merged results of the load hosts"):
        measure_load_hosts(files, parts[0], folder="")
    return measure_load_hosts(files, merge(parts, clocks(2)), folder="")


def test_an_open_loops_generators_fill_their_cpus_and_count_no_bytes():
    seen = seen_in_open_loop(attacks(500))
    assert seen.usage.cpu_cores == pytest.approx(1.5)
    assert seen.saturation == pytest.approx(0.5), "the first one's core, of two CPUs"
    assert seen.watches[0].generator_waited is None
    assert seen.numbers.network_share is None


@pytest.mark.parametrize("rate", [6, 500])
def test_a_generator_whose_turn_it_is_is_not_late(rate: int):
    """At 6 requests a second, the second generator begins a sixth of a second after the first."""
    numbers = seen_in_open_loop(attacks(rate)).numbers
    assert (numbers.start_skew_seconds, numbers.apart) == (pytest.approx(0, abs=1e-6), pytest.approx(0, abs=1e-6))
    late = seen_in_open_loop(attacks(rate, late_ns=50 * MILLISECOND_NS)).numbers
    assert late.start_skew_seconds == pytest.approx(0.05)


def test_of_several_load_hosts_the_worst_counts_and_their_memory_is_added_up():
    seen = seen_in_open_loop(attacks(500))
    quiet = seen.watches[0]
    loud = replace(quiet, steal=0.3, others=0.4, throttled={"/quota": 0.5}, generator_waited=0.6, busy=(0.7, 0.8))
    for watches in ((quiet, loud), (loud, quiet)):
        found = load_hosts.with_load_hosts(QUIET, replace(seen, watches=watches))
        assert (found.steal["generator"], found.others["generator"], found.generator_waited) == (0.3, 0.4, 0.6)
        assert sorted(found.generator_busy) == pytest.approx([0.5, 0.5, 0.7, 0.8], abs=0.01)
        assert found.throttled == {f"/quota of load host {watches.index(loud) + 1}": 0.5}
        assert found.busy == QUIET.busy
    assert (seen.usage.memory_peak_bytes, seen.usage.memory_mean_bytes) == (10_000_000, 10_000_000)


@pytest.mark.parametrize(("slow", "share"), [((1.6e6, 8e9), 1.0), ((8e9, 1.6e6), 1.0), ((1.6e9, 3.2e9), 0.001)])
def test_the_fullest_way_counts_or_all_that_the_labs_host_sends(slow: tuple[float, float], share: float):
    """Each carries 1.6 Mbit/s."""
    cell = Cell(number=1, block=1, api="go", scenario=GOLDEN_SCENARIOS[0])
    parts = parts_of(cell, 2)
    networks = [
        NETWORK.model_copy(update={"bandwidth": Bandwidth(tool="iperf 3", seconds=2, to_apis=1, from_apis=from_apis)})
        for from_apis in slow
    ]
    records = [LoadHostRecord(before=LoadHostLook(identity=IDENTITY, network=network)) for network in networks]
    seen = measure_load_hosts(files_of(parts, records), merge(parts, clocks(2)), folder="")
    assert seen.numbers.network_share == pytest.approx(share)


def test_a_run_whose_records_have_another_number_of_load_hosts_is_refused(tmp_path: Path):
    load_host_run(tmp_path, count=2)
    one = tmp_path / "one"
    load_host_run(one)
    (one / "host.json").write_bytes((tmp_path / "host.json").read_bytes())
    with pytest.raises(AnalysisError, match=r"host\.json has 2 load hosts, and manifest\.json of 1"):
        analyse(read_run(one))


@pytest.mark.parametrize(
    ("reason", "options"),
    [
        ("generators-apart", {"count": 2, "cell_clocks": clocks(2, late_ns=(0, 120 * MILLISECOND_NS))}),
        ("clock-unsure", {"cell_clocks": clocks(1, delay_ns=21 * MILLISECOND_NS)}),
        (
            "network-saturated",
            {
                "network": NETWORK.model_copy(
                    update={"bandwidth": Bandwidth(tool="iperf 3", seconds=2, to_apis=9e9, from_apis=1.9e6)}
                )
            },
        ),
        ("steal", {"happening": Happening(own={"generator": 0.5}, stolen={6: 0.2, 7: 0.2})}),
        ("generator-saturated", {"happening": Happening(own={"generator": 0.5}, others={6: 0.5, 7: 0.5})}),
        ("throttled", {"happening": Happening(own={"generator": 0.5}, throttled={"/sys/fs/cgroup/cpu/docker": 0.1})}),
    ],
)
def test_each_fault_of_load_hosts_voids_a_cell_by_its_name(
    tmp_path: Path, reason: VoidReason, options: dict[str, object]
):
    report = report_of(tmp_path, **options)
    assert [void.reason for void in load_host_voids(report.cells[0])] == [reason]


def test_quiet_load_hosts_void_nothing(tmp_path: Path):
    report = report_of(tmp_path, count=2)
    assert [load_host_voids(cell) for cell in report.cells] == [[], []]


def test_what_differs_and_what_changed_is_said_and_nothing_of_a_quiet_run(tmp_path: Path):
    quiet = caveats(report_of(tmp_path / "quiet"))
    assert "oad host" not in quiet
    assert "network" not in quiet
    slower = NETWORK.model_copy(update={"round_trips": replace_median(NETWORK, 60.0).round_trips})
    said = caveats(report_of(tmp_path / "other", identity={"kernel": "6.6"}, after=slower))
    assert (
        "Load host 1 isn't set up like the lab's host. What differs: kernel: 6.1.0, and 6.6 of the load host." in said
    )
    assert "The network to load host 1 changed during the run. What changed: the median round trip in µs was 30" in said
    changed = {"identity": {"kernel": "6.6"}, "after_identity": {"kernel": "6.7"}}
    said = caveats(report_of(tmp_path / "changed", **changed))
    assert "Load host 1 changed during the run. What changed: kernel was 6.6 and is 6.7. These numbers mix" in said
    slower = NETWORK.model_copy(update={"bandwidth": Bandwidth(tool="iperf 3", seconds=2, to_apis=6e9, from_apis=8e9)})
    said = caveats(report_of(tmp_path / "narrower", after=slower))
    assert "changed during the run. What changed: Mbit/s to the APIs was 9,000 and is 6,000." in said
    without = NETWORK.model_copy(update={"bandwidth": None})
    assert "bandwidth to load host 1 wasn't measured" in caveats(report_of(tmp_path / "without", network=without))
    far = replace_median(NETWORK, 2_600.0)
    said = caveats(report_of(tmp_path / "far", network=far))
    assert "The network is more than 50% of the median latency in 1 of 1 result." in said
    assert (
        "median round trip of 2600 µs is part of every latency, and only the rest is the API's: go at light (52%)"
        in said
    )


def replace_median(network: Network, median_us: float) -> Network:
    round_trips = network.round_trips.model_copy(update={"median_us": median_us})
    return network.model_copy(update={"round_trips": round_trips})


def test_the_pages_show_hosts_network_and_clocks(tmp_path: Path):
    report = report_of(tmp_path, count=2)
    assert report.grade == "full"
    for text in (render_markdown(report), render_html(report)):
        for shown in ("Load host 2", "Round trip, median, µs", "30 → 30", "8,000 → 8,000", "-1.500 ± 0.010"):
            assert shown in text
    shown = {row[0].value: row[1].value for row in load_host_table(report).rows}
    assert shown["Round trip, least, µs"] == "20 → 20"
    assert shown["Round trip, p99, µs"] == "90 → 90"
    # Ten connections, of which each load host has half; a request takes 30 µs.
    assert shown["Most requests/s of its 5 connections"] == "166,667 → 166,667"
    assert shown["Bandwidth to the APIs, Mbit/s"] == "9,000 → 9,000"
    assert shown["Bandwidth from the APIs, Mbit/s"] == "8,000 → 8,000"
    watched = watch_table(report)
    busy = [column.title for column in watched.columns].index("Generator's CPUs")
    assert watched.rows[0][busy].value == "50%, 50%, 50%, 50%"
    # 3.2 Mbit/s of 8 Gbit/s.
    assert shown["Share of the bandwidth that answers took, at most"] == "0.0%"
    assert any(table.title == "The load hosts" for table in terminal_tables(report))


def test_two_loads_of_as_many_connections_are_one_row_of_the_load_hosts(tmp_path: Path):
    report = report_of(tmp_path, count=2)
    again = report.scenarios[0].model_copy(update={"name": "again"})
    table = load_host_table(report.model_copy(update={"scenarios": (*report.scenarios, again)}))
    assert table.rows == load_host_table(report).rows


def test_a_generator_on_another_host_shares_no_core():
    shared = CORES.model_copy(update={"redis": (4,), "shared": True})
    inventory = with_load_hosts(INVENTORY)
    assert grade_of(inventory, CONTROLLED, ()) == "full"
    assert grade_of(inventory.model_copy(update={"cores": shared}), CONTROLLED, ()) == "smaller"
    assert unlike_host(inventory.size, shared, generator_shares=False) == ["roles share CPUs"]
    [load_host] = inventory.load_hosts
    container = load_host.model_copy(update={"host": load_host.host.model_copy(update={"kind": "container"})})
    beside = inventory.model_copy(update={"load_hosts": (container,)})
    assert grade_of(beside, CONTROLLED, ()) == "shared", "containers on one machine that have the same CPUs"
    shares = beside.generator_shares(beside.cores)
    assert unlike_host(beside.size, beside.cores, generator_shares=shares) == [
        "the load generator shares CPUs with what it measures"
    ]
    apart = beside.size.model_copy(update={"cpus": tuple(range(8, 16))})
    assert grade_of(beside.model_copy(update={"size": apart}), CONTROLLED, ()) == "full"
    lost = (*CONTROLLED, CONTROLLED[0].model_copy(update={"name": "turbo of load host 1", "state": "only-read"}))
    assert grade_of(inventory, lost, ()) == "partly-controlled"
