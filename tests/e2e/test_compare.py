"""Two runs of a lab whose PostgreSQL was set otherwise meanwhile, and the gate on builds that stand side by side."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.report import analyse
from cli.gate import EXIT_STATUSES
from documents.gate import Gate
from provision.connection import connect
from tests.conftest import ROOT, LiveLab, run_lab
from tests.e2e.lab_run import API, ATTEMPTS_MOST, write_protocol
from tests.e2e.scratch import NAME, Scratch

pytestmark = pytest.mark.alone

LOAD = ("light", "read-user", 10, 2)
BASE, SAME, STARVED = "go", "go-same", "go-starved"

ENVIRONMENTS: dict[str, dict[str, str]] = {
    BASE: {},
    SAME: {},
    # Below what it needs at rest: its garbage collector is at work all the time, with up to half of the CPU.
    STARVED: {"GOMEMLIMIT": "1MiB"},
}

DOCKERFILE = """
FROM scratch
COPY --chmod=0755 api /api
COPY --chown=65532:65532 uploads /uploads
ENV UPLOAD_DIR=/uploads
USER 65532:65532
ENTRYPOINT ["/api"]
"""


class PairLab:
    """The scratch lab with three entries of one build, that of the lab's own API, and what tests do with it."""

    def __init__(self, scratch: Scratch, live_lab: LiveLab, folder: Path) -> None:
        self.scratch = scratch
        self.source = scratch.sources / "built"
        (self.source / "uploads").mkdir(parents=True)
        (self.source / "uploads" / "empty").touch()
        (self.source / "Dockerfile").write_text(DOCKERFILE)
        binary = "/tmp/fairground-pair-api"  # noqa: S108 - on the lab's host, and removed at once
        with connect(live_lab.inventory.host) as host:
            host.run(["docker", "cp", f"{live_lab.inventory.api(API).container}:/api", binary], deadline_seconds=60)
            host.pull(binary, self.source / "api")
            host.run(["rm", binary], deadline_seconds=30)
        self.one_block = write_protocol(folder, LOAD, name="one-block")
        self.two_blocks = write_protocol(folder, LOAD, name="two-blocks", blocks=2, attempts=ATTEMPTS_MOST)
        self.four_blocks = write_protocol(folder, LOAD, name="four-blocks", blocks=4, attempts=ATTEMPTS_MOST)
        self.runs: list[Path] = []

    def up(self, **settings: str) -> None:
        """Stand it up with these settings of PostgreSQL."""
        self.scratch.describe(
            {
                "host": {"kind": "container", "cpus": 2, "memory_gb": 4, "ssh_port": self.scratch.ssh_port},
                "services": {"postgres": {"settings": settings}},
                "apis": [
                    {
                        "name": name,
                        "source": str(self.source.relative_to(ROOT)),
                        "port": 18080 + number,
                        "environment": environment,
                    }
                    for number, (name, environment) in enumerate(ENVIRONMENTS.items())
                ],
            }
        )
        self.scratch.up()

    def run(self) -> Path:
        """Measure the base; returns the run's folder."""
        done = self.scratch.lab("run", "--protocol", str(self.one_block), "--api", BASE, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        run = Path(json.loads(done.stdout.splitlines()[-1])["directory"])
        self.runs.append(run)
        return run

    def gate(self, candidate: str, *arguments: str) -> tuple[int, Gate]:
        """Judge a candidate by the base; returns the exit status and what was printed."""
        done = self.scratch.lab("gate", BASE, candidate, "--json", *arguments)
        gate = Gate.from_json(done.stdout, name=done.stderr or "standard output")
        self.runs.append(ROOT / "runs" / gate.run_id)
        return done.returncode, gate

    def remove(self) -> None:
        """Leave the scratch lab as others of its tests describe it, and nothing of the runs."""
        self.scratch.describe()
        shutil.rmtree(self.source)
        for run in set(self.runs):
            shutil.rmtree(run, ignore_errors=True)


@pytest.fixture(scope="module")
def pair_lab(scratch: Scratch, live_lab: LiveLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PairLab]:
    """Up once for all tests of this file."""
    lab = PairLab(scratch, live_lab, tmp_path_factory.mktemp("pair"))
    try:
        lab.up(shared_buffers="128MB")
        yield lab
    finally:
        lab.remove()


def whole_blocks(gate: Gate) -> int:
    """How many blocks have a valid cell of both builds."""
    cells = analyse(ROOT / "runs" / gate.run_id).cells
    base, candidate = (
        {cell.block for cell in cells if cell.api == api} for api in (gate.base.name, gate.candidate.name)
    )
    return len(base & candidate)


def test_a_setting_that_changed_between_two_runs_is_refused_by_name(pair_lab: PairLab):
    first, again = pair_lab.run(), pair_lab.run()
    alike = run_lab(["compare", str(first), str(again)])
    assert alike.returncode == 0, alike.stdout + alike.stderr
    assert "Unlike conditions" not in alike.stdout
    pair_lab.up(shared_buffers="256MB")
    second = pair_lab.run()
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


def test_a_build_that_was_made_slower_is_a_regression(pair_lab: PairLab, tmp_path: Path):
    summary = tmp_path / "summary.md"
    status, gate = pair_lab.gate(STARVED, "--protocol", str(pair_lab.four_blocks), "--summary", str(summary))
    assert (status, gate.outcome) == (1, "regression"), gate
    assert {finding.pair.blocks for finding in gate.findings} == {whole_blocks(gate)}
    assert summary.read_text().startswith(f"## Gate: regression: {STARVED} beside {BASE}")
    again, judged = pair_lab.gate(STARVED, "--run", gate.run_id)
    assert (again, judged) == (status, gate)


def test_a_build_that_is_the_same_has_the_status_of_its_outcome_and_is_told(pair_lab: PairLab):
    """On a small and noisy machine two blocks can't show sameness, and one of forty calls it a regression."""
    status, gate = pair_lab.gate(SAME, "--protocol", str(pair_lab.two_blocks))
    assert gate.outcome != "no-answer"
    assert status == EXIT_STATUSES[gate.outcome]
    assert "one and the same image" in gate.caveats[0]
    assert (gate.blocks_needed is not None) <= (gate.outcome == "cannot-tell")


def test_a_candidate_that_the_lab_lacks_is_no_verdict(pair_lab: PairLab):
    done = pair_lab.scratch.lab("gate", BASE, "no-such-api", "--protocol", str(pair_lab.four_blocks))
    assert done.returncode == 3
    assert done.stderr.startswith(f"error: The lab {NAME} has no API no-such-api; it has ")
