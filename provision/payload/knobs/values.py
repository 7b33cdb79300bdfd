"""The values of kernel settings: how they are read, compared and written, and which one a measurement wants.

A setting is a mapping with `pattern` (a path below the root, in which `*` stands for one name), `kind` and `wanted`:

    text       the words that the file holds: ``60``, ``32768 60999``
    choice     the word that the file shows in brackets: ``always [madvise] never``
    at-least   a number that may be greater than the wanted one
    interrupt  a CPU list that must have none of the CPUs in `wanted`, which is one as well
"""

import os
from pathlib import Path
from typing import Any


def read(path: str, kind: str) -> "str | None":
    """A setting's value, its words set apart by single spaces; None where it can't be read or says nothing."""
    try:
        text = Path(path).read_text()
    except (OSError, ValueError):
        return None
    words = text.split()
    if kind == "choice":
        words = [word[1:-1] for word in words if word.startswith("[") and word.endswith("]")] or words
    return " ".join(words) or None


def write(path: str, value: str) -> "str | None":
    """Write a value, in one call as the kernel wants it; returns None, or why it was refused."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC)
        try:
            os.write(descriptor, f"{value}\n".encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        return os.strerror(error.errno) if error.errno else str(error)
    return None


def same(kind: str, one: "str | None", other: "str | None") -> bool:
    """Whether two values mean the same; the kernel writes ``0,1,2`` as ``0-2``."""
    if one == other:
        return True
    if kind != "interrupt" or one is None or other is None:
        return False
    cpus = parse_cpus(one)
    return cpus is not None and cpus == parse_cpus(other)


def target(setting: "dict[str, Any]", value: str, cpus: "set[int]") -> str:
    """What is to be written where `value` is; the value itself where it is as wanted.

    Args:
        setting: the setting.
        value: what it is.
        cpus: all CPUs that an interrupt may be sent to.
    """
    kind, wanted = setting["kind"], setting["wanted"]
    if kind == "at-least":
        return value if value.isdigit() and int(value) >= int(wanted) else wanted
    if kind != "interrupt":
        return wanted
    now, kept_free = parse_cpus(value), parse_cpus(wanted) or set()
    if now is not None and now.isdisjoint(kept_free):
        return value
    # One that has CPUs of its own beside the API's keeps those: its queue was given to them for a reason.
    left = (now or set()) - kept_free or cpus - kept_free
    return ",".join(map(str, sorted(left))) or value


def parse_cpus(text: str) -> "set[int] | None":
    """The CPUs of a kernel's list such as ``0-2,5``; None where it isn't one. Source: cpuset(7), "List format"."""
    cpus: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            return None
        cpus.update(range(int(first), int(last or first) + 1))
    return cpus


def expand(root: str, pattern: str) -> "list[str]":
    """The files below the root that a pattern names, as absolute paths; none where the kernel doesn't have it."""
    return sorted(str(path) for path in Path(root).glob(pattern) if path.is_file())
