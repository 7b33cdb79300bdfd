"""Setting a host's knobs for a run, and restoring them.

They are set on a host with its own kernel. Each old value is on the host's disk before the change, and a guard there
restores them all when the run's lease lapses. A `container` host has its machine's kernel settings, which are only
read.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal, TypeVar

from documents.base import Document
from documents.errors import HostError
from documents.run import KnobRecord, KnobState
from provision.kernel.knobs import Knob
from provision.payload import HOME, PROGRAMS, call
from provision.ssh import Amount, Connection, unexpected

_logger = logging.getLogger(__name__)

_Answer = TypeVar("_Answer")

_DEADLINE_SECONDS = 60
_SHOWN = 3


@dataclass(frozen=True)
class KnobPaths:
    """Where on the host: the root above the kernel's files, and where the lab keeps journal, lease and program."""

    root: str = "/"
    state: str = f"{HOME}/knobs"
    program: str = f"{HOME}/kernel.py"


class _File(Document):
    path: str
    value: str | None
    as_wanted: bool


class _Reading(Document):
    name: str
    files: tuple[_File, ...]


class _SetFile(Document):
    path: str
    before: str | None
    during: str | None
    as_wanted: bool
    refused: str | None


class _SetKnob(Document):
    name: str
    files: tuple[_SetFile, ...]


class LeftSetting(Document):
    """A kernel setting that has yet to be put back: its file, what it was before, and what it is."""

    path: str
    before: str
    value: str | None


class Restored(Document):
    """The result of restoring: how many files, a sentence for each failure, and whether the journal was damaged."""

    restored: Amount
    failed: tuple[str, ...]
    damaged: bool


class _Applied(Document):
    earlier: Restored
    boot: Literal["systemd", "cron", "nothing"]
    knobs: tuple[_SetKnob, ...]


class _Renewed(Document):
    held: bool


def read(connection: Connection, knobs: Sequence[Knob], *, settable: bool, paths: KnobPaths) -> tuple[KnobRecord, ...]:
    """Read every knob; nothing is changed.

    `settable` says whether they can be set there, for the message on one that isn't as wanted.

    Raises:
        HostError: they can't be read.
    """
    readings = _call(connection, "read", paths, tuple[_Reading, ...], what="its kernel settings", knobs=knobs)
    _check_names(connection, knobs, [reading.name for reading in readings])
    return tuple(_as_read(knob, reading, settable=settable) for knob, reading in zip(knobs, readings, strict=True))


def tune(connection: Connection, knobs: Sequence[Knob], *, seconds: float, paths: KnobPaths) -> tuple[KnobRecord, ...]:
    """Set every knob that can be set, for as long as the lease holds; what an earlier run left is restored first.

    The host must have its own kernel.

    Returns:
        Each knob as it was before and is now. A value that the kernel refuses is recorded and isn't an error.

    Raises:
        HostError: the host can't be tuned at all.
    """
    # It stays there, for the guard and for the next boot.
    connection.push(PROGRAMS / "kernel.py", paths.program, mode=0o700)
    what = "the kernel settings that it set"
    answer = _call(connection, "apply", paths, _Applied, what=what, knobs=knobs, seconds=seconds)
    _check_names(connection, knobs, [knob.name for knob in answer.knobs])
    for sentence in answer.earlier.failed:
        _logger.warning("%s: %s", connection, sentence)
    if answer.boot == "nothing":
        _logger.warning(
            "%s has neither systemd nor cron: if it restarts during a run, its settings stay changed until the next "
            "run or `lab tune --restore`.",
            connection,
        )
    return tuple(_as_set(knob, found) for knob, found in zip(knobs, answer.knobs, strict=True))


def renew(connection: Connection, *, seconds: float, paths: KnobPaths) -> None:
    """Extend the lease to so many seconds from now.

    Raises:
        HostError: it has lapsed, and the host's settings were restored.
    """
    what = "the lease on its kernel settings"
    if not _call(connection, "renew", paths, _Renewed, what=what, seconds=seconds).held:
        raise HostError(
            f"The lease on the settings of {connection} lapsed, and its guard has put them back: the run was held up "
            "for longer than a cell may take. `lab run --resume` tunes the host again and goes on."
        )


def read_left(connection: Connection, *, paths: KnobPaths) -> tuple[LeftSetting, ...]:
    """The settings of the host that a run or `lab tune` set and nothing has restored yet; nothing is changed.

    Raises:
        HostError: they can't be read.
    """
    what = "the kernel settings that are yet to be put back"
    return _call(connection, "left", paths, tuple[LeftSetting, ...], what=what)


def restore(connection: Connection, *, paths: KnobPaths) -> Restored:
    """Restore all settings, and end the lease. It can be repeated.

    Raises:
        HostError: a setting can't be put back; names each. The journal stays on the host for the next time.
    """
    restored = _call(connection, "restore", paths, Restored, what="the kernel settings that it put back")
    if restored.failed:
        raise HostError(
            f"Not every setting of {connection} could be put back: {'; '.join(restored.failed)}. The journal "
            f"{paths.state}/journal.jsonl there has each old value; `lab tune --restore` tries again."
        )
    if restored.damaged:
        _logger.warning(
            "%s: the journal of settings had lines that can't be read. It was put aside as %s/journal.jsonl.damaged.",
            connection,
            paths.state,
        )
    return restored


def _check_names(connection: Connection, knobs: Sequence[Knob], names: list[str]) -> None:
    """Refuse an answer about other knobs than the requested ones."""
    if names != [knob.name for knob in knobs]:
        raise unexpected(", ".join(names), what=f"{len(knobs)} kernel settings", where=connection)


def _as_read(knob: Knob, reading: _Reading, *, settable: bool) -> KnobRecord:
    value = _summary([_words(knob, file.path, file.value) for file in reading.files])
    state, message = _absent(knob)
    if reading.files:
        good = all(file.as_wanted for file in reading.files)
        state, message = ("as-wanted", None) if good else ("only-read", f"is {value} instead of {knob.wanted}")
        if not good:
            message = f"{message}; a run sets it" if settable else f"{message}; in a container it is only read"
    return KnobRecord(name=knob.name, wanted=knob.wanted, before=value, during=value, state=state, message=message)


def _as_set(knob: Knob, found: _SetKnob) -> KnobRecord:
    before = _summary([_words(knob, file.path, file.before) for file in found.files])
    during = _summary([_words(knob, file.path, file.during) for file in found.files])
    state, message = _absent(knob)
    if found.files:
        astray = [file for file in found.files if not file.as_wanted]
        if astray:
            state = "refused"
            message = "; ".join(f"{file.path}: {_why_astray(file)}" for file in astray[:_SHOWN])
            if len(astray) > _SHOWN:
                message += f"; and {len(astray) - _SHOWN} more"
        else:
            state, message = ("as-wanted" if all(file.before == file.during for file in found.files) else "set"), None
    return KnobRecord(name=knob.name, wanted=knob.wanted, before=before, during=during, state=state, message=message)


def _why_astray(file: _SetFile) -> str:
    return file.refused or ("can't be read" if file.during is None else f"is {file.during}")


def _absent(knob: Knob) -> tuple[KnobState, str | None]:
    """The state of a knob for which the kernel has no file."""
    return knob.absent, "this kernel doesn't report it" if knob.absent == "not-told" else None


def _words(knob: Knob, path: str, value: str | None) -> str | None:
    """A value as it is shown: 1 means on in one of the kernel's alternative files, and off in another."""
    return value if value is None or len(knob.settings) == 1 else f"{path.rpartition('/')[2]} {value}"


def _summary(values: Sequence[str | None]) -> str | None:
    """The value of all files; where they differ, each value with the number of files that have it."""
    counts = {value: list(values).count(value) for value in values}
    if len(counts) <= 1:
        return next(iter(counts), None)
    shown = sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))
    text = ", ".join(f"{'unreadable' if value is None else value} ({count})" for value, count in shown[:_SHOWN])
    return text if len(shown) <= _SHOWN else f"{text} and {len(shown) - _SHOWN} other values"


def _call(
    connection: Connection,
    action: str,
    paths: KnobPaths,
    answer: type[_Answer],
    *,
    what: str,
    knobs: Sequence[Knob] = (),
    seconds: float = 0,
) -> _Answer:
    request = {
        "action": action,
        **asdict(paths),
        "seconds": seconds,
        "knobs": [{"name": knob.name, "settings": [asdict(one) for one in knob.settings]} for knob in knobs],
    }
    return call(
        connection,
        "kernel",
        request,
        answer,
        what=what,
        failure=f"The settings of {connection} can't be managed",
        deadline_seconds=_DEADLINE_SECONDS,
    )
