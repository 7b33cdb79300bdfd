"""The gate on builds that stand side by side."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.raw.run import read_run
from analysis.report.report import analyse
from documents.report.report import GATE_STATUSES, Gate
from tests.conftest import ROOT, run_lab
from tests.e2e.lab_run import ATTEMPTS_MOST, write_protocol
from tests.e2e.lab_with_neighbours import LAB_WITH_NEIGHBOURS
from tests.e2e.scratch import NAME
from tests.e2e.small.conftest import runs_lab
from tests.e2e.small_lab import BASE, SAME, SLOWED, SmallLab

LOAD = ("light", "read-user", 10, 3)
"""Three seconds, so that a machine that stands still for two of them takes two thirds of a cell, and not the cell."""


class Pairs:
    """The gate of the lab's pairs of builds."""

    def __init__(self, folder: Path) -> None:
        self.two_blocks = write_protocol(folder, LOAD, name="two-blocks", blocks=2, attempts=ATTEMPTS_MOST)
        self.three_blocks = write_protocol(folder, LOAD, name="three-blocks", blocks=3, attempts=ATTEMPTS_MOST)
        self.runs: list[Path] = []

    def lab(self, command: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a subcommand of `lab` on the lab."""
        return run_lab([command, *arguments, "--stack", NAME], lab=LAB_WITH_NEIGHBOURS)

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
    cells = analyse(read_run(ROOT / "runs" / gate.run_id)).cells
    base, candidate = (
        {cell.block for cell in cells if cell.api == api} for api in (gate.base.name, gate.candidate.name)
    )
    return len(base & candidate)


def test_a_build_that_was_made_slower_is_a_regression(pairs: Pairs, tmp_path: Path):
    summary = tmp_path / "summary.md"
    # By p50: where other work takes most of the API's CPU, throughput is that of whoever gets the rest.
    measure = ("--measure", "p50")
    status, gate = pairs.gate(SLOWED, "--protocol", str(pairs.three_blocks), *measure, "--summary", str(summary))
    assert (status, gate.outcome) == (1, "regression"), gate.to_json()
    assert {finding.pair.blocks for finding in gate.findings} == {whole_blocks(gate)}
    assert summary.read_text().startswith(f"## Gate: regression: {SLOWED} beside {BASE}")
    again, judged = pairs.gate(SLOWED, *measure, "--run", gate.run_id)
    assert (again, judged) == (status, gate)


@pytest.mark.nightly
def test_a_build_that_is_the_same_has_the_status_of_its_outcome_and_is_reported(pairs: Pairs):
    """On a small and noisy machine two blocks can't show sameness, and one of forty calls it a regression."""
    status, gate = pairs.gate(SAME, "--protocol", str(pairs.two_blocks))
    assert gate.outcome != "no-answer"
    assert status == GATE_STATUSES[gate.outcome]
    assert "the same image with the same environment" in gate.caveats[0]
    assert (gate.blocks_needed is not None) <= (gate.outcome == "cannot-tell")
