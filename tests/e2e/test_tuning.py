"""A run on a host of its own that is broken off: the host puts its settings back, and the run goes on.

The lab's host stands for one of its own. Its kernel is this machine's, so the files that are set are a stand-in on it.
Ten kills, and a cut network, are in `tests/ssh/test_broken_runs`.
"""

import json
import signal
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from documents.host import Host
from experiment.cell import READY_SECONDS
from provision.connection import Connection, connect
from provision.tuning import Place
from tests.conftest import LiveLab
from tests.e2e.host_view import wait_until_up
from tests.e2e.lab_run import write_protocol
from tests.e2e.own_host_run import LEASE_MARGIN_SECONDS
from tests.ssh.broken_run import BrokenRun
from tests.unit.provision.settings_stand_in import UNTOUCHED, UNTOUCHED_SETTINGS, chosen

LOAD_SECONDS = WARM_UP_SECONDS = 1
LEASE_SECONDS = LOAD_SECONDS + WARM_UP_SECONDS + READY_SECONDS + LEASE_MARGIN_SECONDS

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


def with_files(host: Connection, script: str) -> str:
    return host.run(
        ["python3", "-I", "-c", script, PLACE.root], input=json.dumps({"files": UNTOUCHED}), deadline_seconds=30
    ).stdout


def settings(host: Connection) -> dict[str, str]:
    return {name: chosen(text) for name, text in json.loads(with_files(host, _SHOW)).items()}


class OwnHostRun(BrokenRun):
    """A run on the lab's host as on one of its own."""

    cells = 4

    def __init__(self, live_lab: LiveLab, folder: Path) -> None:
        super().__init__(folder / "runs")
        self._live_lab = live_lab
        self._lab_file = folder / "lab.json"
        self._protocol = write_protocol(
            folder,
            ("light", "mixed", 10, LOAD_SECONDS),
            warm_up_seconds=WARM_UP_SECONDS,
            blocks=self.cells,
        )

    def command(self, host: Host) -> list[str]:
        own = host.model_copy(update={"kind": "ssh"})
        inventory = self._live_lab.inventory.model_copy(update={"host": own})
        documents = {"inventory": inventory, "secrets": self._live_lab.secrets}
        self._lab_file.touch(mode=0o600)
        self._lab_file.write_text(json.dumps({name: one.model_dump(mode="json") for name, one in documents.items()}))
        paths = [str(path) for path in (self._lab_file, self._folder, self._protocol)]
        return [sys.executable, "-m", "tests.e2e.own_host_run", *paths, json.dumps(asdict(PLACE))]

    def settings(self) -> dict[str, str]:
        # A connection for each look: the host's sshd may have been restarted since the last one.
        with connect(self._live_lab.inventory.host) as connection:
            return settings(connection)

    def left(self) -> list[str]:
        with connect(self._live_lab.inventory.host) as connection:
            found = connection.run(["ls", PLACE.state], deadline_seconds=30).stdout.split()
        return [name for name in found if not name.endswith("lock")]


@pytest.fixture
def run(live_lab: LiveLab, tmp_path: Path) -> Iterator[OwnHostRun]:
    """A run on the lab's host, which has a stand-in for its kernel's files."""
    with connect(live_lab.inventory.host) as connection:
        with_files(connection, _LAY)
    made = OwnHostRun(live_lab, tmp_path)
    yield made
    made.abandon()
    with connect(live_lab.inventory.host) as connection:
        connection.run(["rm", "-rf", "--", FOLDER], deadline_seconds=30)


@pytest.fixture
def lab_host(live_lab: LiveLab) -> Host:
    return live_lab.inventory.host


def test_a_run_that_is_killed_has_its_settings_put_back_by_the_host_and_goes_on(run: OwnHostRun, lab_host: Host):
    run.start(lab_host)
    run.wait_for("cell-finished")
    run.wait_for("phase-started", "load")
    assert run.is_tuned()
    run.send(signal.SIGKILL)
    assert run.finish()[0] == -signal.SIGKILL
    run.remember()
    run.wait_until_put_back(LEASE_SECONDS)
    run.start(lab_host)
    run.require_finished()


def test_a_run_whose_sshd_dies_goes_on_and_every_setting_comes_back(run: OwnHostRun, live_lab: LiveLab, lab_host: Host):
    """A host in a container ends with its sshd, and its guard with it; the run that goes on puts back what was left."""
    run.start(lab_host)
    run.wait_for("cell-finished")
    run.wait_for("phase-started", "load")
    with connect(lab_host) as connection:
        connection.run('kill -KILL "$(pgrep --oldest --exact sshd)"', deadline_seconds=30, check=False)
    run.require_lost()
    wait_until_up(live_lab.inventory)
    assert run.is_tuned(), "nothing but the next run is left to put it back"
    run.start(lab_host)
    run.require_finished()


def test_a_run_that_is_asked_to_end_puts_its_settings_back_at_once(run: OwnHostRun, lab_host: Host):
    run.start(lab_host)
    run.wait_for("phase-started", "load")
    assert run.settings() != UNTOUCHED_SETTINGS
    run.send(signal.SIGINT)
    run.finish(patience_seconds=60)
    assert run.settings() == UNTOUCHED_SETTINGS
