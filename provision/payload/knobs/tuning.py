"""Setting what a measurement wants, and putting back what was there."""

import fcntl
import os
from pathlib import Path
from typing import Any

from provision.payload.knobs import boot, values
from provision.payload.knobs.journal import Change, Journal, write_whole
from provision.payload.knobs.lease import Lease, boot_id


class Lock:
    """One at a time changes settings or puts them back: a lock that ends with the process that has it."""

    def __init__(self, state: str) -> None:
        self._path = os.path.join(state, "lock")  # noqa: PTH118 - a text, for the call of `os` below
        self._descriptor = -1

    def __enter__(self) -> None:
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def read(root: str, knobs: "list[dict[str, Any]]") -> "list[dict[str, Any]]":
    """What each knob is: for each of its files the value, and whether it is as wanted."""
    cpus = online_cpus(root)
    return [{"name": knob["name"], "files": [look(*found, cpus) for found in files_of(root, knob)]} for knob in knobs]


def look(setting: "dict[str, Any]", path: str, cpus: "set[int]") -> "dict[str, Any]":
    """One file of a knob as it is."""
    value = values.read(path, setting["kind"])
    good = value is not None and values.same(setting["kind"], values.target(setting, value, cpus), value)
    return {"path": path, "value": value, "as_wanted": good}


def apply(root: str, state: str, knobs: "list[dict[str, Any]]") -> "list[dict[str, Any]]":
    """Set each knob as wanted, its journal line first; call it under the lock, with a lease that holds.

    Returns:
        For each knob its files, with the value `before` and `during`, whether that is as wanted, and the kernel's
        reason where it refused.
    """
    cpus, now, journal = online_cpus(root), boot_id(), Journal(state)
    answer: list[dict[str, Any]] = []
    for knob in knobs:
        files: list[dict[str, Any]] = []
        for setting, path in files_of(root, knob):
            kind, before = setting["kind"], values.read(path, setting["kind"])
            refused = None
            if before is not None and not values.same(kind, new := values.target(setting, before, cpus), before):
                journal.append(Change(boot=now, path=path, kind=kind, old=before, new=new))
                refused = values.write(path, new)
            seen = look(setting, path, cpus)
            files.append(
                {
                    "path": path,
                    "before": before,
                    "during": seen["value"],
                    "as_wanted": seen["as_wanted"],
                    "refused": refused,
                }
            )
        answer.append({"name": knob["name"], "files": files})
    return answer


def restore(state: str, root: str) -> "dict[str, Any]":
    """Put back every setting in the journal, the last change first, then remove journal, lease and boot entry.

    Call it under the lock. It can be repeated, also after it was killed: a setting that is back stays so. Where the
    kernel refuses, the journal stays for the next time.

    Returns:
        `restored`, how many files were written; `failed`, a sentence for each that couldn't be; `damaged`, whether the
        journal had lines that can't be read.
    """
    journal, now = Journal(state), boot_id()
    changes, damaged = journal.read()
    restored, failed = 0, list[str]()
    for change in reversed(changes):
        if not is_outstanding(change, now):
            continue
        refused = values.write(change.path, change.old)
        if values.same(change.kind, values.read(change.path, change.kind), change.old):
            restored += 1
        else:
            failed.append(f"{change.path} can't be put back to {change.old}: {refused or 'the kernel keeps its own'}")
    if not failed:
        journal.remove(keep=damaged)
        boot.remove(root)
        # The lease last: as long as it is there, a guard goes on where this was killed.
        Lease(state).remove()
    return {"restored": restored, "failed": failed, "damaged": damaged}


def left(state: str) -> "list[dict[str, Any]]":
    """What is still as a run had it set: each file with its value from before and its present one.

    Nothing is changed. Call it under the lock.
    """
    now, found = boot_id(), dict[str, dict[str, Any]]()
    # The oldest change of a file comes last, and it is the one that will be put back at the end.
    for change in reversed(Journal(state).read()[0]):
        if is_outstanding(change, now):
            value = values.read(change.path, change.kind)
            found[change.path] = {"path": change.path, "before": change.old, "value": value}
    return sorted(found.values(), key=lambda one: one["path"])


def is_outstanding(change: Change, now: str) -> bool:
    """Whether a change has yet to be put back; `now` names the present boot."""
    current = values.read(change.path, change.kind)
    if current is None and not Path(change.path).exists():
        # Gone with its CPU, its interrupt or its module: there is nothing left that could be put back.
        return False
    if values.same(change.kind, current, change.old):
        return False
    # Else a boot gave the setting a value of its own, which nobody has changed for a run.
    return change.boot == now or values.same(change.kind, current, change.new)


def begin(root: str, state: str, program: str, seconds: float) -> str:
    """Take a lease and provide for the boot, before anything is changed; returns what provides for the boot."""
    lease = Lease(state)
    write_whole(lease.path, lease.text(seconds))
    return boot.install(root, program, state)


def files_of(root: str, knob: "dict[str, Any]") -> "list[tuple[dict[str, Any], str]]":
    """The files of the first of a knob's settings that this kernel has."""
    for setting in knob["settings"]:
        paths = values.expand(root, setting["pattern"])
        if paths:
            return [(setting, path) for path in paths]
    return []


def online_cpus(root: str) -> "set[int]":
    """All CPUs that the kernel has online."""
    text = values.read(str(Path(root, "sys/devices/system/cpu/online")), "text")
    return (values.parse_cpus(text) if text else None) or set()
