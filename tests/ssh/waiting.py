"""Waiting for what a host does in its own time, with a deadline."""

import time
from collections.abc import Callable
from pathlib import Path

HANGING_SECONDS = 20
"""When something hangs: on however busy a machine, it takes less. What is started to see its end goes on for longer."""


def wait_until(done: Callable[[], bool], seconds: float = HANGING_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it didn't come to that"
        time.sleep(0.05)


def wait_for_content(path: Path) -> None:
    deadline = time.monotonic() + HANGING_SECONDS
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < deadline, f"{path} stays empty"
        time.sleep(0.02)


def wait_until_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + HANGING_SECONDS
    while alive := [pid for pid in pids if is_alive(pid)]:
        assert time.monotonic() < deadline, f"{alive} are still alive"
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
