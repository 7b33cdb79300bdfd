"""Write a run's folder, ``runs/<id>/``: created whole with its first documents, and only added to from then on.

Files are whole or not there, and on disk when a function returns. The journal has one line for each thing done, on disk
before the next thing begins. A lock keeps two processes from writing to one run.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from analysis.raw import CLOCKS_NAME, load_host_file
from analysis.raw.run import OPEN_LOOP_PLAN
from documents.errors import RunError
from documents.files import replace_file, sync_folder
from documents.run import Cell, HostRecord, JournalEntry, JournalEvent, Manifest, OpenLoopPlan, Plan, attempt_id
from experiment.clock import SYSTEM_CLOCK, Clock

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
    """Show other processes of this machine that the run goes on, while the context is open or the process lives."""
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


class RunJournal:
    """`journal.jsonl` of a run, appended to only."""

    def __init__(self, path: Path, clock: Clock = SYSTEM_CLOCK) -> None:
        self._path = path
        self._clock = clock

    def append(
        self,
        event: JournalEvent,
        *,
        cell_id: str | None = None,
        attempt: int | None = None,
        message: str | None = None,
    ) -> None:
        """Write one entry; it is on disk when this returns.

        A last line that a crash tore is ended first, so that the new entry stands on a line of its own.

        Raises:
            OSError: it couldn't be written; names the file.
        """
        entry = JournalEntry(at=self._clock.now(), event=event, cell_id=cell_id, attempt=attempt, message=message)
        with named_in_errors(self._path), self._path.open("ab+") as file:
            if file.tell() > 0:
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    file.write(b"\n")
            file.write(entry.model_dump_json(exclude_none=True).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def entries(self) -> list[JournalEntry]:
        """Read all entries in their order.

        A torn line is left out: whether it was done isn't certain. It is the last line, or one that a
        resume ended and went on after.

        Raises:
            DocumentError: a line is whole, but not an entry.
        """
        entries: list[JournalEntry] = []
        for number, line in enumerate(self._path.read_bytes().splitlines(), start=1):
            if _is_json(line):
                entries.append(JournalEntry.from_json(line, name=f"{self._path}:{number}"))
        return entries


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def new_run_id(protocol_name: str, started_at: datetime) -> str:
    """The id of a run, which sorts by time: ``20260131-120000-quick``, in UTC."""
    return f"{started_at:%Y%m%d-%H%M%S}-{protocol_name}"


class RunWriter:
    """Writes to the folder of one run; the entries of its journal have the times of `clock`."""

    def __init__(self, path: Path, clock: Clock = SYSTEM_CLOCK) -> None:
        self.path = path
        self.journal = RunJournal(path / "journal.jsonl", clock)

    @classmethod
    def create(
        cls, runs_directory: Path, manifest: Manifest, host: HostRecord, plan: Plan, clock: Clock = SYSTEM_CLOCK
    ) -> "RunWriter":
        """Create the folder of a new run; it appears with its documents or not at all.

        If another run has the manifest's id, this one gets the first free id of `ID-2`, `ID-3` and so on.

        Raises:
            RunError: the folder can't be written.
        """
        path = runs_directory / manifest.run_id
        unfinished: Path | None = None
        try:
            path, unfinished = _reserve(path)
            manifest = manifest.model_copy(update={"run_id": path.name})
            (unfinished / "cells").mkdir()
            for name, document in (("manifest.json", manifest), ("host.json", host), ("plan.json", plan)):
                replace_file(unfinished / name, document.to_json())
            (unfinished / "journal.jsonl").touch()
            sync_folder(unfinished)
            unfinished.rename(path)
            sync_folder(runs_directory)
        except OSError as error:
            if unfinished is not None:
                shutil.rmtree(unfinished, ignore_errors=True)
            raise RunError(
                f"The run's folder {path} can't be made: {error}. See that its disk has room and is yours to write to, "
                "then run again."
            ) from error
        return cls(path, clock)

    def write_host(self, host: HostRecord) -> None:
        """Add what became known of the host."""
        replace_file(self.path / "host.json", host.to_json())

    def write_open_loop_plan(self, plan: OpenLoopPlan) -> None:
        """Lay down the open loop, before its first cell."""
        replace_file(self.path / OPEN_LOOP_PLAN, plan.to_json())

    def new_attempt_folder(self, cell: Cell, attempt: int) -> Path:
        """An empty folder for an attempt that isn't finished; what one that broke off left in it is removed."""
        folder = self.path / "cells" / attempt_id(cell.id, attempt)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder


def _reserve(wanted: Path) -> tuple[Path, Path]:
    """The first free path of a run, and the folder to create it in, whose atomic `mkdir` keeps every other process out.

    Raises:
        OSError: the folder can't be created.
    """
    wanted.parent.mkdir(parents=True, exist_ok=True)
    path, number = wanted, 1
    while True:
        unfinished = path.with_name(f".{path.name}.unfinished")
        with suppress(FileExistsError):
            unfinished.mkdir()
            if not path.exists():
                return path, unfinished
            unfinished.rmdir()
        number += 1
        path = wanted.with_name(f"{wanted.name}-{number}")
