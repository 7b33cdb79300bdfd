"""No wait of Paramiko's ends because somebody sets the clock."""

import sys
import time
from itertools import count
from threading import Timer
from typing import Any, cast

import paramiko
import pytest
from paramiko.buffered_pipe import BufferedPipe, PipeTimeout

from provision.steady_waits import WAITING, wait_by_monotonic_clock

USE_IT_OTHERWISE = {"agent", "proxy", "sftp_attr", "sftp_client", "sftp_file"}
"""Modules that sleep, or set or show a file's time; and that of a command in place of a connection, which the lab has
nowhere."""


@pytest.fixture
def jumping_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A time of day that is three hours later each time that somebody looks."""
    wait_by_monotonic_clock()
    hours = count(0, 3 * 3600)
    monkeypatch.setattr(time, "time", lambda: float(next(hours)))


@pytest.mark.usefixtures("jumping_clock")
def test_what_comes_in_time_is_not_late():
    pipe = cast("Any", BufferedPipe())
    Timer(0.1, pipe.feed, [b"x"]).start()
    assert pipe.read(1, timeout=20) == b"x"


@pytest.mark.usefixtures("jumping_clock")
def test_what_does_not_come_is_waited_for_as_long_as_it_is_said():
    began = time.monotonic()
    with pytest.raises(PipeTimeout):
        BufferedPipe().read(1, timeout=0.2)
    assert time.monotonic() - began >= 0.2


def test_paramiko_waits_nowhere_else():
    loaded = {name: module for name, module in sys.modules.items() if name.startswith(f"{paramiko.__name__}.")}
    using = {name.partition(".")[2] for name, module in loaded.items() if hasattr(module, "time")}
    assert using == {module.__name__.partition(".")[2] for module in WAITING} | USE_IT_OTHERWISE
