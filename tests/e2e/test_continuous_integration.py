"""The step of the nightly workflow that measures, as a runner runs it, by a protocol of seconds."""

import os
import shlex
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from cli.continuous_integration import ARTIFACT_FILES, ARTIFACTS
from documents.report import Report
from tests.conftest import ROOT, LiveLab
from tests.e2e.lab_run import API, ATTEMPTS_MOST, write_protocol
from tests.e2e.lab_with_neighbours import LAB_WITH_NEIGHBOURS


@pytest.fixture
def measuring(live_lab: LiveLab) -> Iterator[str]:
    """The step's script, but on the lab of the tests, whose neighbours void nothing, and of one API."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/nightly.yml").read_text())
    (step,) = (step for step in workflow["jobs"]["measure"]["steps"] if "lab run" in step.get("run", ""))
    yield (
        step["run"]
        .replace("lab run", f"{shlex.join(LAB_WITH_NEIGHBOURS)} run --api {API}")
        .replace("--stack local", f"--stack {live_lab.stack}")
    )
    for run in ROOT.glob("runs/*-nightly"):
        shutil.rmtree(run)
    for name in ARTIFACT_FILES:
        (ARTIFACTS / name).unlink(missing_ok=True)


def test_a_job_measures_keeps_its_artefacts_and_names_its_run(measuring: str, tmp_path: Path):
    protocol = write_protocol(tmp_path, ("light", "read-user", 10, 2), name="nightly", attempts=ATTEMPTS_MOST)
    page = tmp_path / "step-summary"
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", measuring],
        cwd=ROOT,
        env={
            **os.environ,
            "PROTOCOL": str(protocol),
            "GITHUB_STEP_SUMMARY": str(page),
            "CI": "true",
            # What a runner sets that wants colours, and more, of whatever can give them.
            "FORCE_COLOR": "1",
            "TTY_COMPATIBLE": "1",
            "TTY_INTERACTIVE": "1",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert not set(done.stdout) & {"\x1b", "\r"}
    *_, report_line, last = done.stdout.splitlines()
    name, _, run_id = last.partition("=")
    assert name == "run_id"
    assert (ROOT / "runs" / run_id / "manifest.json").is_file()
    assert report_line == f"Report: {ARTIFACTS / 'report.html'}"
    assert {path.name for path in ARTIFACTS.iterdir()} >= set(ARTIFACT_FILES)
    report = Report.from_json((ARTIFACTS / "report.json").read_bytes(), name="report.json")
    assert (report.run_id, [cell.api for cell in report.cells]) == (run_id, [API])
    with tarfile.open(ARTIFACTS / "run.tar.gz") as packed:
        packed.extractall(tmp_path, filter="data")
    assert (tmp_path / run_id / "journal.jsonl").read_bytes() == (ROOT / "runs" / run_id / "journal.jsonl").read_bytes()
    assert page.read_text() == (ARTIFACTS / "summary.md").read_text()
    assert page.read_text().startswith(f"## {API} under light load\n")
