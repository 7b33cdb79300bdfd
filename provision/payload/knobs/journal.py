"""The journal of changes: what each setting was, on disk before it is changed.

A line of JSON for each change, with `boot` (the kernel's boot in which it was made), `path`, `kind`, `old` and `new`. A
line without its end is of a change that was never made: the change waits until its line is whole and on disk.
"""

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, cast


@dataclass(frozen=True)
class Change:
    """One setting that is changed from `old` to `new`."""

    boot: str
    path: str
    kind: str
    old: str
    new: str


class Journal:
    """The journal in the lab's folder on the host."""

    def __init__(self, state: str) -> None:
        self.path = os.path.join(state, "journal.jsonl")  # noqa: PTH118 - a text, for the calls of `os` below

    def append(self, change: Change) -> None:
        """Bring a change to disk, the folder's entry of the journal included; only then may it be made."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            # What a killed writer left of a line must not swallow this one.
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            line = ("\n" if torn else "") + json.dumps(asdict(change)) + "\n"
            os.write(descriptor, line.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sync_folder(self.path)

    def read(self) -> "tuple[list[Change], bool]":
        """The changes in their order, and whether there are lines among them that can't be read.

        A last line without its end isn't counted among these.
        """
        try:
            data = Path(self.path).read_bytes()
        except FileNotFoundError:
            return [], False
        *lines, _torn = data.split(b"\n")
        changes = [parse(line) for line in lines if line.strip()]
        return [change for change in changes if change is not None], None in changes

    def remove(self, *, keep: bool = False) -> None:
        """Remove the journal, now that all is back; `keep` puts it aside, as one with lines that can't be read."""
        try:
            if keep:
                os.replace(self.path, f"{self.path}.damaged")  # noqa: PTH105
            else:
                os.unlink(self.path)  # noqa: PTH108
        except FileNotFoundError:
            return
        sync_folder(self.path)


def parse(line: bytes) -> "Change | None":
    """A line's change; None where the line isn't one."""
    try:
        found: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    members = cast("dict[str, Any]", found)
    if members.keys() != {field.name for field in fields(Change)}:
        return None
    if not all(isinstance(value, str) and value.isprintable() for value in members.values()):
        return None
    return Change(**members) if members["path"].startswith("/") else None


def sync_folder(path: str) -> None:
    """Bring to disk that a file is in its folder, or isn't any more."""
    descriptor = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)  # noqa: PTH120
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: str, text: str, mode: int = 0o600) -> None:
    """Write a file so that it is there whole or not at all, also after a power cut."""
    part = f"{path}.part"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        os.write(descriptor, text.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(part, path)  # noqa: PTH105
    sync_folder(path)
