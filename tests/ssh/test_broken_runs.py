"""A run on a host of its own that is cut off, or whose sshd is restarted: it goes on, and every setting comes back.

sshd, the connection, the run's lock, the lease and the guard are real. The kernel's files are a stand-in that can be
written to, for they are this machine's; what is measured is made up. A whole `lab run` that is killed, cut off, or
loses its host is in `tests/e2e/small/test_2_broken_off`.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ssh.broken_run import BrokenRun
from tests.ssh.cable import cable_to
from tests.ssh.sshd import Sshd


@pytest.fixture
def run(tmp_path: Path) -> Iterator[BrokenRun]:
    made = BrokenRun(tmp_path)
    yield made
    made.abandon()


def test_a_run_goes_on_at_once_when_the_network_is_back(sshd: Sshd, run: BrokenRun, tmp_path: Path):
    """By the time that the controller gives up, the lock is free; the settings are put back before they are set."""
    with cable_to(sshd.host, tmp_path) as cable:
        run.start(cable.host)
        run.wait_for("cell-finished")
        cable.cut()
        run.require_lost()
        assert sshd.session_processes(), "to the host's sshd the connection is still there"
        cable.mend()
        run.start(cable.host)
        run.require_finished()


@pytest.mark.nightly
def test_a_run_does_not_notice_that_sshd_is_restarted(own_sshd: Sshd, run: BrokenRun):
    """As by `systemctl restart ssh`, which leaves the open sessions alone."""
    run.start(own_sshd.host)
    run.wait_for("cell-finished")
    own_sshd.stop()
    own_sshd.start()
    run.require_finished()
