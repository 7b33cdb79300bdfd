"""A run on a host of its own that is killed, cut off or loses its sshd: it goes on, and every setting comes back.

sshd, the connection, the run's lock, the lease and the guard are real. The kernel's files are a stand-in that can be
written to, for they are this machine's; what is measured is made up.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from documents.host import Host
from tests.ssh.broken_run import BrokenRun
from tests.ssh.cable import cable_to
from tests.ssh.own_host_run import LEASE_SECONDS
from tests.ssh.sshd import Sshd
from tests.unit.provision.settings_stand_in import StandIn


class StandInRun(BrokenRun):
    """A run on this machine as its host."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "runs")
        self.stand_in = StandIn(folder)

    def command(self, host: Host) -> list[str]:
        place = json.dumps(asdict(self.stand_in.place))
        return [sys.executable, "-m", "tests.ssh.own_host_run", host.to_json(), place, str(self._folder)]

    def settings(self) -> dict[str, str]:
        return self.stand_in.settings()

    def left(self) -> list[str]:
        return self.stand_in.left()

    def abandon(self) -> None:
        super().abandon()
        # A guard ends when it sees that there is no lease.
        (self.stand_in.state / "lease.json").unlink(missing_ok=True)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[StandInRun]:
    made = StandInRun(tmp_path)
    yield made
    made.abandon()


def test_a_run_that_is_killed_at_ten_random_moments_goes_on_and_every_setting_comes_back(sshd: Sshd, run: StandInRun):
    run.kill_at_ten_random_moments(sshd.host)
    run.wait_until_put_back(LEASE_SECONDS)
    run.start(sshd.host)
    run.require_finished()


def test_a_run_whose_packets_are_lost_says_so_and_goes_on_and_every_setting_comes_back(
    sshd: Sshd, run: StandInRun, tmp_path: Path
):
    with cable_to(sshd.host, tmp_path) as cable:
        run.start(cable.host)
        run.wait_for("cell-finished")
        run.wait_for("phase-started", "load")
        assert run.is_tuned()
        cable.cut()
        run.require_lost()
        run.wait_until_put_back(LEASE_SECONDS)
        assert sshd.session_processes(), "to the host's sshd the connection is still there"
        cable.mend()
        run.start(cable.host)
        run.require_finished()


def test_a_run_goes_on_at_once_when_the_network_is_back(sshd: Sshd, run: StandInRun, tmp_path: Path):
    """By the time that the controller gives up, the lock is free; the settings are put back before they are set."""
    with cable_to(sshd.host, tmp_path) as cable:
        run.start(cable.host)
        run.wait_for("cell-finished")
        cable.cut()
        run.require_lost()
        cable.mend()
        run.start(cable.host)
        run.require_finished()


def test_a_run_does_not_notice_that_sshd_is_restarted(sshd: Sshd, run: StandInRun):
    """As by `systemctl restart ssh`, which leaves the open sessions alone."""
    run.start(sshd.host)
    run.wait_for("cell-finished")
    sshd.stop()
    sshd.start()
    run.require_finished()


def test_a_run_that_loses_its_sshd_and_its_session_goes_on_and_every_setting_comes_back(sshd: Sshd, run: StandInRun):
    run.start(sshd.host)
    run.wait_for("cell-finished")
    run.wait_for("phase-started", "load")
    sshd.kill_sessions()
    sshd.stop()
    run.require_lost()
    run.wait_until_put_back(LEASE_SECONDS)
    sshd.start()
    run.start(sshd.host)
    run.require_finished()
