"""The lease: until when a run may keep the host's settings changed.

It counts on CLOCK_BOOTTIME, which goes on while a machine sleeps, and holds in one boot only.
"""

import json
import os
import time
from pathlib import Path
from typing import Any, cast


class Lease:
    """The lease in the lab's folder on the host."""

    def __init__(self, state: str) -> None:
        self.path = os.path.join(state, "lease.json")  # noqa: PTH118 - a text, for the calls of `os` below

    def remaining_seconds(self) -> "float | None":
        """How long it still holds, below 0 where it has lapsed; None where there is none.

        One that can't be read, or that is of an earlier boot, has lapsed.
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
        """What the file says of a lease that holds for so many seconds from now on."""
        return json.dumps({"boot": boot_id(), "deadline_seconds": boot_seconds() + seconds}) + "\n"

    def remove(self) -> None:
        """End the lease; the guard ends with it."""
        Path(self.path).unlink(missing_ok=True)


def boot_seconds() -> float:
    """Seconds since the machine's boot, those in which it slept included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot_id() -> str:
    """A name of the kernel's present boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
