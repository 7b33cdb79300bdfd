"""The open loop's rates, numbers, tables and plots: each number was computed by hand."""

import hashlib
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analysis.cells.open_loop import (
    about_open_loop,
    common_rates,
    measure_open_loop,
    read_durations,
    summarise_open_loop,
)
from analysis.pages.markdown import render_markdown
from analysis.pages.open_loop import open_loop_plots, open_loop_tables
from analysis.raw.run import CellFiles, Run, read_run
from analysis.report.report import analyse
from documents.errors import AnalysisError
from documents.report.report import OpenLoopReport, Report
from documents.run.protocol import OpenLoop, Plan
from documents.run.records import CellRecord, Manifest, Void
from documents.run.window import (
    OpenLoopCell,
    OpenLoopErrors,
    OpenLoopHistogram,
    OpenLoopPlan,
    OpenLoopRate,
    OpenLoopResult,
)
from tests.unit.analysis.run_builder import GOLDEN_SCENARIOS, START_NS, Role, golden_run, samples_csv

WINDOW = GOLDEN_SCENARIOS[2].model_copy(update={"duration_seconds": 2})
RATES = (OpenLoopRate(share=0.5, rate=125), OpenLoopRate(share=0.9, rate=225))
SAMPLES = samples_csv(
    {
        "api": Role(0.5, lambda _: 30_000_000),
        "postgres": Role(0.25, lambda _: 200_000_000),
        "redis": Role(0.05, lambda _: 10_000_000),
        "generator": Role(0.4, lambda _: 5_000_000),
    },
    2,
)


def histogram(*pairs: tuple[int, int]) -> OpenLoopHistogram:
    return OpenLoopHistogram(
        count=sum(count for _, count in pairs),
        minimum_us=pairs[0][0] if pairs else 0,
        maximum_us=pairs[-1][0] if pairs else 0,
        histogram=pairs,
    )


def files_of(result_json: bytes, *, folder: str = "") -> CellFiles:
    return CellFiles(result_json=result_json, samples_csv=SAMPLES, generator_cpus=2, folder=folder)


def result_of(cell: OpenLoopCell, scale: int = 1) -> OpenLoopResult:
    """Of 100 requests 90 take 1 ms, 9 take 10 ms and one takes 100 ms, all `scale` times; they were sent 50 µs late."""
    requests = 2 * cell.rate
    tenth, hundredth = requests // 10 - requests // 100, requests // 100
    ordinary = requests - tenth - hundredth
    return OpenLoopResult(
        vegeta_version="v12.13.0",
        workload=cell.scenario.workload,
        connections=cell.scenario.connections,
        timeout_seconds=2,
        duration_seconds=2,
        rate=cell.rate,
        started_ns=START_NS,
        ended_ns=START_NS + 2_000_000_000,
        requests=requests,
        sent_in_window=requests,
        connections_opened=9,
        errors=OpenLoopErrors(timeout=0, other=0),
        first_error=None,
        statuses={"GET": {"200": requests}},
        latency=histogram((1_000 * scale, ordinary), (10_000 * scale, tenth), (100_000 * scale, hundredth)),
        lateness=histogram((50, requests)),
    )


def add_open_loop(directory: Path) -> tuple[OpenLoopCell, ...]:
    """Two blocks of both APIs at both rates. One cell is void, the last isn't finished; block 2 is 4x slower."""
    path = directory / "manifest.json"
    manifest = Manifest.from_json(path.read_text(), name="manifest.json")
    asked = OpenLoop(scenario="heavy", shares=(0.5, 0.9), seconds=2, blocks=2)
    protocol = manifest.protocol.model_copy(update={"open_loop": asked})
    path.write_text(manifest.model_copy(update={"protocol": protocol}).to_json())
    closed = Plan.from_json((directory / "plan.json").read_text(), name="plan.json").cells
    order = [(block, rate, api) for block in (1, 2) for rate in (125, 225) for api in ("go", "rust")]
    cells = tuple(
        OpenLoopCell(number=number, block=block, api=api, scenario=WINDOW, rate=rate)
        for number, (block, rate, api) in enumerate(order, start=len(closed) + 1)
    )
    plan = OpenLoopPlan(order_seed=7, slowest="rust", throughput=250.0, rates=RATES, cells=cells)
    (directory / "open-loop-plan.json").write_text(plan.to_json())
    for cell in cells[:-1]:
        void = (cell.api, cell.rate, cell.block) == ("go", 225, 1)
        write_cell(directory, cell, result_of(cell, 4 if cell.block == 2 else 1), void=void)
    return cells


def write_cell(directory: Path, cell: OpenLoopCell, result: OpenLoopResult, *, void: bool = False) -> None:
    folder = directory / "cells" / cell.id
    folder.mkdir(parents=True)
    files = {"open-loop.json": result.to_json().encode(), "samples.csv": SAMPLES}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    record = CellRecord(
        cell_id=cell.id,
        started_at=datetime(2026, 1, 31, 13, 0, 0, tzinfo=UTC),
        voids=(Void(reason="rate-missed", message="Too slow."),) if void else (),
        phases_seconds={"load": 2.0},
        load_started_ns=result.started_ns,
        load_ended_ns=result.ended_ns,
        pinning=(),
        files={name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    )
    (folder / "cell.json").write_text(record.to_json())


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    directory = golden_run(tmp_path_factory.mktemp("open") / "run")
    add_open_loop(directory)
    return analyse(read_run(directory))


@pytest.fixture
def cell() -> OpenLoopCell:
    return OpenLoopCell(number=1, block=1, api="go", scenario=WINDOW, rate=100)


def test_rates_are_shares_of_the_slowest_ones_geometric_mean_rounded_down():
    found = common_rates({"go": [[8_000], [2_000]], "rust": [[9_000]], "zig": []}, [0.5, 0.7, 0.9])
    assert found is not None
    assert (found.slowest, found.throughput) == ("go", pytest.approx(4_000))
    assert [(rate.share, rate.rate) for rate in found.rates] == [(0.5, 2_000), (0.7, 2_800), (0.9, 3_600)]


def test_a_block_with_both_cells_of_the_twin_counts_once():
    found = common_rates({"go": [[8_000, 2_000], [1_000]]}, [0.5])
    assert found is not None
    assert found.throughput == pytest.approx(2_000), "the geometric mean of 4,000 and 1,000"


@pytest.mark.parametrize(
    ("throughput", "rates"),
    [
        (12_345.6, [6_170, 8_640, 11_100]),
        (1_234.5, [617, 864, 1_110]),
        (100, [50, 70, 90]),
        (1.2, [1]),
    ],
)
def test_a_rate_has_three_digits_that_count_and_no_rate_comes_twice(throughput: float, rates: list[int]):
    found = common_rates({"go": [[throughput]]}, [0.5, 0.7, 0.9])
    assert found is not None
    assert [rate.rate for rate in found.rates] == rates


def test_a_share_that_floating_point_makes_a_little_less_loses_nothing():
    found = common_rates({"go": [[100.0]]}, [0.57])
    assert found is not None
    assert [rate.rate for rate in found.rates] == [57]


def test_a_cells_numbers(cell: OpenLoopCell):
    numbers = measure_open_loop(cell, files_of(result_of(cell).to_json().encode()))
    assert numbers.achieved_rate == 100
    latency = numbers.latency
    assert (latency.p50_us, latency.p90_us, latency.p99_us, latency.p999_us) == (1_000, 1_000, 10_000, 100_000)
    assert latency.mean_us == pytest.approx((90 * 1_000 + 9 * 10_000 + 100_000) / 100)
    assert numbers.lateness_p99_us == 50
    assert numbers.usage["api"].cpu_cores == pytest.approx(0.5)
    assert numbers.connections_opened == 9
    assert numbers.generator_saturation == pytest.approx(0.2)
    assert (numbers.attempt, numbers.watch) == (1, None)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"workload": "login"}, "is of the workload login at 100 requests/s"),
        ({"connections": 51}, "over 51 connections"),
        ({"sent_in_window": 201}, "201 requests were sent in the window, and only 200 in all"),
        ({"requests": 201}, "201 requests were sent, and fewer were due"),
        ({"requests": 199, "sent_in_window": 199}, "of 199 requests 0 weren't answered, but it holds 200 latencies"),
        ({"errors": OpenLoopErrors(timeout=0, other=1)}, "of 200 requests 1 weren't answered"),
        ({"ended_ns": START_NS}, "it ended at"),
        ({"latency": histogram((2, 100), (1, 100))}, "durations must rise"),
        ({"latency": histogram((1, 201), (2, -1))}, "counts be above 0"),
        ({"latency": OpenLoopHistogram(count=9, minimum_us=1, maximum_us=1, histogram=((1, 200),))}, "holds 200"),
        (
            {"latency": OpenLoopHistogram(count=200, minimum_us=1, maximum_us=2, histogram=((1, 200),))},
            "minimum and maximum",
        ),
        ({"lateness": OpenLoopHistogram(count=1, minimum_us=0, maximum_us=0, histogram=((2**63, 1),))}, "64 bits"),
        ({"lateness": histogram((1, 100))}, "100 times of sending"),
    ],
)
def test_a_result_that_the_tool_cannot_have_written_is_refused(
    cell: OpenLoopCell, changes: dict[str, object], said: str
):
    data = result_of(cell).model_copy(update=changes).to_json().encode()
    with pytest.raises(AnalysisError, match=r"^cells/x/open-loop\.json") as refused:
        measure_open_loop(cell, files_of(data, folder="cells/x/"))
    assert said in str(refused.value)


def test_a_window_without_an_answer_has_no_numbers(cell: OpenLoopCell):
    unanswered = {"latency": histogram(), "errors": OpenLoopErrors(timeout=200, other=0)}
    nothing = result_of(cell).model_copy(update=unanswered)
    with pytest.raises(AnalysisError, match="has no latency of any answer"):
        measure_open_loop(cell, files_of(nothing.to_json().encode()))
    assert read_durations(nothing.latency, name="x").count == 0


def test_the_report_has_each_api_at_each_rate(report: Report):
    found = report.open_loop
    assert found is not None
    assert (found.slowest, found.throughput, found.rates, found.blocks) == ("rust", 250.0, RATES, 2)
    assert [(s.api, s.rate, s.cells, s.void_cells, s.unfinished_cells) for s in found.summaries] == [
        ("go", 125, 2, 0, 0),
        ("rust", 125, 2, 0, 0),
        ("go", 225, 1, 1, 0),
        ("rust", 225, 1, 0, 1),
    ]
    measured = found.summaries[0].measured
    assert measured is not None
    # The geometric mean of 1 and 4 ms is 2; t(0.975, 1) = 12.706, and log 4 / 2 is both standard deviation/√2 and half.
    assert measured.p50_us.value == pytest.approx(2_000)
    assert measured.p50_us.low == pytest.approx(2_000 / 4 ** (12.7062047 / 2), rel=1e-6)
    assert measured.p999_us.value == pytest.approx(200_000)
    assert measured.achieved_rate.value == pytest.approx(125)
    assert measured.cpu_cores["api"].value == pytest.approx(0.5)
    single = found.summaries[2].measured
    assert single is not None
    # Its only valid cell is that of block 2.
    assert (single.p50_us.value, single.p50_us.low) == (pytest.approx(4_000), None)


def test_a_rate_at_which_no_cell_of_an_api_is_planned_has_no_numbers(golden_directory: Path):
    cells = add_open_loop(golden_directory)
    path = golden_directory / "open-loop-plan.json"
    plan = OpenLoopPlan.from_json(path.read_text(), name=path.name)
    path.write_text(plan.model_copy(update={"cells": cells[:2]}).to_json())
    for cell in cells[2:-1]:
        shutil.rmtree(golden_directory / "cells" / cell.id)
    found = analyse(read_run(golden_directory)).open_loop
    assert found is not None
    assert [(summary.rate, summary.cells) for summary in found.summaries] == [(125, 1), (125, 1), (225, 0), (225, 0)]


def test_void_and_unfinished_cells_are_reported_with_the_others(report: Report):
    assert "021-go-heavy-at-225" in {cell.cell_id for cell in report.void_cells}
    assert "026-rust-heavy-at-225" in report.unfinished_cells
    assert any("2 of 26 cells are still to be measured" in caveat for caveat in report.caveats)
    text = render_markdown(report)
    assert "22 of 26 cells valid" in text


def test_connections_that_the_api_closed_are_reported_by_api(tmp_path: Path):
    """Go's client sends a request again without a word, so an API that cuts connections would pass unseen."""
    run, found = run_and_open_loop(tmp_path)
    first, *others = found.cells
    reopened = first.model_copy(update={"connections_opened": found.scenario.connections + 1})
    [said] = about_open_loop(run, found.model_copy(update={"cells": (reopened, *others)}))
    assert said.startswith("Connections were closed in 1 of the open loop's 6 valid cells.")
    assert "1 of go" in said


def test_a_share_without_a_rate_of_its_own_is_reported(tmp_path: Path):
    run, found = run_and_open_loop(tmp_path)
    [said] = about_open_loop(run, found.model_copy(update={"rates": RATES[:1]}))
    assert said.startswith("The open loop has 1 rate for 2 shares.")


def run_and_open_loop(folder: Path) -> tuple[Run, OpenLoopReport]:
    """Of one of which nothing has to be said: with as many connections and requests as there may and must be."""
    directory = golden_run(folder / "run")
    add_open_loop(directory)
    run = read_run(directory)
    found = summarise_open_loop(run)
    assert found is not None
    scenario = found.scenario.model_copy(update={"duration_seconds": 8})
    cells = tuple(cell.model_copy(update={"connections_opened": scenario.connections}) for cell in found.cells)
    sound = found.model_copy(update={"scenario": scenario, "cells": cells})
    assert list(about_open_loop(run, sound)) == []
    return run, sound


def test_a_run_without_an_open_loop_has_neither(golden_report: Report, compared_page: str):
    assert golden_report.open_loop is None
    assert open_loop_tables(golden_report) == ()
    assert open_loop_plots(golden_report).plots == ()
    assert "pen loop" not in compared_page


def test_the_lines_of_ten_apis_are_inside_their_panel(report: Report):
    first, *_ = report.apis
    names = [f"api-{number}" for number in range(10)]
    assert report.open_loop is not None
    of_first = [summary for summary in report.open_loop.summaries if summary.api == first.name]
    summaries = tuple(summary.model_copy(update={"api": name}) for name in names for summary in of_first)
    apis = tuple(first.model_copy(update={"name": name}) for name in names)
    open_loop = report.open_loop.model_copy(update={"summaries": summaries})
    for plot in open_loop_plots(report.model_copy(update={"apis": apis, "open_loop": open_loop})).plots:
        frame = re.search(r'<clipPath [^>]*>\s*<rect x="([0-9.]+)" [^>]*width="([0-9.]+)"', plot.svg)
        assert frame is not None
        left, width = map(float, frame.groups())
        marked = re.findall(r'<g clip-path="[^"]*">\s*((?:<use [^>]*/>\s*)+)</g>', plot.svg)
        places = [float(place) for marks in marked for place in re.findall(r' x="([0-9.]+)"', marks)]
        assert len(places) >= len(names) * len(RATES)
        assert left <= min(places) <= max(places) <= left + width


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("rate", "has the cell .*, but the run has no such API, rate and scenario"),
        ("twice", "has two cells of one id"),
        ("protocol", "the protocol in manifest.json has no open loop"),
        ("gone", r"but isn't in plan\.json or open-loop-plan\.json"),
    ],
)
def test_plans_that_contradict_each_other_are_refused(golden_directory: Path, damage: str, said: str):
    cells = add_open_loop(golden_directory)
    path = golden_directory / "open-loop-plan.json"
    plan = OpenLoopPlan.from_json(path.read_text(), name=path.name)
    match damage:
        case "rate":
            path.write_text(plan.model_copy(update={"rates": RATES[:1]}).to_json())
        case "twice":
            path.write_text(plan.model_copy(update={"cells": (*cells, cells[0])}).to_json())
        case "protocol":
            manifest_path = golden_directory / "manifest.json"
            manifest = Manifest.from_json(manifest_path.read_text(), name="manifest.json")
            without = manifest.protocol.model_copy(update={"open_loop": None})
            manifest_path.write_text(manifest.model_copy(update={"protocol": without}).to_json())
        case _:
            path.unlink()
    with pytest.raises(AnalysisError, match=said):
        analyse(read_run(golden_directory))
