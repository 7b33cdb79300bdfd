"""The step of the nightly workflow that measures, run as a runner runs it, and what it must leave behind."""

import os
import subprocess
import tarfile
from pathlib import Path

import yaml

from documents.report.report import Report
from tests.conftest import ROOT

_AS_A_RUNNER = {
    "CI": "true",
    # What a runner may set that wants colours, and more, of whatever can give them.
    "FORCE_COLOR": "1",
    "TTY_COMPATIBLE": "1",
    "TTY_INTERACTIVE": "1",
}


def step_that_measures() -> str:
    """The step's script, in which `lab run` is what a test puts another command in place of."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/nightly.yml").read_text())
    (step,) = (step for step in workflow["jobs"]["measure"]["steps"] if "lab run" in step.get("run", ""))
    return step["run"]


def run_step(script: str, protocol: Path, page: Path, **environment: str) -> list[str]:
    """Run it by a protocol; it must end well, and say nothing that only a terminal understands.

    Args:
        script: the step's.
        protocol: its file.
        page: the file that the forge shows.
        environment: more variables.

    Returns:
        The lines that it printed.
    """
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=ROOT,
        env={
            **os.environ,
            **_AS_A_RUNNER,
            "PROTOCOL": str(protocol),
            "GITHUB_STEP_SUMMARY": str(page),
            **environment,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert not set(done.stdout) & {"\x1b", "\r"}
    return done.stdout.splitlines()


def report_of_artifacts(artifacts: Path, run: Path, page: Path, folder: Path) -> Report:
    """The report among what is kept, which has the whole run, unpacked into a folder, and what the forge shows."""
    with tarfile.open(artifacts / "run.tar.gz") as packed:
        packed.extractall(folder, filter="data")
    assert (folder / run.name / "journal.jsonl").read_bytes() == (run / "journal.jsonl").read_bytes()
    assert page.read_text() == (artifacts / "summary.md").read_text()
    report = Report.from_json((artifacts / "report.json").read_bytes(), name="report.json")
    assert report.run_id == run.name
    return report
