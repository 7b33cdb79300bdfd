"""The step of the nightly workflow that measures, as a runner runs it, by a protocol of seconds."""

import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.run import ARTIFACT_FILES, ARTIFACTS
from tests.conftest import ROOT, LiveLab
from tests.e2e.lab_run import API, ATTEMPTS_MOST, write_protocol
from tests.e2e.lab_with_neighbours import LAB_WITH_NEIGHBOURS
from tests.nightly_step import report_of_artifacts, run_step, step_that_measures


@pytest.fixture
def measuring(live_lab: LiveLab) -> Iterator[str]:
    """The step's script, but on the lab of the tests, whose neighbours void nothing, and of one API."""
    yield (
        step_that_measures()
        .replace("lab run", f"{shlex.join(LAB_WITH_NEIGHBOURS)} run --api {API}")
        .replace("--stack local", f"--stack {live_lab.stack}")
    )
    for run in ROOT.glob("runs/*-nightly"):
        shutil.rmtree(run)
    for name in ARTIFACT_FILES:
        (ARTIFACTS / name).unlink(missing_ok=True)


def test_a_job_measures_keeps_its_artifacts_and_names_its_run(measuring: str, tmp_path: Path):
    protocol = write_protocol(tmp_path, ("light", "read-user", 10, 2), name="nightly", attempts=ATTEMPTS_MOST)
    page = tmp_path / "step-summary"
    *_, report_line, last = run_step(measuring, protocol, page)
    name, _, run_id = last.partition("=")
    assert name == "run_id"
    assert report_line == f"Report: {ARTIFACTS / 'report.html'}"
    assert {path.name for path in ARTIFACTS.iterdir()} >= set(ARTIFACT_FILES)
    report = report_of_artifacts(ARTIFACTS, ROOT / "runs" / run_id, page, tmp_path)
    assert [cell.api for cell in report.cells] == [API]
    assert page.read_text().startswith(f"## {API} under light load\n")
