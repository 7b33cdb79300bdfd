"""What the operating system refuses, such as a write to a full disk, as one sentence for the user."""

import errno
import os

_ROOM = "Make room there and run the same command again: what was finished is kept."
_RIGHTS = "See that it is yours to use and that its disk isn't mounted read-only, then run the same command again."

_REMEDIES = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: "Raise the limit of a file's size (ulimit -f) or make room, and run the same command again.",
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EROFS: _RIGHTS,
    errno.EIO: "The disk may be damaged: look at the kernel's log.",
    errno.EMFILE: "Raise the limit of open files (ulimit -n) and run the same command again.",
}
"""What to do about what a machine refuses; everything else is a defect of the lab's."""


def tell_system_error(error: OSError) -> str | None:
    """What happened, where, and what to do about it; None for an error that no machine's state explains."""
    remedy = _REMEDIES.get(error.errno or 0)
    if remedy is None:
        return None
    # A write to a terminal or a pipe has no name to tell.
    place = "The command's output" if error.filename is None else os.fsdecode(error.filename)
    return f"{place}: {error.strerror}. {remedy}"
