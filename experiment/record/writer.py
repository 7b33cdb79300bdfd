"""Write a run's folder, ``runs/<id>/``: created complete with its first documents, then only extended.

Every file is complete or missing, and on disk when a function returns. The journal has a line for each step, on disk
before the next step begins. A shared lock on the journal keeps `lab runs prune` from removing a run that is in use.
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

from analysis.raw import OPEN_LOOP_PLAN
from documents.errors import RunError
from documents.files import named_in_errors, replace_file, sync_folder
from documents.run import Cell, HostRecord, JournalEntry, JournalEvent, Manifest, OpenLoopPlan, Plan, attempt_id
from experiment.clock import SYSTEM_CLOCK, Clock


def hash_raw_files(folder: Path) -> dict[str, str]:
    """The SHA-256 of each raw file in an attempt's folder, in hexadecimal, by the file's name.

    Names of unfinished copies begin with a dot; they are left out.
    """
    paths = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


_JOURNAL = "journal.jsonl"
"""The journal, which also has the lock; a run that has lost it gets another one when it is resumed."""


@contextmanager
def in_use(run_directory: Path) -> Generator[None]:
    """Mark the run as in use for other processes of this machine, until the context or the process ends."""
    with (run_directory / _JOURNAL).open("ab+") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


@contextmanager
def unless_in_use(run_directory: Path) -> Generator[bool]:
    """Whether no process uses the run's folder; if so, none can begin to use it during the context."""
    with (run_directory / _JOURNAL).open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


class RunJournal:
    """`journal.jsonl` of a run, which only grows."""

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

        A torn last line, which a crash left, is ended first, so that the new entry has its own line.

        Raises:
            OSError: it can't be written; names the file.
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

        A torn line is skipped, because its step may not have happened. It is the last line, or the last before a
        resume.

        Raises:
            DocumentError: a line is valid JSON, but not an entry.
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
    """Writes to the folder of one run; `clock` gives the times in its journal."""

    def __init__(self, path: Path, clock: Clock = SYSTEM_CLOCK) -> None:
        self.path = path
        self.journal = RunJournal(path / _JOURNAL, clock)

    @classmethod
    def create(
        cls, runs_directory: Path, manifest: Manifest, host: HostRecord, plan: Plan, clock: Clock = SYSTEM_CLOCK
    ) -> "RunWriter":
        """Create the folder of a new run in one step, with its documents.

        If another run has the manifest's id, this one gets the first free id of `ID-2`, `ID-3` and so on.

        Raises:
            RunError: the folder can't be created.
        """
        path = runs_directory / manifest.run_id
        unfinished: Path | None = None
        try:
            path, unfinished = _reserve(path)
            manifest = manifest.model_copy(update={"run_id": path.name})
            (unfinished / "cells").mkdir()
            for name, document in (("manifest.json", manifest), ("host.json", host), ("plan.json", plan)):
                replace_file(unfinished / name, document.to_json())
            (unfinished / _JOURNAL).touch()
            sync_folder(unfinished)
            unfinished.rename(path)
            sync_folder(runs_directory)
        except OSError as error:
            if unfinished is not None:
                shutil.rmtree(unfinished, ignore_errors=True)
            raise RunError(
                f"The run's folder {path} can't be created: {error}. Check that its disk has room and that you may "
                "write there, then run again."
            ) from error
        return cls(path, clock)

    def write_host(self, host: HostRecord) -> None:
        """Replace the record of the host by one with more facts."""
        replace_file(self.path / "host.json", host.to_json())

    def write_open_loop_plan(self, plan: OpenLoopPlan) -> None:
        """Write the plan of the open loop, before its first cell."""
        replace_file(self.path / OPEN_LOOP_PLAN, plan.to_json())

    def new_attempt_folder(self, cell: Cell, attempt: int) -> Path:
        """An empty folder for a new attempt; the files of an interrupted one are removed."""
        folder = self.path / "cells" / attempt_id(cell.id, attempt)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder


def _reserve(wanted: Path) -> tuple[Path, Path]:
    """The first free path of a run, and the folder in which to create it; its atomic `mkdir` excludes other processes.

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
