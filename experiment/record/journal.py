"""The journal: one line for each thing done, on disk before the next thing begins."""

import json
import os
from pathlib import Path

from documents.run import JournalEntry, JournalEvent
from experiment.clock import SYSTEM_CLOCK, Clock
from experiment.record.storage import named_in_errors


class Journal:
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

        A torn line is left out: what it would have told wasn't done for certain. It is the last line, or one that a
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
