"""A controller whose clock is set while it waits for a host."""

import time
from itertools import count
from pathlib import Path

import pytest

from provision.ssh.connection import connect
from tests.ssh.sshd import Sshd

_NOW = time.time


@pytest.fixture(params=[3 * 3600, -3 * 3600], ids=["forward", "back"])
def set_clock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the clock by three hours each time that somebody looks at it."""
    step = count(0, request.param)
    monkeypatch.setattr(time, "time", lambda: _NOW() + next(step))


@pytest.mark.usefixtures("set_clock")
def test_neither_login_nor_command_nor_copy_ends_early(sshd: Sshd, tmp_path: Path):
    with connect(sshd.host) as connection:
        assert connection.run("cat; sleep 0.3; echo late", input="early\n", deadline_seconds=10).stdout == (
            "early\nlate\n"
        )
        connection.push_bytes(bytes(3_000_000), str(tmp_path / "pushed"))
        assert (tmp_path / "pushed").stat().st_size == 3_000_000
        connection.pull(str(tmp_path / "pushed"), tmp_path / "pulled")
        assert (tmp_path / "pulled").read_bytes() == bytes(3_000_000)
        with connection.stream("sleep 0.3; echo late", deadline_seconds=10) as output:
            assert b"".join(output) == b"late\n"
            output.check()
