"""Another stack: an implementation that no room knows goes its way from a folder to a report, by its document alone."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.report import analyse
from documents.api_check import ApiCheck
from experiment.api_check.steps import SECTIONS
from tests.conftest import ROOT, run_lab
from tests.e2e.conftest import small_lab
from tests.e2e.lab_run import write_protocol
from tests.e2e.lab_with_neighbours import LAB_WITH_NEIGHBOURS
from tests.e2e.scratch import Scratch, left_on_engine

NAME = "e2e-fifth"
API = "fifth"
SOURCE = ROOT / "tests" / "fifth" / "api"


@pytest.fixture(scope="module")
def fifth_lab(request: pytest.FixtureRequest) -> Iterator[Scratch]:
    """A lab of the fifth implementation alone."""
    with small_lab(Scratch(NAME), keep=bool(request.config.getoption("--keep-lab"))) as lab:
        yield lab


def describe(lab: Scratch, source: Path) -> None:
    """Have the lab's one API made of the sources in this folder."""
    lab.describe(
        {
            "host": {
                "kind": "container",
                "cpus": 2,
                "memory_gb": 4,
                "ssh_port": lab.ssh_port,
                "build_cache": "discard",
            },
            "apis": [{"name": API, "source": str(source.relative_to(ROOT)), "port": 18080}],
        }
    )


def check(lab: Scratch) -> tuple[int, ApiCheck, list[str]]:
    """`lab api check`: its status, all of it, and the steps that failed."""
    done = run_lab(["api", "check", API, "--stack", lab.name, "--json"])
    found = ApiCheck.from_json(done.stdout, name=done.stderr or "the answer of lab api check")
    assert [step.name for step in found.steps] == list(SECTIONS)
    return done.returncode, found, [step.name for step in found.steps if step.outcome == "failed"]


def test_a_fifth_implementation_is_led_to_the_contract_and_measured(fifth_lab: Scratch, tmp_path: Path):
    broken = fifth_lab.sources / "broken"
    shutil.copytree(SOURCE, broken, ignore=shutil.ignore_patterns("__pycache__"))
    fields = broken / "src" / "fifth" / "fields.py"
    fields.write_text(fields.read_text().replace("is required", "is wanted"))
    describe(fifth_lab, broken)
    assert check(fifth_lab)[2] == ["lab"]

    fifth_lab.up()
    status, found, failed = check(fifth_lab)
    assert (status, failed) == (1, ["contract"])
    assert found.first_failure == found.steps[-1]
    assert any(detail.startswith("users.") and "is wanted" in detail for detail in found.steps[-1].details)

    describe(fifth_lab, SOURCE)
    status, found, failed = check(fifth_lab)
    assert (status, failed) == (1, ["lab"])
    assert [step.outcome for step in found.steps[-3:]] == ["not looked at"] * 3

    fifth_lab.up()
    told = run_lab(["api", "check", API, "--stack", fifth_lab.name])
    assert told.returncode == 0, told.stdout + told.stderr
    assert told.stdout.splitlines()[-1] == f"The API {API} keeps the contract, and is ready to be measured."
    verify = fifth_lab.lab("verify", "--json")
    assert verify.returncode == 0, verify.stdout
    assert {(one["target"], one["outcome"]) for one in json.loads(verify.stdout)} == {(API, "passed")}

    protocol = write_protocol(tmp_path, ("light", "mixed", 10, 2))
    run = run_lab(["run", "--protocol", str(protocol), "--json", "--stack", fifth_lab.name], lab=LAB_WITH_NEIGHBOURS)
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr
    folder = Path(json.loads(run.stdout.splitlines()[0])["directory"])
    try:
        shown = run_lab(["report", folder.name])
        assert shown.returncode == 0, shown.stdout + shown.stderr
        assert API in shown.stdout
        assert API in (folder / "report.md").read_text()
        (summary,) = analyse(folder).summaries
        assert (summary.api, summary.cells) == (API, 1)
    finally:
        shutil.rmtree(folder)

    assert fifth_lab.down()[-1] == "left  nothing"
    assert left_on_engine(fifth_lab.name) == []
