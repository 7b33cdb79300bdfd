"""The report for a spreadsheet."""

import csv
import io
from pathlib import Path

from analysis.pages.summary_csv import COLUMNS, render_csv
from analysis.raw.run import read_run
from analysis.report.report import analyse
from documents.report.report import Report
from tests.unit.analysis.run_builder import COMPARED_THROUGHPUTS, compared_run


def rows(report: Report) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(render_csv(report), newline="")))


def test_there_is_a_row_for_each_load_and_api_with_all_columns(golden_report: Report):
    found = rows(golden_report)
    assert [(row["load"], row["api"]) for row in found] == [
        (load, api) for load in ("light", "medium", "heavy") for api in ("go", "rust")
    ]
    assert all(tuple(row) == COLUMNS for row in found)
    assert len(set(COLUMNS)) == len(COLUMNS)


def test_numbers_are_whole_and_stand_in_their_columns(golden_report: Report):
    row = rows(golden_report)[0]
    measured = golden_report.summaries[0].measured
    assert measured is not None
    for column, estimate in {
        "throughput_requests_per_second": measured.throughput,
        "raw_p50_us": measured.raw.p50_us,
        "raw_p999_us": measured.raw.p999_us,
        "corrected_mean_us": measured.corrected.mean_us,
        "corrected_p99_us": measured.corrected.p99_us,
        "api_cpu_cores": measured.cpu_cores["api"],
        "postgres_cpu_cores": measured.cpu_cores["postgres"],
        "redis_cpu_cores": measured.cpu_cores["redis"],
        "generator_cpu_cores": measured.cpu_cores["generator"],
        "memory_mean_bytes": measured.memory_mean_bytes,
        "memory_peak_bytes": measured.memory_peak_bytes,
        "page_cache_mean_bytes": measured.page_cache_mean_bytes,
        "requests_per_cpu_second": measured.requests_per_cpu_second,
        "littles_law_ratio": measured.littles_law,
        "generator_busy_ratio": measured.generator_saturation,
    }.items():
        assert estimate is not None
        ends = (float(row[column]), float(row[f"{column}_low"]), float(row[f"{column}_high"]))
        assert ends == (estimate.value, estimate.low, estimate.high), column
    assert (row["run_id"], row["grade"], row["workload"]) == (golden_report.run_id, "shared", "mixed")
    assert (row["connections"], row["duration_seconds"]) == ("10", "2")
    assert row["image_id"] == golden_report.apis[0].image_id


def test_cells_and_errors_are_counted(golden_report: Report):
    by_place = {(row["load"], row["api"]): row for row in rows(golden_report)}
    counts = ("blocks", "valid_cells", "void_cells", "unfinished_cells", "void_attempts", "errors")
    assert [by_place["heavy", "go"][count] for count in counts] == ["2", "2", "1", "0", "1", "7"]
    assert [by_place["heavy", "rust"][count] for count in counts] == ["2", "2", "0", "1", "0", "0"]


def test_ranks_are_those_of_the_verdict(compared_report: Report):
    ranks = {
        row["api"]: (row["throughput_rank_best"], row["throughput_rank_worst"])
        for row in rows(compared_report)
        if row["load"] == "light"
    }
    assert ranks == {"rust": ("1", "2"), "zig": ("1", "2"), "go": ("3", "3")}


def test_what_is_not_known_is_empty(tmp_path: Path, golden_report: Report):
    single = rows(analyse(read_run(compared_run(tmp_path / "run", throughputs=COMPARED_THROUGHPUTS, blocks=1))))[0]
    assert single["throughput_requests_per_second"] != ""
    for column in ("throughput_requests_per_second_low", "throughput_rank_best", "throughput_rank_worst"):
        assert single[column] == "", column
    nothing = golden_report.summaries[0].model_copy(update={"measured": None, "errors": None})
    row = rows(golden_report.model_copy(update={"summaries": (nothing,)}))[0]
    assert {row[column] for column in COLUMNS[COLUMNS.index("throughput_requests_per_second") :]} == {""}
    assert row["errors"] == ""
