"""The gate on builds that stand side by side, and two runs of a lab whose PostgreSQL was set otherwise meanwhile."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.report import analyse
from cli.gate import EXIT_STATUSES
from documents.gate import Gate
from tests.conftest import ROOT, run_lab
from tests.e2e.lab_run import ATTEMPTS_MOST, write_protocol
from tests.e2e.lab_with_neighbours import LAB_WITH_NEIGHBOURS
from tests.e2e.scratch import NAME
from tests.e2e.small.conftest import runs_lab
from tests.e2e.small_lab import BASE, SAME, SLOWED, SmallLab

LOAD = ("light", "read-user", 10, 1)


class Pairs:
    """Runs of the lab's pair of builds, and its gate."""

    def __init__(self, folder: Path) -> None:
        self.one_block = write_protocol(folder, LOAD, name="one-block")
        self.two_blocks = write_protocol(folder, LOAD, name="two-blocks", blocks=2, attempts=ATTEMPTS_MOST)
        self.three_blocks = write_protocol(folder, LOAD, name="three-blocks", blocks=3, attempts=ATTEMPTS_MOST)
        self.runs: list[Path] = []

    def lab(self, command: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a subcommand of `lab` on the lab."""
        return run_lab([command, *arguments, "--stack", NAME], lab=LAB_WITH_NEIGHBOURS)

    def run(self) -> Path:
        """Measure the base; returns the run's folder."""
        done = self.lab("run", "--protocol", str(self.one_block), "--api", BASE, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        run = Path(json.loads(done.stdout.splitlines()[-1])["directory"])
        self.runs.append(run)
        return run

    def gate(self, candidate: str, *arguments: str) -> tuple[int, Gate]:
        """Judge a candidate by the base; returns the exit status and what was printed."""
        done = self.lab("gate", BASE, candidate, "--json", *arguments)
        gate = Gate.from_json(done.stdout, name=done.stderr or "standard output")
        self.runs.append(ROOT / "runs" / gate.run_id)
        return done.returncode, gate


@pytest.fixture(scope="module")
def pairs(small_lab: SmallLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pairs]:
    runs_lab(small_lab)
    pairs = Pairs(tmp_path_factory.mktemp("pairs"))
    yield pairs
    for run in set(pairs.runs):
        shutil.rmtree(run, ignore_errors=True)


def whole_blocks(gate: Gate) -> int:
    """How many blocks have a valid cell of both builds."""
    cells = analyse(ROOT / "runs" / gate.run_id).cells
    base, candidate = (
        {cell.block for cell in cells if cell.api == api} for api in (gate.base.name, gate.candidate.name)
    )
    return len(base & candidate)


def test_a_build_that_was_made_slower_is_a_regression(pairs: Pairs, tmp_path: Path):
    summary = tmp_path / "summary.md"
    status, gate = pairs.gate(SLOWED, "--protocol", str(pairs.three_blocks), "--summary", str(summary))
    assert (status, gate.outcome) == (1, "regression"), gate
    assert {finding.pair.blocks for finding in gate.findings} == {whole_blocks(gate)}
    assert summary.read_text().startswith(f"## Gate: regression: {SLOWED} beside {BASE}")
    again, judged = pairs.gate(SLOWED, "--run", gate.run_id)
    assert (again, judged) == (status, gate)


def test_a_build_that_is_the_same_has_the_status_of_its_outcome_and_is_told(pairs: Pairs):
    """On a small and noisy machine two blocks can't show sameness, and one of forty calls it a regression."""
    status, gate = pairs.gate(SAME, "--protocol", str(pairs.two_blocks))
    assert gate.outcome != "no-answer"
    assert status == EXIT_STATUSES[gate.outcome]
    assert "one and the same image" in gate.caveats[0]
    assert (gate.blocks_needed is not None) <= (gate.outcome == "cannot-tell")


def test_a_setting_that_changed_between_two_runs_is_refused_by_name(pairs: Pairs, small_lab: SmallLab):
    first = pairs.run()
    report = run_lab(["report", first.name])
    assert report.returncode == 0, report.stderr
    assert BASE in report.stdout
    small_lab.describe_go(shared_buffers="256MB")
    small_lab.up()
    second = pairs.run()
    refused = run_lab(["compare", str(first), str(second)])
    assert (refused.returncode, refused.stdout) == (1, "")
    (line,) = refused.stderr.splitlines()
    assert line == (
        f"error: {first.name} and {second.name} can't be compared, for they weren't measured under the same "
        "conditions. PostgreSQL setting shared_buffers: 128MB and 256MB. Measure one of them again under the other's, "
        "or compare them all the same with --anyway, which marks the page."
    )
    assert not (second / "compared").exists()
    shown = run_lab(["compare", str(first), str(second), "--anyway"])
    assert shown.returncode == 0, shown.stderr
    page = (second / "compared" / f"{first.name}.html").read_text()
    assert f"<title>Unlike conditions: {BASE} in {second.name} and {first.name}" in page
    assert "PostgreSQL setting shared_buffers: 128MB and 256MB" in page


def test_a_candidate_that_the_lab_lacks_is_no_verdict(pairs: Pairs):
    done = pairs.lab("gate", BASE, "no-such-api", "--protocol", str(pairs.three_blocks))
    assert done.returncode == 3
    assert done.stderr.startswith(f"error: The lab {NAME} has no API no-such-api; it has ")
