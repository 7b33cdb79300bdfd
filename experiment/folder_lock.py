"""A mark on a run's folder that lives exactly as long as the process that measures the run."""

import fcntl
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_LOCKED = "journal.jsonl"
"""The file that carries the lock; every run has it."""


@contextmanager
def in_use(run_directory: Path) -> Generator[None]:
    """Tell other processes of this machine that the run goes on, while the context is open or the process lives."""
    with (run_directory / _LOCKED).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


@contextmanager
def unless_in_use(run_directory: Path) -> Generator[bool]:
    """Whether the run's folder is in nobody's use; if so, nobody begins to use it while the context is open."""
    with (run_directory / _LOCKED).open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
