"""The guard: a process of its own on the host that puts the settings back when the run's lease lapses.

Nobody has to tell it to: a controller that was killed, or whose network is cut, renews the lease no more.
"""

import fcntl
import os
import sys
import time
from contextlib import suppress
from pathlib import Path

from provision.payload.knobs.lease import Lease
from provision.payload.knobs.tuning import Lock, restore

COMMAND = "lab-guard"

_LOOK_SECONDS = 1.0
"""How often the guard looks at the lease; a look costs some ten microseconds of CPU."""

_AGAIN_SECONDS = 10.0
"""How long it waits before it tries again to put back what the kernel refused."""

_MOST_TRIES = 30


def start(program: str, state: str, root: str) -> None:
    """Start a guard unless one is at work; call it under the lock.

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
    """Leave the session and the streams, and begin anew as the guard, with nothing open but its lock."""
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        os.set_inheritable(held, True)
        os.execv(argv[0], argv)  # noqa: S606
    finally:
        os._exit(1)


def watch(state: str, root: str, held: int) -> None:
    """Wait until the lease lapses and put all back, or until it was ended by whoever put all back.

    Args:
        state: the folder with journal and lease.
        root: the host's root folder.
        held: the descriptor of the guard's own lock.
    """
    with suppress(OSError):
        # So that it can be found, and is pinned with the host's own work.
        Path("/proc/self/comm").write_text(COMMAND)
    lease = Lease(state)
    tries = 0
    while True:
        remaining = lease.remaining_seconds()
        if remaining is not None and remaining > 0:
            time.sleep(min(remaining, _LOOK_SECONDS))
        elif remaining is None or tries == _MOST_TRIES:
            # Under the lock nobody begins a lease meanwhile and takes this guard for one that goes on.
            with Lock(state):
                if lease.remaining_seconds() == remaining or tries == _MOST_TRIES:
                    os.close(held)
                    return
        elif not lapse(state, root):
            # What is left stands in the journal: the next run, `lab tune --restore` or a boot tries again.
            tries += 1
            time.sleep(_AGAIN_SECONDS)


def lapse(state: str, root: str) -> bool:
    """Put all back unless a lease holds; returns whether nothing is left to be put back, or a lease holds."""
    if not Path(state).is_dir():
        return True
    with Lock(state):
        # Under the lock it is certain: a run may have renewed it a moment ago.
        remaining = Lease(state).remaining_seconds()
        if remaining is not None and remaining > 0:
            return True
        return not restore(state, root)["failed"]
