"""Runs on the host: kernel settings for the time of a run. Standard library only, Python 3.10 or newer.

Requests have `state`, the folder of journal and lease, `root`, below which the kernel's files are, and an `action`:

    read       what each of the `knobs` is
    apply      put back what an earlier run left, take a lease of so many `seconds`, start the guard, set the `knobs`
    renew      let the lease hold for so many `seconds` from now on
    left       what has yet to be put back
    restore    put all back and end the lease

For `apply` this file is on the host, at the path `program`: the guard runs ``guard STATE ROOT LOCK`` (LOCK is its
lock's descriptor) until the lease lapses, and a boot runs ``lapse STATE ROOT``: it puts all back unless a lease holds.

A knob has settings, of which the first one that the kernel has counts. A setting has `pattern` (a path below the root,
in which `*` stands for one name), `kind` and `wanted`:

    text       the words that the file holds: ``60``, ``32768 60999``
    choice     the word that the file shows in brackets: ``always [madvise] never``
    at-least   a number that may be greater than the wanted one
    interrupt  a CPU list that must have none of the CPUs in `wanted`, which is one as well

The journal has a line of JSON for each change, with `boot` (the kernel's boot in which it was made), `path`, `kind`,
`old` and `new`, on disk before the change is made: an incomplete last line belongs to a change that wasn't made. The
lease counts on CLOCK_BOOTTIME, which goes on while a machine sleeps, and holds in one boot only. Nobody has to notify
the guard that a controller was killed or that its network is cut: such a controller doesn't renew the lease. The boot's
entry, a systemd unit or a line for cron, is there only while a run has settings changed.
"""

import fcntl
import json
import os
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, cast


def read_value(path: str, kind: str) -> "str | None":
    """A setting's value, its words separated by single spaces; None if it can't be read or is empty."""
    try:
        text = Path(path).read_text()
    except (OSError, ValueError):
        return None
    words = text.split()
    if kind == "choice":
        words = [word[1:-1] for word in words if word.startswith("[") and word.endswith("]")] or words
    return " ".join(words) or None


def write_value(path: str, value: str) -> "str | None":
    """Write a value in one call, as the kernel requires; returns None, or why it was refused."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC)
        try:
            os.write(descriptor, f"{value}\n".encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        return os.strerror(error.errno) if error.errno else str(error)
    return None


def is_same(kind: str, one: "str | None", other: "str | None") -> bool:
    """Whether two values mean the same; the kernel writes ``0,1,2`` as ``0-2``."""
    if one == other:
        return True
    if kind != "interrupt" or one is None or other is None:
        return False
    cpus = parse_cpus(one)
    return cpus is not None and cpus == parse_cpus(other)


def target_of(setting: "dict[str, Any]", value: str, cpus: "set[int]") -> str:
    """The value to write in place of `value`; the value itself if it is as wanted."""
    kind, wanted = setting["kind"], setting["wanted"]
    if kind == "at-least":
        return value if value.isdigit() and int(value) >= int(wanted) else wanted
    if kind != "interrupt":
        return wanted
    now, kept_free = parse_cpus(value), parse_cpus(wanted) or set()
    if now is not None and now.isdisjoint(kept_free):
        return value
    # One that has other CPUs besides the API's keeps those: its queue was assigned to them for a reason.
    left = (now or set()) - kept_free or cpus - kept_free
    return ",".join(map(str, sorted(left))) or value


def parse_cpus(text: str) -> "set[int] | None":
    """The CPUs of a kernel's list such as ``0-2,5``; None if it isn't one. Source: cpuset(7), "List format"."""
    cpus: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            return None
        cpus.update(range(int(first), int(last or first) + 1))
    return cpus


def expand(root: str, pattern: str) -> "list[str]":
    """The files below the root that match a pattern, as absolute paths; empty if the kernel has none."""
    return sorted(str(path) for path in Path(root).glob(pattern) if path.is_file())


@dataclass(frozen=True)
class SettingChange:
    """One setting that is changed from `old` to `new`."""

    boot: str
    path: str
    kind: str
    old: str
    new: str


class SettingsJournal:
    """The journal in the lab's folder on the host."""

    def __init__(self, state: str) -> None:
        self.path = os.path.join(state, "journal.jsonl")  # noqa: PTH118 - a text, for the calls of `os` below

    def append(self, change: SettingChange) -> None:
        """Write a change to the disk, with the folder's entry of the journal; only then may it be made."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            # Part of a line that a killed writer left must not swallow this one.
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            line = ("\n" if torn else "") + json.dumps(asdict(change)) + "\n"
            os.write(descriptor, line.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sync_folder(self.path)

    def read(self) -> "tuple[list[SettingChange], bool]":
        """The changes in their order, and whether lines before an incomplete last one can't be read."""
        try:
            data = Path(self.path).read_bytes()
        except FileNotFoundError:
            return [], False
        *lines, _torn = data.split(b"\n")
        changes = [parse_change(line) for line in lines if line.strip()]
        return [change for change in changes if change is not None], None in changes

    def remove(self, *, keep: bool = False) -> None:
        """Remove the journal after restoring; with `keep` it is moved aside, as one with unreadable lines."""
        try:
            if keep:
                os.replace(self.path, f"{self.path}.damaged")  # noqa: PTH105
            else:
                os.unlink(self.path)  # noqa: PTH108
        except FileNotFoundError:
            return
        sync_folder(self.path)


def parse_change(line: bytes) -> "SettingChange | None":
    """A line's change; None if the line isn't one."""
    try:
        found: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    members = cast("dict[str, Any]", found)
    if members.keys() != {field.name for field in fields(SettingChange)}:
        return None
    if not all(isinstance(value, str) and value.isprintable() for value in members.values()):
        return None
    return SettingChange(**members) if members["path"].startswith("/") else None


def sync_folder(path: str) -> None:
    """Write to the disk that a file is in its folder, or isn't any more."""
    descriptor = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)  # noqa: PTH120
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: str, text: str, mode: int = 0o600) -> None:
    """Write a file atomically and durably, even across a power failure."""
    part = f"{path}.part"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        os.write(descriptor, text.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(part, path)  # noqa: PTH105
    sync_folder(path)


class Lease:
    """The lease in the lab's folder on the host."""

    def __init__(self, state: str) -> None:
        self.path = os.path.join(state, "lease.json")  # noqa: PTH118 - a text, for the calls of `os` below

    def remaining_seconds(self) -> "float | None":
        """How long it still holds, below 0 if it has lapsed; None if there is none.

        One that can't be read, or is of an earlier boot, has lapsed.
        """
        try:
            found: Any = json.loads(Path(self.path).read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError):
            return -1.0
        if not isinstance(found, dict):
            return -1.0
        members = cast("dict[str, Any]", found)
        if members.get("boot") != boot_id():
            return -1.0
        deadline = members.get("deadline_seconds")
        return deadline - boot_seconds() if isinstance(deadline, (int, float)) else -1.0

    def text(self, seconds: float) -> str:
        """The file's content for a lease of so many seconds from now."""
        return json.dumps({"boot": boot_id(), "deadline_seconds": boot_seconds() + seconds}) + "\n"

    def remove(self) -> None:
        """End the lease; the guard ends with it."""
        Path(self.path).unlink(missing_ok=True)


def boot_seconds() -> float:
    """Seconds since the machine's boot, including those in which it slept."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot_id() -> str:
    """An id of the kernel's current boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


UNIT = "etc/systemd/system/fairground-restore.service"
WANTED = "etc/systemd/system/multi-user.target.wants/fairground-restore.service"
CRON = "etc/cron.d/fairground-restore"


def install_boot_entry(root: str, program: str, state: str) -> str:
    """Make the next boot restore the settings.

    Returns:
        What does it: `systemd`, `cron`, or `nothing` if the host has neither.
    """
    command = f"python3 -I {program} lapse {state} {root}"
    if Path(root, "etc/systemd/system").is_dir() and Path(root, "run/systemd/system").is_dir():
        unit = (
            "[Unit]\n"
            "Description=Put back the kernel settings that a run of Fairground had changed\n"
            f"ConditionPathExists={state}/journal.jsonl\n"
            "\n"
            "[Service]\n"
            "Type=oneshot\n"
            f"ExecStart=/usr/bin/env {command}\n"
        )
        write_whole(str(Path(root, UNIT)), unit, 0o644)
        link = Path(root, WANTED)
        link.parent.mkdir(exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(f"/{UNIT}")
        sync_folder(str(link))
        return "systemd"
    if Path(root, "etc/cron.d").is_dir():
        write_whole(str(Path(root, CRON)), f"@reboot root {command}\n", 0o644)
        return "cron"
    return "nothing"


def remove_boot_entry(root: str) -> None:
    """Remove what `install_boot_entry` wrote."""
    for name in (WANTED, UNIT, CRON):
        Path(root, name).unlink(missing_ok=True)


class Lock:
    """A lock for changing and restoring settings; it ends with the process that has it."""

    def __init__(self, state: str) -> None:
        self._path = os.path.join(state, "lock")  # noqa: PTH118 - a text, for the call of `os` below
        self._descriptor = -1

    def __enter__(self) -> None:
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def look(setting: "dict[str, Any]", path: str, cpus: "set[int]") -> "dict[str, Any]":
    """One file of a knob as it is."""
    value = read_value(path, setting["kind"])
    good = value is not None and is_same(setting["kind"], target_of(setting, value, cpus), value)
    return {"path": path, "value": value, "as_wanted": good}


def set_knobs(root: str, state: str, knobs: "list[dict[str, Any]]") -> "list[dict[str, Any]]":
    """Set each knob as wanted, after writing its journal line; call it under the lock, with a valid lease.

    Returns:
        For each knob its files, with the value `before` and `during`, whether that is as wanted, and the kernel's
        reason if it refused.
    """
    cpus, now, journal = online_cpus(root), boot_id(), SettingsJournal(state)
    answer: list[dict[str, Any]] = []
    for knob in knobs:
        files: list[dict[str, Any]] = []
        for setting, path in files_of(root, knob):
            kind, before = setting["kind"], read_value(path, setting["kind"])
            refused = None
            if before is not None and not is_same(kind, new := target_of(setting, before, cpus), before):
                journal.append(SettingChange(boot=now, path=path, kind=kind, old=before, new=new))
                refused = write_value(path, new)
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


def put_back(state: str, root: str) -> "dict[str, Any]":
    """Put back every setting in the journal, the last change first, then remove journal, lease and boot entry.

    Call it under the lock. It can be repeated, also after it was killed. If the kernel refuses, the journal stays for
    the next time.

    Returns:
        `restored`, how many files were written; `failed`, a sentence for each that couldn't be; `damaged`, whether the
        journal had lines that can't be read.
    """
    journal, now = SettingsJournal(state), boot_id()
    changes, damaged = journal.read()
    restored, failed = 0, list[str]()
    for change in reversed(changes):
        if not is_outstanding(change, now):
            continue
        refused = write_value(change.path, change.old)
        if is_same(change.kind, read_value(change.path, change.kind), change.old):
            restored += 1
        else:
            failed.append(f"{change.path} can't be put back to {change.old}: {refused or 'the kernel keeps its own'}")
    if not failed:
        journal.remove(keep=damaged)
        remove_boot_entry(root)
        # The lease last: as long as it exists, a guard goes on if this process is killed.
        Lease(state).remove()
    return {"restored": restored, "failed": failed, "damaged": damaged}


def find_left(state: str) -> "list[dict[str, Any]]":
    """The settings that a run set and nothing has restored: each file with its old and its current value.

    Nothing is changed. Call it under the lock.
    """
    now, found = boot_id(), dict[str, dict[str, Any]]()
    # The oldest change of a file comes last; its old value is restored at the end.
    for change in reversed(SettingsJournal(state).read()[0]):
        if is_outstanding(change, now):
            value = read_value(change.path, change.kind)
            found[change.path] = {"path": change.path, "before": change.old, "value": value}
    return sorted(found.values(), key=lambda one: one["path"])


def is_outstanding(change: SettingChange, now: str) -> bool:
    """Whether a change has yet to be undone; `now` is the id of the current boot."""
    current = read_value(change.path, change.kind)
    if current is None and not Path(change.path).exists():
        # Gone with its CPU, its interrupt or its module: nothing is left to restore.
        return False
    if is_same(change.kind, current, change.old):
        return False
    # Otherwise a boot gave the setting another value, which no run has changed.
    return change.boot == now or is_same(change.kind, current, change.new)


def begin(root: str, state: str, program: str, seconds: float) -> str:
    """Take a lease and install the boot's entry, before anything is changed; returns what does it."""
    lease = Lease(state)
    write_whole(lease.path, lease.text(seconds))
    return install_boot_entry(root, program, state)


def files_of(root: str, knob: "dict[str, Any]") -> "list[tuple[dict[str, Any], str]]":
    """The files of the first of a knob's settings that this kernel has."""
    for setting in knob["settings"]:
        paths = expand(root, setting["pattern"])
        if paths:
            return [(setting, path) for path in paths]
    return []


def online_cpus(root: str) -> "set[int]":
    """All online CPUs."""
    text = read_value(str(Path(root, "sys/devices/system/cpu/online")), "text")
    return (parse_cpus(text) if text else None) or set()


COMMAND = "lab-guard"

_LOOK_SECONDS = 1.0
"""How often the guard checks the lease, which costs some ten microseconds of CPU."""

_AGAIN_SECONDS = 10.0
"""How long it waits before it tries again to restore what the kernel refused."""

_MOST_TRIES = 30


def start_guard(program: str, state: str, root: str) -> None:
    """Start a guard unless one runs; call it under the lock.

    A guard has its own lock from this process on and keeps it until it ends. It is in a session of its own and holds
    none of the SSH channel's streams, so it outlives the connection.
    """
    held = os.open(os.path.join(state, "guard.lock"), os.O_RDWR | os.O_CREAT, 0o600)  # noqa: PTH118
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        if os.fork() == 0:
            _become_guard(held, [sys.executable, "-I", program, "guard", state, root, str(held)])
    finally:
        os.close(held)


def _become_guard(held: int, argv: "list[str]") -> None:
    """Leave the session and the streams, and go on as the guard, with nothing open but its lock."""
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        os.set_inheritable(held, True)
        os.execv(argv[0], argv)  # noqa: S606
    finally:
        os._exit(1)


def guard(state: str, root: str, held: int) -> None:
    """Wait until the lease lapses and restore all settings, or until another process has done so and ended the lease.

    `held` is the descriptor of the guard's own lock.
    """
    with suppress(OSError):
        # So that it can be found, and is pinned with the host's other work.
        Path("/proc/self/comm").write_text(COMMAND)
    lease = Lease(state)
    tries = 0
    while True:
        remaining = lease.remaining_seconds()
        if remaining is not None and remaining > 0:
            time.sleep(min(remaining, _LOOK_SECONDS))
        elif remaining is None or tries == _MOST_TRIES:
            # Under the lock nobody can begin a lease and count on this guard, which is about to end.
            with Lock(state):
                if lease.remaining_seconds() == remaining or tries == _MOST_TRIES:
                    os.close(held)
                    return
        elif not lapse(state, root):
            # The rest is in the journal: the next run, `lab tune --restore` or a boot tries again.
            tries += 1
            time.sleep(_AGAIN_SECONDS)


def lapse(state: str, root: str) -> bool:
    """Restore all settings unless a lease is valid; returns whether nothing is left to restore, or a lease is valid."""
    if not Path(state).is_dir():
        return True
    with Lock(state):
        # Checked again under the lock: a run may just have renewed it.
        remaining = Lease(state).remaining_seconds()
        if remaining is not None and remaining > 0:
            return True
        return not put_back(state, root)["failed"]


def main(request: "dict[str, Any]") -> "dict[str, Any] | list[dict[str, Any]]":
    """Do what the request says."""
    actions = {"read": read, "apply": apply, "renew": renew, "left": left, "restore": restore}
    return actions[request["action"]](request)


def read(request: "dict[str, Any]") -> "list[dict[str, Any]]":
    """The state of each knob: for each of its files the value, and whether it is as wanted."""
    root = request["root"]
    cpus = online_cpus(root)
    return [
        {"name": knob["name"], "files": [look(*found, cpus) for found in files_of(root, knob)]}
        for knob in request["knobs"]
    ]


def apply(request: "dict[str, Any]") -> "dict[str, Any]":
    """Set the knobs; the answer has `knobs`, the `boot` entry's kind, and what was restored before, as `earlier`."""
    root, state, program = request["root"], request["state"], request["program"]
    os.makedirs(state, mode=0o700, exist_ok=True)  # noqa: PTH103 - a text
    with Lock(state):
        earlier = put_back(state, root)
        at_boot = begin(root, state, program, request["seconds"])
        start_guard(program, state, root)
        return {"earlier": earlier, "boot": at_boot, "knobs": set_knobs(root, state, request["knobs"])}


def renew(request: "dict[str, Any]") -> "dict[str, Any]":
    """Renew the lease if it is still valid, and start a guard if none runs; the answer is whether it was valid."""
    state = request["state"]
    if not os.path.isdir(state):  # noqa: PTH112 - a text
        return {"held": False}
    with Lock(state):
        lease = Lease(state)
        remaining = lease.remaining_seconds()
        if remaining is None or remaining <= 0:
            return {"held": False}
        write_whole(lease.path, lease.text(request["seconds"]))
        start_guard(request["program"], state, request["root"])
        return {"held": True}


def left(request: "dict[str, Any]") -> "list[dict[str, Any]]":
    """The settings that have yet to be restored."""
    if not os.path.isdir(request["state"]):  # noqa: PTH112 - a text
        return []
    with Lock(request["state"]):
        return find_left(request["state"])


def restore(request: "dict[str, Any]") -> "dict[str, Any]":
    """Restore all settings, if any."""
    if not os.path.isdir(request["state"]):  # noqa: PTH112 - a text
        return {"restored": 0, "failed": [], "damaged": False}
    with Lock(request["state"]):
        return put_back(request["state"], request["root"])


# Sent by `call` there are no arguments; a guard and a boot run the file with some.
if sys.argv[1:2] == ["guard"]:
    guard(sys.argv[2], sys.argv[3], int(sys.argv[4]))
elif sys.argv[1:2] == ["lapse"]:
    lapse(sys.argv[2], sys.argv[3])
