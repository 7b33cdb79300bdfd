"""The command lines of all processes of this machine, watched for a while.

A `container` host's processes are among them, those of the containers inside it too: they share the kernel.
"""

import os
import time
from pathlib import Path

from tests.watcher import Watcher

_PERIOD_SECONDS = 0.005
_YOUNG_SECONDS = 0.1
"""A process may change its command line by execve soon after it was forked: until then it is looked at again."""


class CommandLines(Watcher):
    """Collects command lines while the context is open."""

    def __init__(self) -> None:
        super().__init__(_PERIOD_SECONDS)
        self._seen: set[bytes] = set()
        self._known: dict[str, float] = {}

    @property
    def seen(self) -> frozenset[bytes]:
        """Every command line so far, arguments separated by NUL."""
        return frozenset(self._seen)

    def look(self) -> None:
        now = time.monotonic()
        present = [name for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - two hundred times a second
        self._known = {name: self._known.get(name, now) for name in present}
        for name, since in self._known.items():
            if now - since < _YOUNG_SECONDS:
                self._look_at(name)

    def _look_at(self, name: str) -> None:
        try:
            self._seen.add(Path("/proc", name, "cmdline").read_bytes())
        except (FileNotFoundError, ProcessLookupError):
            return
