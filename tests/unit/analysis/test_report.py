"""The report of a run with known content: each number was computed by hand."""

import json
import shutil
from hashlib import sha256
from pathlib import Path

import pytest

from analysis.pages.html import render_html
from analysis.pages.markdown import render_markdown
from analysis.pages.table import summary_table
from analysis.raw.recordings import SAMPLED_ROLES, Window
from analysis.raw.run import read_run
from analysis.report.report import analyse
from documents.errors import AnalysisError, DocumentError
from documents.lab.host import CoreLayout
from documents.report.numbers import CellNumbers, Estimate, ScenarioSummary
from documents.report.report import Grade, Report
from documents.run.protocol import Scenario
from documents.run.records import CellRecord, HostRecord, KnobRecord, Manifest, Void, VoidReason
from documents.run.window import SAMPLE_COLUMNS
from tests.unit.analysis.run_builder import (
    CONTROLLED,
    EIGHT_CORES,
    GOLDEN_RAW,
    START_NS,
    TICK_NS,
    TWO_CORES,
    Role,
    samples_csv,
    write_cell,
    write_run,
    wrk_result,
)
from tests.unit.analysis.watch_builder import Happening, watch_files


def summary_of(report: Report, api: str, scenario: str) -> ScenarioSummary:
    (found,) = [s for s in report.summaries if (s.api, s.scenario) == (api, scenario)]
    return found


def cell_of(report: Report, api: str, scenario: str, block: int) -> CellNumbers:
    (found,) = [c for c in report.cells if (c.api, c.scenario, c.block) == (api, scenario, block)]
    return found


def caveat(report: Report, beginning: str) -> str:
    (found,) = [text for text in report.caveats if text.startswith(beginning)]
    return found


def numbers(estimate: Estimate) -> tuple[float, float | None, float | None, int]:
    return estimate.value, estimate.low, estimate.high, estimate.count


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_cells_numbers(golden_report: Report):
    """1,000 responses in 2 s over 10 connections: e = 2,000,000 // 100 = 20,000 µs, so 70 ms adds at 50 and 30 ms."""
    cell = cell_of(golden_report, "go", "light", 2)
    assert cell.throughput == 500
    assert cell.raw.mean_us == pytest.approx((990 * 10_000 + 9 * 15_000 + 70_000) / 1000)
    assert (cell.raw.p50_us, cell.raw.p90_us, cell.raw.p99_us, cell.raw.p999_us) == (10_000, 10_000, 10_000, 15_000)
    assert cell.corrected.mean_us == pytest.approx((10_105_000 + 50_000 + 30_000) / 1002)
    assert (cell.corrected.p50_us, cell.corrected.p99_us, cell.corrected.p999_us) == (10_000, 15_000, 50_000)
    assert cell.littles_law == pytest.approx(500 * 0.010105 / 10)
    assert cell.generator_saturation == pytest.approx(0.4)
    assert cell.usage["api"].cpu_cores == pytest.approx(1.5)
    assert cell.usage["api"].memory_mean_bytes == 110_000_000
    assert cell.usage["api"].memory_peak_bytes == 120_000_000
    assert cell.usage["api"].page_cache_mean_bytes == 8_000_000
    assert cell.usage["postgres"].cpu_cores == pytest.approx(0.25)


def test_throughput_over_three_blocks(golden_report: Report):
    """1000, 500, 250: geometric mean 500, log SD ln 2; t(0.975, 2) = 4.302653, half width 4.302653·ln 2/√3."""
    measured = summary_of(golden_report, "go", "light").measured
    assert measured is not None
    assert numbers(measured.throughput) == pytest.approx((500, 89.3655, 2797.50, 3), rel=1e-5)


def test_corrected_percentiles_over_three_blocks(golden_report: Report):
    """p99 is 15, 15 and 10 ms, p99.9 60, 50 and 15 ms, because e is 10, 20 and 40 ms."""
    measured = summary_of(golden_report, "go", "light").measured
    assert measured is not None
    assert measured.corrected.p99_us.value == pytest.approx((15_000 * 15_000 * 10_000) ** (1 / 3))
    assert measured.corrected.p999_us.value == pytest.approx((60_000 * 50_000 * 15_000) ** (1 / 3))
    assert measured.raw.p99_us.value == pytest.approx(10_000)
    assert measured.raw.p999_us.value == pytest.approx(15_000)


def test_void_and_unfinished_cells_are_left_out_and_reported(golden_report: Report):
    go, rust = summary_of(golden_report, "go", "heavy"), summary_of(golden_report, "rust", "heavy")
    assert (go.cells, go.void_cells, go.unfinished_cells, go.errors) == (2, 1, 0, 7)
    assert (rust.cells, rust.void_cells, rust.unfinished_cells, rust.errors) == (2, 0, 1, 0)
    assert go.measured is not None
    assert rust.measured is not None
    assert go.measured.throughput.value == pytest.approx((1000 * 250) ** 0.5)
    assert rust.measured.throughput.value == pytest.approx((1000 * 500) ** 0.5)
    assert len(golden_report.cells) == 16
    assert [cell.cell_id for cell in golden_report.void_cells] == ["011-go-heavy"]
    assert golden_report.void_cells[0].voids[0].message == "wrk counted 7 errors in 1,000 requests."
    assert golden_report.unfinished_cells == ("018-rust-heavy",)
    assert caveat(golden_report, "1 of 18 cells is void").endswith("under “Void cells”.")
    assert [(short.block, short.lacking) for short in golden_report.short_blocks] == [(2, ("011-go-heavy",))]
    assert caveat(golden_report, "The run isn't finished: 1 of 18 cells is still to be measured.")


def test_the_series_follow_the_load_window(golden_report: Report):
    series = summary_of(golden_report, "go", "light").series
    assert series is not None
    mean_seconds = (1 + 2 + 4) / 3
    assert series.step_seconds == pytest.approx(mean_seconds / 4)
    assert series.cpu_cores == pytest.approx((1.5,) * 4)
    assert series.memory_bytes == pytest.approx(
        tuple(100e6 + 10e6 * mean_seconds * (step + 0.5) / 4 for step in range(4))
    )


def test_what_wrk_does_before_and_after_its_load_is_in_no_mean(tmp_path: Path):
    """The load lasts 2 s. For a second before and after it, nothing but the generator works, and memory is 9 MB."""
    scenario = Scenario(name="light", workload="mixed", connections=10, duration_seconds=2)
    (cell,) = write_run(tmp_path / "run", apis=("go",), scenarios=(scenario,), blocks=1)
    lines = [",".join(SAMPLE_COLUMNS)]
    for tick in range(-10, 31):
        under_load = min(max(tick, 0), 20) * TICK_NS
        memory = 50_000_000 if 0 <= tick <= 20 else 9_000_000
        used = {"api": under_load, "postgres": under_load, "redis": under_load, "generator": (tick + 10) * TICK_NS}
        lines += [f"{START_NS + tick * TICK_NS},{role},{cpu_ns},{memory},0" for role, cpu_ns in used.items()]
    samples = ("\n".join(lines) + "\n").encode()
    write_cell(tmp_path / "run", cell, wrk_result(cell, GOLDEN_RAW, 2_000_000), samples)
    report = analyse(read_run(tmp_path / "run"))
    usage = report.cells[0].usage
    assert usage["api"].cpu_cores == pytest.approx(1)
    assert usage["api"].memory_mean_bytes == 50_000_000
    series = summary_of(report, "go", "light").series
    assert series is not None
    assert series.step_seconds == pytest.approx(0.5)
    assert series.cpu_cores == pytest.approx((1,) * 4)
    assert series.memory_bytes == pytest.approx((50e6,) * 4)


def test_a_small_shared_host_is_graded_and_reported(golden_report: Report):
    assert golden_report.grade == "shared"
    assert "2 cores and 4 GiB" in caveat(golden_report, "This host is smaller than the article's")
    assert caveat(golden_report, "The load generator shares CPUs with what it measures.")
    assert golden_report.article_note.startswith("The article's numbers aren't comparable")


def test_the_articles_numbers_stand_beside_ours(golden_report: Report):
    found = {(row.api, row.scenario, row.measure): row for row in golden_report.article}
    assert len(found) == 20
    assert found["kotlin", "heavy", "p99"].published == 89_200
    assert found["kotlin", "heavy", "p99"].measured is None
    assert found["rust", "light", "throughput"].published == 55_000
    assert found["go", "heavy", "memory_mean"].published == 140e6
    assert found["go", "heavy", "p99"].published == 12_000
    ours = found["go", "light", "throughput"].measured
    assert ours is not None
    assert ours.value == pytest.approx(500)


def test_a_full_host_has_no_caveat(tmp_path: Path):
    directory = tmp_path / "run"
    heavy = Scenario(name="heavy", workload="mixed", connections=500, duration_seconds=120)
    cells = write_run(directory, apis=("go",), scenarios=(heavy,), blocks=2, cores=EIGHT_CORES, memory_bytes=16 * 2**30)
    steady = Role(0.5, lambda _: 7_000_000)
    samples = samples_csv({"api": steady, "postgres": steady, "redis": steady, "generator": steady}, 120)
    window = Window(START_NS, START_NS + 120_000_000_000)
    quiet = Happening(own=dict.fromkeys(SAMPLED_ROLES, 0.5), connections=500)
    watch = watch_files(EIGHT_CORES, window, quiet)
    for cell in cells:
        result = wrk_result(cell, [(12_000, 5_000_000)], 120_000_000, threads=2)
        write_cell(directory, cell, result, samples, watch=watch)
    report = analyse(read_run(directory))
    assert report.caveats == ()
    assert report.grade == "full"
    assert report.cells[0].generator_saturation == pytest.approx(0.25)
    assert report.cells[0].littles_law == pytest.approx(1.0)
    assert report.article_note.startswith("The article names neither its CPU model")


def watched_run(directory: Path, *happenings: Happening, spin_changes: tuple[float, ...] = ()) -> Report:
    """A cell of one API for each happening, on eight cores."""
    scenario = Scenario(name="light", workload="mixed", connections=10, duration_seconds=2)
    cells = write_run(directory, apis=("go",), scenarios=(scenario,), blocks=len(happenings), cores=EIGHT_CORES)
    steady = Role(0.5, lambda _: 7_000_000)
    samples = samples_csv(dict.fromkeys(SAMPLED_ROLES, steady), 2)
    window = Window(START_NS, START_NS + 2_000_000_000)
    for index, (cell, happening) in enumerate(zip(cells, happenings, strict=True)):
        change = spin_changes[index] if spin_changes else 0.0
        watch = watch_files(EIGHT_CORES, window, happening, spin_change=change)
        write_cell(directory, cell, wrk_result(cell, [(10_000, 2_000)], 2_000_000), samples, watch=watch)
    return analyse(read_run(directory))


def test_a_generator_that_waited_and_a_cpu_that_was_slow_are_caveats(tmp_path: Path):
    quiet = Happening(own=dict.fromkeys(SAMPLED_ROLES, 0.5))
    waiting = Happening(own=quiet.own, waited=0.6)
    report = watched_run(tmp_path / "run", quiet, quiet, waiting, spin_changes=(0.0, 0.0, 0.6))
    assert "in 1 cell (up to 60% of the load)" in caveat(report, "The load generator waited for a CPU")
    slow = caveat(report, "The API's CPUs were more than 20% off their usual speed in 1 cell.")
    assert slow.endswith("The cells: 003-go-light.")


def test_a_cell_that_lost_one_of_the_watchs_files_is_refused(tmp_path: Path):
    directory = tmp_path / "run"
    watched_run(directory, Happening(own=dict.fromkeys(SAMPLED_ROLES, 0.5)))
    path = directory / "cells" / "001-go-light" / "cell.json"
    record = json.loads(path.read_text())
    del record["files"]["ticks.jsonl"]
    path.write_text(json.dumps(record))
    with pytest.raises(AnalysisError, match=r"lists no ticks\.jsonl, which a cell that counts must have"):
        analyse(read_run(directory))


def _grade(directory: Path, knobs: tuple[KnobRecord, ...]) -> Report:
    heavy = Scenario(name="heavy", workload="mixed", connections=500, duration_seconds=120)
    write_run(
        directory, apis=("go",), scenarios=(heavy,), blocks=1, cores=EIGHT_CORES, memory_bytes=16 * 2**30, knobs=knobs
    )
    return analyse(read_run(directory))


def test_what_is_not_controlled_lowers_the_grade_and_is_reported(tmp_path: Path):
    turbo = KnobRecord(name="turbo", wanted="off", before="boost 1", state="only-read", message="read")
    turbo = turbo.model_copy(update={"during": "boost 1", "after": "boost 1"})
    boosted = KnobRecord(name="governor", wanted="performance", before=None, state="not-told", message="unknown here")
    report = _grade(tmp_path / "some", (*CONTROLLED[1:], turbo, boosted))
    assert report.grade == "partly-controlled"
    assert report.control == "partly controlled: turbo, governor"
    found = caveat(report, "2 of 3 settings of the host weren't controlled.")
    assert "Not controlled: turbo: boost 1 instead of off; governor: unknown here." in found
    page = render_html(report)
    assert "Full host, partly controlled" in page
    assert "Partly controlled: turbo, governor." in page
    assert "no, only read" in page
    assert "| turbo | off | boost 1 | boost 1 | boost 1 | no, only read (read) |" in render_markdown(report)


@pytest.mark.parametrize(
    ("cores", "grade"),
    [
        (EIGHT_CORES, "other-tenants"),
        (CoreLayout(api=(0,), postgres=(1,), redis=(2,), generator=(3,), system=(2,), shared=False), "other-tenants"),
        (TWO_CORES, "shared"),
    ],
)
def test_cores_that_other_tenants_have_too_lower_the_grade_and_are_reported(
    tmp_path: Path, cores: CoreLayout, grade: Grade
):
    heavy = Scenario(name="heavy", workload="mixed", connections=500, duration_seconds=120)
    write_run(tmp_path / "run", apis=("go",), scenarios=(heavy,), blocks=1, cores=cores, shared_cores=True)
    report = analyse(read_run(tmp_path / "run"))
    assert report.grade == grade
    assert caveat(report, "The host shares its cores with other tenants of its cloud.")


def test_roles_that_share_cpus_without_the_generator_are_distinguished(tmp_path: Path):
    heavy = Scenario(name="heavy", workload="mixed", connections=500, duration_seconds=120)
    cores = CoreLayout(api=(0, 1, 2), postgres=(3, 4, 5), redis=(5,), generator=(6, 7), system=(5,), shared=True)
    write_run(tmp_path / "run", apis=("go",), scenarios=(heavy,), blocks=1, cores=cores, memory_bytes=16 * 2**30)
    report = analyse(read_run(tmp_path / "run"))
    assert report.grade == "smaller"
    assert caveat(report, "Roles share CPUs, though not with the load generator.")
    assert report.article_note.startswith("The article's numbers aren't comparable with these: roles share CPUs.")
    assert "The load generator has CPUs of its own, but other roles share theirs." in render_markdown(report)


def test_a_run_without_a_record_of_its_knobs_does_not_count_as_controlled(tmp_path: Path):
    report = _grade(tmp_path / "none", ())
    assert report.grade == "partly-controlled"
    assert caveat(report, "The run has no record of which settings of the host were controlled.")
    assert "Settings of the host" not in render_html(report)


def test_littles_law_counts_the_connections_that_wrk_opened(tmp_path: Path):
    """`-t4 -c10` opens 8: 800 responses of 10 ms in 1 s keep 8 connections busy."""
    scenario = Scenario(name="light", workload="mixed", connections=10, duration_seconds=1)
    (cell,) = write_run(tmp_path / "run", apis=("go",), scenarios=(scenario,), blocks=1)
    steady = Role(0.95, lambda _: 7_000_000)
    samples = samples_csv({"api": steady, "postgres": steady, "redis": steady, "generator": steady}, 1)
    write_cell(tmp_path / "run", cell, wrk_result(cell, [(10_000, 800)], 1_000_000, threads=4), samples)
    report = analyse(read_run(tmp_path / "run"))
    assert report.cells[0].littles_law == pytest.approx(1.0)
    assert caveat(report, "No number has an interval: each API and load has one block with a valid cell.")
    assert "in 1 cell (up to 95%)" in caveat(report, "The load generator was more than 90% busy")
    assert caveat(report, "1 cell has fewer than 1,000 responses")


def test_a_generator_is_busy_where_its_threads_fill_their_cpus(tmp_path: Path):
    """One thread that uses 0.95 cores is at its limit, though the generator has two CPUs."""
    scenario = Scenario(name="light", workload="mixed", connections=7, duration_seconds=1)
    (cell,) = write_run(tmp_path / "run", apis=("go",), scenarios=(scenario,), blocks=1, cores=EIGHT_CORES)
    steady = Role(0.95, lambda _: 7_000_000)
    samples = samples_csv({"api": steady, "postgres": steady, "redis": steady, "generator": steady}, 1)
    write_cell(tmp_path / "run", cell, wrk_result(cell, [(10_000, 700)], 1_000_000, threads=1), samples)
    report = analyse(read_run(tmp_path / "run"))
    assert report.cells[0].generator_saturation == pytest.approx(0.95)
    assert caveat(report, "The load generator was more than 90% busy in 1 cell (up to 95%).")


def test_a_slow_generator_shows_in_littles_law(golden_report: Report):
    """All but the two cells of block 1 at light, where 1,000 a second x 10.105 ms / 10 connections is 1.01."""
    said = caveat(golden_report, "Little's law gives less than 0.9")
    assert "in 14 cells (down to 0.05)" in said
    assert "The generator may have been the limit, or connections still waited for answers" in said


def test_a_dirty_tree_is_reported(golden_directory: Path):
    replace(golden_directory / "manifest.json", "e8f9012345", "e8f9012345-dirty")
    assert caveat(analyse(read_run(golden_directory)), "The project's tree had changes that weren't committed")


def test_a_host_that_changed_is_reported_by_name(golden_directory: Path):
    path = golden_directory / "host.json"
    record = HostRecord.from_json(path.read_text(), name="host.json")
    after = record.before.model_copy(update={"kernel": "6.2.0", "settings": {"vm.swappiness": "10"}})
    path.write_text(HostRecord(before=record.before, after=after).to_json())
    said = caveat(analyse(read_run(golden_directory)), "The host changed during the run.")
    assert "kernel was 6.1.0 and is 6.2.0" in said
    assert "the setting vm.swappiness was 60 and is 10" in said
    assert "the setting net.core.somaxconn was 4096 and is absent" in said


def test_a_run_without_a_valid_cell_has_a_report(golden_directory: Path):
    shutil.rmtree(golden_directory / "cells")
    report = analyse(read_run(golden_directory))
    assert report.cells == ()
    assert len(report.unfinished_cells) == 18
    assert all(summary.measured is None for summary in report.summaries)
    assert caveat(report, "6 of 6 results have no numbers: no cell is valid. They are go at light, rust at light")


@pytest.mark.parametrize(("reason", "errors"), [("not-ready", 0), ("generator-failed", None)])
def test_a_void_cell_needs_no_raw_files(golden_directory: Path, reason: VoidReason, errors: int | None):
    """Where wrk wrote nothing, as against an API that refuses all connections, its errors are unknown and not 0."""
    path = golden_directory / "cells" / "011-go-heavy" / "cell.json"
    record = CellRecord.from_json(path.read_text(), name="cell.json")
    changes: dict[str, object] = {
        "files": dict[str, str](),
        "load_started_ns": None,
        "load_ended_ns": None,
        "voids": (Void(reason=reason, message="Refused."),),
    }
    path.write_text(record.model_copy(update=changes).to_json())
    report = analyse(read_run(golden_directory))
    assert summary_of(report, "go", "heavy").errors == errors
    table = summary_table(report)
    (row,) = [row for row in table.rows if (row[0].value, row[1].value) == ("heavy", "go")]
    (shown,) = [cell.value for cell, column in zip(row, table.columns, strict=True) if column.title == "Errors"]
    assert shown == ("0" if errors == 0 else "\N{EN DASH}")


def test_a_void_cell_whose_wrk_json_is_of_no_shape_does_not_end_the_report(golden_directory: Path):
    folder = golden_directory / "cells" / "011-go-heavy"
    record = CellRecord.from_json((folder / "cell.json").read_text(), name="cell.json")
    (folder / "wrk.json").write_text("{}")
    files = record.files | {"wrk.json": sha256(b"{}").hexdigest()}
    (folder / "cell.json").write_text(record.model_copy(update={"files": files}).to_json())
    summary = summary_of(analyse(read_run(golden_directory)), "go", "heavy")
    assert (summary.cells, summary.void_cells, summary.errors) == (2, 1, None)


def test_a_raw_file_that_is_gone_is_refused(golden_directory: Path):
    (golden_directory / "cells" / "001-go-light" / "samples.csv").unlink()
    with pytest.raises(AnalysisError, match=r"samples\.csv can't be read: No such file"):
        analyse(read_run(golden_directory))


def test_a_valid_cell_must_list_its_raw_files(golden_directory: Path):
    path = golden_directory / "cells" / "001-go-light" / "cell.json"
    record = json.loads(path.read_text())
    del record["files"]["samples.csv"]
    path.write_text(json.dumps(record))
    with pytest.raises(AnalysisError, match=r"001-go-light/cell\.json lists no samples\.csv"):
        analyse(read_run(golden_directory))


def test_a_raw_file_outside_the_cells_folder_is_refused(golden_directory: Path):
    path = golden_directory / "cells" / "001-go-light" / "cell.json"
    record = json.loads(path.read_text())
    record["files"]["../../manifest.json"] = "0" * 64
    path.write_text(json.dumps(record))
    with pytest.raises(AnalysisError, match="isn't the name of a raw file"):
        analyse(read_run(golden_directory))


def test_a_cell_from_elsewhere_is_refused(golden_directory: Path):
    cells = golden_directory / "cells"
    shutil.copy(cells / "001-go-light" / "cell.json", cells / "002-rust-light" / "cell.json")
    with pytest.raises(AnalysisError, match="is the record of '001-go-light'"):
        analyse(read_run(golden_directory))


def test_a_cell_that_was_not_planned_is_refused(golden_directory: Path):
    cells = golden_directory / "cells"
    shutil.copytree(cells / "001-go-light", cells / "099-go-light")
    with pytest.raises(AnalysisError, match=r"cells/099-go-light was measured but isn't in plan\.json"):
        analyse(read_run(golden_directory))


def test_a_plan_of_another_run_is_refused(golden_directory: Path):
    path = golden_directory / "manifest.json"
    manifest = Manifest.from_json(path.read_text(), name="manifest.json")
    inventory = manifest.inventory.model_copy(update={"apis": manifest.inventory.apis[:1]})
    path.write_text(manifest.model_copy(update={"inventory": inventory}).to_json())
    with pytest.raises(
        AnalysisError, match=r"plan\.json has the cell 002-rust-light, but manifest\.json has no such API"
    ):
        analyse(read_run(golden_directory))


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path):
    with pytest.raises(AnalysisError, match=r"manifest\.json can't be read: No such file or directory"):
        analyse(read_run(tmp_path))


def test_a_document_of_another_shape_is_refused(golden_directory: Path):
    replace(golden_directory / "plan.json", '"order_seed"', '"seed"')
    with pytest.raises(DocumentError, match=r"plan\.json is not a valid Plan document"):
        analyse(read_run(golden_directory))
