"""The step of the nightly workflow that measures, as a runner runs it, on a bench in memory."""

import shlex
from pathlib import Path

from cli.continuous_integration import ARTIFACT_FILES
from tests.nightly_step import report_of_artifacts, run_step, step_that_measures
from tests.unit.cli.lab_in_memory import LAB_IN_MEMORY
from tests.unit.experiment.fake_bench import PROTOCOL


def test_a_job_measures_keeps_its_artefacts_and_names_its_run(tmp_path: Path):
    script = step_that_measures().replace("lab run", f"{shlex.join(LAB_IN_MEMORY)} run")
    protocol, page, artifacts = tmp_path / "tiny.yaml", tmp_path / "step-summary", tmp_path / "artifacts"
    protocol.write_text(PROTOCOL.to_json())
    (tmp_path / "runs").mkdir()
    printed = run_step(script, protocol, page, LAB_IN_MEMORY=str(tmp_path))
    (run,) = (tmp_path / "runs").iterdir()
    assert printed[-2:] == [f"Report: {artifacts / 'report.html'}", f"run_id={run.name}"]
    assert {path.name for path in artifacts.iterdir()} == set(ARTIFACT_FILES)
    report = report_of_artifacts(artifacts, run, page, tmp_path / "unpacked")
    assert report.protocol == PROTOCOL.name
    assert page.read_text().startswith("## go and rust under light and heavy load\n")
