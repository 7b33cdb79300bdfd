"""Warm-ups in the report: how long they took by API and load, and each that never got steady."""

import json
from pathlib import Path

import pytest

from analysis.pages.html import render_html
from analysis.pages.markdown import render_markdown
from analysis.pages.table import warm_up_table
from analysis.raw.run import read_run
from analysis.report.report import analyse
from documents.report.numbers import Spread, WarmUpSummary
from documents.report.report import Report
from documents.run.records import CellRecord, WarmUp, WarmUpOutcome
from tests.unit.analysis.run_builder import golden_run


def write_warm_up(run: Path, number: int, outcome: WarmUpOutcome, seconds: float) -> None:
    (path,) = run.glob(f"cells/{number:03d}-*/cell.json")
    record = CellRecord.from_json(path.read_bytes(), name=str(path))
    warm_up = WarmUp(outcome=outcome, seconds=seconds, series=(100,) * int(seconds))
    path.write_text(record.model_copy(update={"warm_up": warm_up}).to_json())


def allow_seconds(run: Path, seconds: int) -> None:
    path = run / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["protocol"]["warm_up_seconds"] = seconds
    path.write_text(json.dumps(manifest))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The golden run; its cells 1, 7 and 13 are go's under light load, 6 is rust's and 11 (void) go's under heavy."""
    made = golden_run(tmp_path / "run")
    allow_seconds(made, 30)
    return made


def only_caveats(report: Report, beginning: str) -> list[str]:
    return [caveat for caveat in report.caveats if caveat.startswith(beginning)]


def test_a_run_whose_warm_ups_were_not_watched_says_nothing_of_them(run: Path):
    report = analyse(read_run(run))
    assert report.warm_ups == ()
    assert not any("settled" in caveat for caveat in report.caveats)
    assert "Warm-up" not in render_markdown(report)
    assert 'id="warm-ups' not in render_html(report)


def test_warm_ups_are_summed_up_by_load_and_api(run: Path):
    write_warm_up(run, 1, "steady", 12.5)
    write_warm_up(run, 7, "steady", 20.5)
    write_warm_up(run, 13, "never-steady", 30.5)
    write_warm_up(run, 6, "steady", 14.0)
    report = analyse(read_run(run))
    light, heavy = report.warm_ups
    assert light == WarmUpSummary(
        api="go",
        scenario="light",
        cells=3,
        seconds=Spread(median=20.5, least=12.5, most=30.5, count=3),
        steady=2,
        never_steady=("013-go-light",),
    )
    assert (heavy.api, heavy.scenario, heavy.cells, heavy.steady, heavy.never_steady) == ("rust", "heavy", 1, 1, ())
    [said] = only_caveats(report, "Throughput hadn't settled")
    assert said.startswith("Throughput hadn't settled after 30 s of warm-up in 1 of 4 cells.")
    assert said.endswith(": 1 of go at light.")


def test_warm_ups_of_void_cells_do_not_count(run: Path):
    write_warm_up(run, 11, "never-steady", 30.0)
    report = analyse(read_run(run))
    assert report.warm_ups == ()
    assert not only_caveats(report, "Throughput hadn't settled")


def test_what_was_too_short_to_be_judged_is_reported_once(run: Path):
    allow_seconds(run, 2)
    write_warm_up(run, 1, "not-judged", 2.0)
    write_warm_up(run, 6, "not-judged", 2.0)
    report = analyse(read_run(run))
    [said] = only_caveats(
        report, "A warm-up of at most 2 s is too short, so nothing shows whether throughput had settled."
    )
    assert "takes 12 s or more" in said
    assert [cell.detail for cell in warm_up_table(report).rows[0]][3] == "not judged"
