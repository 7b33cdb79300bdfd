"""The raw files of a run's folder, and the lock on it."""

import fcntl
import hashlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from analysis.raw import CLOCKS_NAME, load_host_file

RAW_FILES = ("wrk.json", "wrk.txt", "open-loop.json", "samples.csv", "watch.json", "ticks.jsonl", CLOCKS_NAME)
"""The raw files of a cell, as far as it has them; each load host adds some with its number before their names."""


@contextmanager
def named_in_errors(path: Path) -> Generator[None]:
    """Have an `OSError` name the file, which one of a write, as to a full disk, doesn't by itself."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def raw_files(folder: Path) -> list[str]:
    """The names of the raw files in an attempt's folder."""
    of_load_hosts = sorted(path.name for path in folder.glob(load_host_file("*", "*")))
    return [*(name for name in RAW_FILES if (folder / name).exists()), *of_load_hosts]


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
