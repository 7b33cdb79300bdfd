"""Waiting for what a host does in its own time, with a deadline."""

import time
from collections.abc import Callable
from pathlib import Path

HANGING_SECONDS = 20
"""After so long, something hangs. A program that a test ends early must run longer than this."""


def wait_until(done: Callable[[], bool], seconds: float = HANGING_SECONDS, *, what: str = "what was awaited") -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.05)


def wait_for_content(path: Path) -> None:
    wait_until(lambda: path.exists() and path.read_text() != "", what=f"content of {path}")


def wait_until_gone(pids: list[int]) -> None:
    wait_until(lambda: not any(map(is_alive, pids)), what=f"the end of the processes {pids}")


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
