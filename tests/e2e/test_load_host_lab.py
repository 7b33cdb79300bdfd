"""The whole way with a load host: up, a run, a report, destroy, all by the stack document alone."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from analysis.report import analyse
from cli.context import open_engine
from documents.inventory import Inventory
from lab.lifecycle.leftovers import find_labelled, run_docker
from lab.lifecycle.lifecycle import read_lab
from lab.lifecycle.state import ensure_stack
from tests.conftest import ROOT, run_lab
from tests.ports import free_port

pytestmark = pytest.mark.alone

NAME = "e2e-load"
LOAD_HOST = f"fairground-{NAME}-load-host-1"


@pytest.fixture(scope="module")
def inventory() -> Iterator[Inventory]:
    """The inventory of a lab whose host has another one beside it, stood up by `pulumi up` and nothing else."""
    document = ROOT / "stacks" / f"{NAME}.yaml"
    described = {
        "version": 1,
        "name": NAME,
        "host": {"kind": "container", "memory_gb": 4, "ssh_port": free_port()},
        "load_host": {"kind": "container", "ssh_port": free_port()},
        "apis": [{"name": "zig", "source": "apis/zig", "port": 18080}],
    }
    document.write_text(yaml.safe_dump(described))
    try:
        engine = open_engine(NAME)
        ensure_stack(engine)
        pulumi("up")
        yield read_lab(engine)[0]
    finally:
        run_lab(["down", "--stack", NAME])
        document.unlink()
        (ROOT / f"Pulumi.{NAME}.yaml").unlink(missing_ok=True)
        shutil.rmtree(ROOT / ".lab" / "stacks" / NAME, ignore_errors=True)


def pulumi(command: str) -> None:
    done = subprocess.run(
        ["pulumi", command, "--stack", NAME, "--yes", "--skip-preview", "--non-interactive", "--color", "never"],
        cwd=ROOT,
        env=dict(open_engine(NAME).environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def lab(command: str, *arguments: str) -> str:
    done = run_lab([command, *arguments, "--stack", NAME])
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_load_host_is_as_the_host_and_has_the_generator_to_itself(inventory: Inventory):
    [load_host] = inventory.load_hosts
    assert load_host.size.memory_bytes == inventory.size.memory_bytes
    assert len(load_host.size.cpus) == len(inventory.size.cpus)
    assert inventory.cores.generator == ()
    assert not set(load_host.generator) & set(load_host.system)
    assert inventory.api_address != "127.0.0.1"
    assert "users" in lab("verify", "--only", "users")


def test_a_load_host_that_was_stopped_or_removed_is_there_again_after_an_up(inventory: Inventory):
    assert inventory.load_hosts
    assert "nothing to change" in lab("up")
    lab("verify", "--drift")
    run_docker("update", "--memory", "2g", "--memory-swap", "2g", LOAD_HOST)
    drifted = run_lab(["verify", "--drift", "--stack", NAME])
    assert drifted.returncode == 1
    assert "load-host-1: its memory limit" in drifted.stdout
    run_docker("rm", "--force", LOAD_HOST)
    lab("up")
    run_docker("stop", LOAD_HOST)
    lab("up")
    lab("verify", "--drift")


def test_a_run_whose_load_comes_from_another_host_and_nothing_is_left_of_its_lab(inventory: Inventory):
    # The two hosts, and whatever runs beside this test, are neighbours on one machine.
    command = ["run", "--protocol", "quick", "--json", "--stack", NAME]
    run = subprocess.run(
        [sys.executable, "-m", "tests.e2e.lab_with_neighbours", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr
    events = [json.loads(line) for line in run.stdout.splitlines()]
    folder = Path(events[0]["directory"])
    try:
        finished = events[-1]
        assert finished["cells"] == 18
        assert finished["void_cells"] < finished["cells"] / 2, [event for event in events if "record" in event][-3:]
        report = analyse(folder)
        [shown] = report.load_hosts
        assert shown.before.network is not None
        shares = set(inventory.load_hosts[0].size.cpus) & set(inventory.size.cpus)
        assert (report.grade == "shared") == bool(shares)
    finally:
        shutil.rmtree(folder)
    pulumi("destroy")
    assert [str(thing) for thing in find_labelled(NAME)] == []
