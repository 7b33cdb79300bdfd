"""A run on a host of its own whose controller is killed: the host puts its settings back, and the run goes on.

The lab's host stands for one of its own. Its kernel is this machine's, so the files that are set are a stand-in on it.
"""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from documents.run import HostRecord
from experiment.cell import READY_SECONDS
from provision.connection import Connection
from provision.knobs import Place
from tests.conftest import ROOT, LiveLab
from tests.e2e.lab_run import read_journal, write_protocol
from tests.e2e.own_host_run import LEASE_MARGIN_SECONDS
from tests.unit.provision.settings_stand_in import UNTOUCHED, UNTOUCHED_SETTINGS, chosen

FOLDER = "/var/lib/fairground/stand-in"
PLACE = Place(root=f"{FOLDER}/root", state=f"{FOLDER}/knobs", program=f"{FOLDER}/knobs.pyz")

_LAY = """
import json, pathlib, sys
for name, text in json.load(sys.stdin)["files"].items():
    path = pathlib.Path(sys.argv[1], name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\\n")
"""
_SHOW = """
import json, pathlib, sys
print(json.dumps({name: pathlib.Path(sys.argv[1], name).read_text() for name in json.load(sys.stdin)["files"]}))
"""


@pytest.fixture
def stand_in(host: Connection) -> Iterator[Connection]:
    """The host, with a stand-in for its kernel's files laid on it."""
    with_files(host, _LAY)
    yield host
    host.run(["rm", "-rf", "--", FOLDER], deadline_seconds=30)


def with_files(host: Connection, script: str) -> str:
    return host.run(
        ["python3", "-I", "-c", script, PLACE.root], input=json.dumps({"files": UNTOUCHED}), deadline_seconds=30
    ).stdout


def settings(host: Connection) -> dict[str, str]:
    return {name: chosen(text) for name, text in json.loads(with_files(host, _SHOW)).items()}


@pytest.fixture
def lab_file(live_lab: LiveLab, tmp_path: Path) -> Path:
    host = live_lab.inventory.host.model_copy(update={"kind": "ssh"})
    inventory = live_lab.inventory.model_copy(update={"host": host})
    path = tmp_path / "lab.json"
    path.touch(mode=0o600)
    path.write_text(
        json.dumps(
            {"inventory": inventory.model_dump(mode="json"), "secrets": live_lab.secrets.model_dump(mode="json")}
        )
    )
    return path


def start(lab_file: Path, runs: Path, protocol: Path, *resumed: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.e2e.own_host_run", lab_file, runs, protocol, json.dumps(asdict(PLACE))]
    return subprocess.Popen(
        [*command, *resumed],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_load(run: "subprocess.Popen[str]") -> None:
    assert run.stdout is not None
    for line in run.stdout:
        if json.loads(line).get("phase") == "load":
            return
    raise AssertionError(run.communicate()[1])


def test_every_setting_comes_back_after_the_controller_was_killed(lab_file: Path, stand_in: Connection, tmp_path: Path):
    seconds = 3
    protocol = write_protocol(tmp_path, ("light", "mixed", 10, seconds), blocks=2)
    run = start(lab_file, tmp_path / "runs", protocol)
    try:
        wait_for_load(run)
        tuned = settings(stand_in)
        assert tuned["proc/sys/vm/swappiness"] == "1"
        assert tuned["sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"] == "performance"
        run.send_signal(signal.SIGKILL)
        assert run.wait(30) == -signal.SIGKILL
    finally:
        run.kill()
    ends_at = time.monotonic() + seconds + READY_SECONDS + LEASE_MARGIN_SECONDS + 30
    while settings(stand_in) != UNTOUCHED_SETTINGS:
        assert time.monotonic() < ends_at, settings(stand_in)
        time.sleep(1)
    left = stand_in.run(["ls", PLACE.state], deadline_seconds=30).stdout.split()
    assert "journal.jsonl" not in left
    assert "lease.json" not in left
    [folder] = (tmp_path / "runs").iterdir()
    again = start(lab_file, tmp_path / "runs", protocol, str(folder))
    _, errors = again.communicate(timeout=180)
    assert again.returncode == 0, errors
    assert settings(stand_in) == UNTOUCHED_SETTINGS
    record = HostRecord.from_json((folder / "host.json").read_bytes(), name="host.json")
    assert record.knobs
    assert all(knob.controlled and knob.after == knob.before for knob in record.knobs)
    assert [entry.event for entry in read_journal(folder)].count("cell-finished") == 2


def test_a_run_that_is_asked_to_end_puts_its_settings_back_at_once(
    lab_file: Path, stand_in: Connection, tmp_path: Path
):
    run = start(lab_file, tmp_path / "runs", write_protocol(tmp_path, ("light", "mixed", 10, 5)))
    try:
        wait_for_load(run)
        assert settings(stand_in) != UNTOUCHED_SETTINGS
        run.send_signal(signal.SIGINT)
        run.wait(60)
    finally:
        run.kill()
    assert settings(stand_in) == UNTOUCHED_SETTINGS
