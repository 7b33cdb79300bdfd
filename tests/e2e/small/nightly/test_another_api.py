"""An implementation that no room knows goes its way from a folder to a report, by its document alone.

It is a copy of one of those that are known, under another name and of another language.
"""

import json
import shutil
from pathlib import Path

import pytest

from analysis.raw.run import read_run
from analysis.report.report import analyse
from documents.errors import HostError
from documents.report.api_check import ApiCheck
from experiment.api_check import SECTIONS
from provision.containers.inspection import folder_owner, inspect_image
from provision.ssh.connection import connect
from tests.conftest import ROOT, run_lab
from tests.e2e.lab_run import write_protocol
from tests.e2e.lab_with_neighbours import LAB_WITH_NEIGHBOURS
from tests.e2e.scratch import Scratch

# The checks of the contract hold it to time limits.
pytestmark = [pytest.mark.nightly, pytest.mark.alone]

API = "fifth"
COPIED = ROOT / "apis" / "go"


def failed_steps(lab: Scratch) -> list[str]:
    """`lab api check` as programs get it: the steps that failed, by which its status goes."""
    done = run_lab(["api", "check", API, "--stack", lab.name, "--json"])
    found = ApiCheck.from_json(done.stdout, name=done.stderr or "the answer of lab api check")
    assert [step.name for step in found.steps] == list(SECTIONS)
    assert done.returncode == (0 if found.first_failure is None else 1)
    return [step.name for step in found.steps if step.outcome == "failed"]


def test_another_implementation_is_led_to_the_contract_and_measured(scratch: Scratch, tmp_path: Path):
    source = scratch.sources / API
    shutil.copytree(COPIED, source)
    document = source / "implementation.yaml"
    document.write_text(document.read_text().replace("language: Go", "language: Another"))
    host = {"kind": "container", "cpus": 2, "memory_gb": 4, "ssh_port": scratch.ssh_port, "build_cache": "keep"}
    entry = {"name": API, "source": str(source.relative_to(ROOT)), "port": 18080}
    scratch.describe({"host": host, "apis": [entry]})
    assert failed_steps(scratch) == ["lab"]

    inventory = scratch.up()
    told = run_lab(["api", "check", API, "--stack", scratch.name])
    assert told.returncode == 0, told.stdout + told.stderr
    # Between them stand reminders that it goes on, where it takes its time.
    lines = told.stdout.splitlines()
    assert [line.split()[:3] for line in lines if line[0] != " "] == [
        *(["✓", name, "passed"] for name in SECTIONS),
        ["The", "API", API],
    ]
    assert lines[-1] == f"The API {API} keeps the contract, and is ready to be measured."
    # Its last step was the whole of it; that the command knows the API as well is shown by one group.
    verify = scratch.lab("verify", API, "--only", "posts", "--json")
    assert verify.returncode == 0, verify.stdout + verify.stderr
    assert {(one["target"], one["outcome"]) for one in json.loads(verify.stdout)} == {(API, "passed")}
    with connect(inventory.host) as connection:
        assert folder_owner(connection, inventory.stack, inventory.base_image_id, "/etc") == "0/0"
        assert folder_owner(connection, inventory.stack, inventory.base_image_id, "/uploads") is None
        with pytest.raises(HostError, match="No such image: nothing"):
            inspect_image(connection, "nothing")

    protocol = write_protocol(tmp_path, ("light", "mixed", 10, 2))
    run = run_lab(["run", "--protocol", str(protocol), "--json", "--stack", scratch.name], lab=LAB_WITH_NEIGHBOURS)
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr
    folder = Path(json.loads(run.stdout.splitlines()[0])["directory"])
    try:
        shown = run_lab(["report", folder.name])
        assert shown.returncode == 0, shown.stdout + shown.stderr
        assert API in shown.stdout
        assert API in (folder / "report.md").read_text()
        (summary,) = analyse(read_run(folder)).summaries
        assert (summary.api, summary.cells) == (API, 1)
    finally:
        shutil.rmtree(folder)
    shutil.rmtree(source)
