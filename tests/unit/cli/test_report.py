"""`lab report` on the folder of a run."""

from pathlib import Path

import pytest

from documents.report import Report
from tests.unit.analysis.run_builder import golden_run
from tests.unit.cli.lab_command import lab


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    golden_run(folder)
    return folder


def test_report_of_a_folder_is_written_into_it_and_shown(run: Path):
    answer = lab("report", "run", cwd=run.parent)
    assert (answer.status, answer.err) == (0, "")
    assert {"report.json", "report.md", "report.html"} <= {path.name for path in run.iterdir()}
    numbers = Report.from_json((run / "report.json").read_bytes(), name="report.json")
    for api in numbers.apis:
        assert api.name in answer.out
    for caveat in numbers.caveats:
        assert caveat in " ".join(answer.out.split())
    assert "Grade of the host: Shared cores. The load generator shares CPUs" in " ".join(answer.out.split())
    assert "report.html" in answer.out.splitlines()[-1]


def test_programs_get_the_document_itself(run: Path):
    answer = lab("report", str(run), "--json")
    assert (answer.status, answer.err) == (0, "")
    assert answer.out == (run / "report.json").read_text()
    Report.from_json(answer.out, name="standard output")


def test_run_that_was_damaged_is_told_in_one_sentence(run: Path):
    cell = next((run / "cells").iterdir())
    (cell / "wrk.json").write_text("{}")
    answer = lab("report", str(run))
    assert answer.status == 1
    assert "wrk.json" in answer.sentence()
