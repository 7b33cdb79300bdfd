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
from lab.lifecycle.leftovers import find_labelled
from lab.lifecycle.lifecycle import read_lab
from lab.lifecycle.state import ensure_stack
from tests.conftest import ROOT, run_lab
from tests.ports import free_port

pytestmark = pytest.mark.alone

NAME = "e2e-load"


@pytest.fixture
def stack() -> Iterator[str]:
    document = ROOT / "stacks" / f"{NAME}.yaml"
    described = {
        "version": 1,
        "name": NAME,
        "host": {"kind": "container", "memory_gb": 4, "ssh_port": free_port()},
        "load_host": {"kind": "container", "ssh_port": free_port()},
        "apis": [{"name": "zig", "source": "apis/zig", "port": 18080}],
    }
    document.write_text(yaml.safe_dump(described))
    yield NAME
    run_lab(["down", "--stack", NAME])
    document.unlink()
    (ROOT / f"Pulumi.{NAME}.yaml").unlink(missing_ok=True)
    shutil.rmtree(ROOT / ".lab" / "stacks" / NAME, ignore_errors=True)


def pulumi(*arguments: str) -> None:
    done = subprocess.run(
        ["pulumi", *arguments, "--stack", NAME, "--yes", "--skip-preview", "--non-interactive", "--color", "never"],
        cwd=ROOT,
        env=dict(open_engine(NAME).environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_run_whose_load_comes_from_another_host(stack: str):
    engine = open_engine(stack)
    ensure_stack(engine)
    pulumi("up")
    inventory, _ = read_lab(engine)
    [load_host] = inventory.load_hosts
    assert inventory.cores.generator == ()
    assert inventory.api_address != "127.0.0.1"
    assert not set(load_host.generator) & set(load_host.system)
    verified = run_lab(["verify", "--only", "users", "--stack", stack])
    assert verified.returncode == 0, verified.stdout + verified.stderr

    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.e2e.lab_with_neighbours",
            "run",
            "--protocol",
            "quick",
            "--json",
            "--stack",
            stack,
        ],
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
        assert report.load_hosts
        assert report.grade == "shared", "on this machine the load host has the CPUs of the lab's host"
    finally:
        shutil.rmtree(folder)
    pulumi("destroy")
    assert [str(thing) for thing in find_labelled(stack) if thing.kind in {"container", "network"}] == []
