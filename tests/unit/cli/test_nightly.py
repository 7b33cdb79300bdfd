"""The step of the nightly workflow that measures, as a runner runs it, on a bench in memory."""

import os
import shlex
import subprocess
import tarfile
from pathlib import Path

import yaml

from cli.continuous_integration import ARTIFACT_FILES
from documents.report import Report
from tests.unit.cli.lab_command import ROOT
from tests.unit.cli.lab_in_memory import LAB_IN_MEMORY
from tests.unit.experiment.fake_bench import PROTOCOL


def test_a_job_measures_keeps_its_artefacts_and_names_its_run(tmp_path: Path):
    workflow = yaml.safe_load((ROOT / ".github/workflows/nightly.yml").read_text())
    (step,) = (step for step in workflow["jobs"]["measure"]["steps"] if "lab run" in step.get("run", ""))
    script = step["run"].replace("lab run", f"{shlex.join(LAB_IN_MEMORY)} run")
    protocol, page, artifacts = tmp_path / "tiny.yaml", tmp_path / "step-summary", tmp_path / "artifacts"
    protocol.write_text(PROTOCOL.to_json())
    (tmp_path / "runs").mkdir()
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=ROOT,
        env={
            **os.environ,
            "LAB_IN_MEMORY": str(tmp_path),
            "PROTOCOL": str(protocol),
            "GITHUB_STEP_SUMMARY": str(page),
            "CI": "true",
            # What a runner may set that wants colours, and more, of whatever can give them.
            "FORCE_COLOR": "1",
            "TTY_COMPATIBLE": "1",
            "TTY_INTERACTIVE": "1",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert not set(done.stdout) & {"\x1b", "\r"}
    (run,) = (tmp_path / "runs").iterdir()
    assert done.stdout.splitlines()[-2:] == [f"Report: {artifacts / 'report.html'}", f"run_id={run.name}"]
    assert {path.name for path in artifacts.iterdir()} == set(ARTIFACT_FILES)
    report = Report.from_json((artifacts / "report.json").read_bytes(), name="report.json")
    assert (report.run_id, report.protocol) == (run.name, PROTOCOL.name)
    with tarfile.open(artifacts / "run.tar.gz") as packed:
        packed.extractall(tmp_path / "unpacked", filter="data")
    assert (tmp_path / "unpacked" / run.name / "journal.jsonl").read_bytes() == (run / "journal.jsonl").read_bytes()
    assert page.read_text() == (artifacts / "summary.md").read_text()
    assert page.read_text().startswith("## go and rust under light and heavy load\n")
