"""The processes of an engine, found by the session that it led and by the state in their environment."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

_END_SECONDS = 10.0
_POLL_SECONDS = 0.02


def command_of(process_id: int) -> str | None:
    """The name of a process that lives; None for one that is dead, be it buried or not.

    Source: proc(5), /proc/PID/stat.
    """
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    command, _, rest = stat.partition("(")[2].rpartition(") ")
    return None if rest[0] in "ZX" else command


def end_session(leader: int, backend: str) -> None:
    """Kill what is left of an engine's session, and wait until it is gone.

    A process counts if its session is the engine's and the backend's address is in its environment: the engine's
    number alone may by now be that of another program.
    """
    deadline = time.monotonic() + _END_SECONDS
    while left := list(_members(leader, backend)):
        for process_id in left:
            try:
                os.kill(process_id, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if time.monotonic() > deadline:
            return
        time.sleep(_POLL_SECONDS)


def _members(leader: int, backend: str) -> Iterator[int]:
    mark = f"PULUMI_BACKEND_URL={backend}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        process_id = int(entry.name)
        try:
            if os.getsid(process_id) == leader and mark in (entry / "environ").read_bytes().split(b"\0"):
                yield process_id
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue
