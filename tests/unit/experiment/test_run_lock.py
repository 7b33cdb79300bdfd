"""The lock on a host, through a real sshd on loopback."""

import getpass
import os
import re
import signal
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from documents.errors import RunError
from experiment.bench import run_lock
from provision.ssh import Completed, Connection, connect
from tests.ssh.cable import cable_to
from tests.ssh.sshd import Sshd
from tests.ssh.waiting import wait_for_content, wait_until


@pytest.fixture
def lock(tmp_path: Path) -> str:
    return str(tmp_path / "run.lock")


def test_one_run_at_a_time_holds_the_host_and_is_named(sshd: Sshd, lock: str):
    holder = re.escape(f"run 1 of {getpass.getuser()}@{socket.gethostname()}, process {os.getpid()}")
    with connect(sshd.host) as first, connect(sshd.host) as second:
        with (
            run_lock.held(first, "run 1", lock=lock),
            pytest.raises(RunError, match=rf"Another run holds .*: {holder}\. Two runs"),
            run_lock.held(second, "run 2", lock=lock),
        ):
            pytest.fail("the lock was given twice")
        with run_lock.held(second, "run 2", lock=lock):
            pass


def test_the_lock_ends_with_the_connection(sshd: Sshd, lock: str):
    with connect(sshd.host) as first, connect(sshd.host) as second, run_lock.held(first, "ada", lock=lock):
        first.close()
        with run_lock.held(second, "grace", lock=lock):
            assert Path(lock).read_text().startswith("grace of ")


@pytest.mark.alone
def test_the_lock_is_free_again_when_its_holder_s_network_was_cut_in_silence(
    sshd: Sshd, lock: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The host's sshd has nothing to send, so it would keep the connection for hours."""
    beat_quickly(monkeypatch)
    with cable_to(sshd.host, tmp_path) as cable, connect(sshd.host) as other:
        with connect(cable.host) as first, run_lock.held(first, "ada", lock=lock):
            time.sleep(2)
            with pytest.raises(RunError, match=": ada"), run_lock.held(other, "grace", lock=lock):
                pytest.fail("the lock was given twice")
            cable.cut()
            with run_lock.held(other, "grace", lock=lock):
                assert Path(lock).read_text().startswith("grace of ")
        assert len(sshd.session_processes()) == 2, "the host's side of the connection must be up to the end"


def beat_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_lock, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(run_lock, "SILENT_SECONDS", 1)


def test_a_run_whose_lock_is_lost_loses_its_connection_too(sshd: Sshd, lock: str, caplog: pytest.LogCaptureFixture):
    """Else another run could take the host while this one goes on."""
    with connect(sshd.host) as connection, run_lock.held(connection, "ada", lock=lock):
        os.kill(int(Path(lock).read_text().split()[-1]), signal.SIGKILL)
        wait_until(lambda: not connection.is_open)
    assert "was lost" in caplog.text


def test_an_interrupt_of_the_holder_releases_the_lock(sshd: Sshd, lock: str):
    with connect(sshd.host) as connection:
        with pytest.raises(KeyboardInterrupt), run_lock.held(connection, "ada", lock=lock):
            raise KeyboardInterrupt
        with run_lock.held(connection, "ada", lock=lock):
            pass


def test_an_interrupt_while_the_lock_is_acquired_ends_at_once_and_releases_it(
    sshd: Sshd, lock: str, monkeypatch: pytest.MonkeyPatch
):
    def interrupt(connection: Connection, command: Sequence[str], **options: Any) -> Completed:  # noqa: ANN401 - passed on
        if command[0] != "cat":
            return run(connection, command, **options)
        wait_for_content(Path(lock))
        raise KeyboardInterrupt

    run = Connection.run
    monkeypatch.setattr(Connection, "run", interrupt)
    with (
        connect(sshd.host) as connection,
        pytest.raises(KeyboardInterrupt),
        run_lock.held(connection, "ada", lock=lock),
    ):
        pytest.fail("the lock was given to one that was interrupted")
    monkeypatch.undo()
    with connect(sshd.host) as connection, run_lock.held(connection, "grace", lock=lock):
        assert Path(lock).read_text().startswith("grace of ")
