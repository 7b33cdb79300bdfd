"""Void cells that were run again: which attempt counts, which blocks stay short, and the report."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analysis.raw.run import read_run
from analysis.report.report import analyse
from documents.errors import AnalysisError
from documents.report.numbers import ScenarioSummary
from documents.report.report import Report
from documents.run.records import CellRecord, Void

NOT_VALID = (Void(reason="not-ready", message="The API wasn't ready."),)


def record(attempt: int, *, valid: bool) -> CellRecord:
    return CellRecord(
        cell_id="001-go-light",
        attempt=attempt,
        started_at=datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC),
        voids=() if valid else NOT_VALID,
        phases_seconds={},
        load_started_ns=None,
        load_ended_ns=None,
        pinning=(),
    )


def made(*valid: bool) -> tuple[CellRecord, ...]:
    return tuple(record(number, valid=one) for number, one in enumerate(valid, start=1))


@pytest.mark.parametrize(
    ("attempts", "allowed", "following", "stands"),
    [
        (made(), 3, 1, None),
        (made(False), 3, 2, None),
        (made(False, False), 3, 3, None),
        (made(False, False, False), 3, None, 3),
        (made(True), 3, None, 1),
        (made(False, True), 3, None, 2),
        (made(False), 1, None, 1),
        (made(False, False, False), 2, None, 3),
    ],
)
def test_attempts_go_on_until_one_is_valid_or_none_is_left(
    golden_directory: Path,
    attempts: tuple[CellRecord, ...],
    allowed: int,
    following: int | None,
    stands: int | None,
):
    golden = read_run(golden_directory)
    protocol = golden.manifest.protocol.model_copy(update={"attempts": allowed})
    manifest = golden.manifest.model_copy(update={"protocol": protocol})
    run = replace(golden, manifest=manifest, attempts={**golden.attempts, "001-go-light": attempts})
    assert run.next_attempt(run.plan.cells[0]) == following
    found = run.records.get("001-go-light")
    assert (found and found.attempt) == stands


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({2: True}, "cells/001-go-light-attempt-2 was measured after an attempt that isn't there: 001-go-light."),
        (
            {1: False, 3: True},
            "cells/001-go-light-attempt-3 was measured after an attempt that isn't there: 001-go-light-attempt-2.",
        ),
        ({1: True, 2: False}, "cells/001-go-light-attempt-2 was measured although 001-go-light is valid,"),
    ],
)
def test_attempts_that_no_run_makes_are_refused(repeated_directory: Path, found: dict[int, bool], said: str):
    for folder in (repeated_directory / "cells").glob("001-go-light*"):
        shutil.rmtree(folder)
    for number, valid in found.items():
        made = record(number, valid=valid)
        folder = repeated_directory / "cells" / made.attempt_id
        folder.mkdir()
        (folder / "cell.json").write_text(made.to_json())
    with pytest.raises(AnalysisError) as refused:
        read_run(repeated_directory)
    assert str(refused.value).startswith(said)


def summary_of(report: Report, api: str) -> ScenarioSummary:
    (found,) = [summary for summary in report.summaries if summary.api == api]
    return found


def test_numbers_are_those_of_the_attempts_that_count(repeated_report: Report):
    assert [(cell.cell_id, cell.attempt) for cell in repeated_report.cells] == [
        ("001-go-light", 2),
        ("002-rust-light", 1),
        ("003-go-light", 1),
    ]
    go, rust = summary_of(repeated_report, "go"), summary_of(repeated_report, "rust")
    assert (go.cells, go.void_cells, go.unfinished_cells, go.void_attempts, go.errors) == (2, 0, 1, 2, 14)
    assert (rust.cells, rust.void_cells, rust.unfinished_cells, rust.void_attempts, rust.errors) == (1, 1, 1, 3, 14)
    assert go.measured is not None
    assert go.measured.throughput.value == pytest.approx((1000 * 500) ** 0.5)


def test_an_api_failed_in_each_cell_that_had_an_attempt_of_its_fault(repeated_report: Report):
    """Unfinished cells count if one failed; the intervals are Clopper and Pearson's, by R's `binom.test`."""
    go, rust = (summary_of(repeated_report, api).failures for api in ("go", "rust"))
    assert (go.failed, go.cells) == (2, 3)
    assert (go.low, go.high) == pytest.approx((0.09429932, 0.99159624), abs=1e-7)
    assert (rust.failed, rust.cells) == (1, 2)
    assert (rust.low, rust.high) == pytest.approx((0.01257912, 0.98742088), abs=1e-7)
    [caveat] = [caveat for caveat in repeated_report.caveats if "failed in some cells" in caveat]
    assert "go at light in 2 of 3 cells (9.4 to 99.2%); rust at light in 1 of 2 cells (1.3 to 98.7%)." in caveat


def test_void_attempts_void_cells_and_short_blocks_are_all_in_the_report(repeated_report: Report):
    assert repeated_report.attempts == 3
    assert [
        (attempt.cell_id, attempt.attempt, attempt.block, attempt.api, attempt.scenario, attempt.voids[0].reason)
        for attempt in repeated_report.void_attempts
    ] == [
        ("001-go-light", 1, 1, "go", "light", "wrk-errors"),
        ("004-rust-light", 1, 2, "rust", "light", "wrk-errors"),
        ("004-rust-light", 2, 2, "rust", "light", "not-ready"),
        ("004-rust-light", 3, 2, "rust", "light", "wrk-errors"),
        ("005-go-light", 1, 3, "go", "light", "wrk-errors"),
    ]
    (cell,) = repeated_report.void_cells
    assert (cell.cell_id, cell.attempts, cell.block) == ("004-rust-light", 3, 2)
    assert [(short.block, short.lacking) for short in repeated_report.short_blocks] == [(2, ("004-rust-light",))]
    assert repeated_report.unfinished_cells == ("005-go-light", "006-rust-light")


@pytest.mark.parametrize("file_name", ["wrk.json", "samples.csv"])
@pytest.mark.parametrize("attempt", ["004-rust-light", "005-go-light", "001-go-light-attempt-2"])
def test_a_raw_file_of_any_attempt_that_was_changed_is_refused(repeated_directory: Path, attempt: str, file_name: str):
    path = repeated_directory / "cells" / attempt / file_name
    path.write_bytes(path.read_bytes().replace(b"7", b"8", 1))
    with pytest.raises(AnalysisError, match=f"cells/{attempt}/{file_name} isn't the file that was measured"):
        analyse(read_run(repeated_directory))


def test_an_attempt_more_than_the_protocol_allows_is_refused(repeated_directory: Path):
    cells = repeated_directory / "cells"
    shutil.copytree(cells / "004-rust-light-attempt-3", cells / "004-rust-light-attempt-4")
    with pytest.raises(AnalysisError, match=r"004-rust-light-attempt-4 was measured but .* or is an attempt more"):
        analyse(read_run(repeated_directory))


def test_an_attempt_without_a_record_was_not_finished(repeated_directory: Path):
    (repeated_directory / "cells" / "004-rust-light-attempt-3" / "cell.json").unlink()
    report = analyse(read_run(repeated_directory))
    assert report.void_cells == report.short_blocks == ()
    assert report.unfinished_cells == ("004-rust-light", "005-go-light", "006-rust-light")
    assert len(report.void_attempts) == 4
