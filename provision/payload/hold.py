"""Runs on the host: holds the lab for one run. Standard library only, Python 3.10 or newer.

The controller runs this program's text with the path of the lock file, a sentence naming the holder, and how many
seconds the controller may be silent. It holds the lock until its standard input ends, because the controller releases
it or the SSH session ends in any way; or until nothing came for so many seconds: a network that was cut sends the host
nothing. So the lock is free when its run has ended.
"""

import fcntl
import os
import select
import sys

HELD_BY_ANOTHER = 75
"""The exit status if another run holds the lock: EX_TEMPFAIL of sysexits.h."""


def main() -> None:
    """Take the lock and hold it, or print who holds it."""
    path, holder, silent_seconds = sys.argv[1:]
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        with os.fdopen(descriptor) as lock:
            print(lock.read())  # noqa: T201 - this line is the answer
        sys.exit(HELD_BY_ANOTHER)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{holder}\n{os.getpid()}\n".encode())
    while select.select([sys.stdin], [], [], float(silent_seconds))[0] and os.read(sys.stdin.fileno(), 4096):
        pass


main()
