"""Runs on the host: holds the lab for one run. Standard library only, Python 3.10 or newer.

The controller pipes this file into ``python3 -`` with the path of the lock file and a sentence naming the holder. It
holds the lock until it is killed or until nobody can read its standard output any more: that is when the SSH session
of the controller has ended, however it ended. So no lock outlives its run, and none has to be broken by hand.
"""

import fcntl
import os
import select
import sys

HELD_BY_ANOTHER = 75
"""The exit status where another run holds the lock: EX_TEMPFAIL of sysexits.h."""


def main() -> None:
    """Take the lock and hold it, or tell who holds it."""
    path, holder = sys.argv[1:]
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        with os.fdopen(descriptor) as lock:
            print(lock.read())  # noqa: T201 - this line is the answer
        sys.exit(HELD_BY_ANOTHER)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{holder}\n{os.getpid()}\n".encode())
    output = select.poll()
    output.register(sys.stdout, 0)
    output.poll()


main()
