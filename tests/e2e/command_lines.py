"""The command lines of all processes of this machine, watched for a while.

A `container` host's processes are among them, those of the containers inside it too: they share the kernel.
"""

import os
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

_PERIOD_SECONDS = 0.005
_YOUNG_SECONDS = 0.1
"""A process may change its command line by execve soon after it was forked: until then it is looked at again."""


class CommandLines:
    """Collects command lines while the context is open."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        self._watcher.join()

    @property
    def seen(self) -> frozenset[bytes]:
        """Every command line so far, arguments separated by NUL."""
        return frozenset(self._seen)

    def _watch(self) -> None:
        known: dict[str, float] = {}
        while not self._ended.wait(_PERIOD_SECONDS):
            now = time.monotonic()
            present = [name for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - two hundred times a second
            known = {name: known.get(name, now) for name in present}
            for name, since in known.items():
                if now - since < _YOUNG_SECONDS:
                    self._look(name)

    def _look(self, name: str) -> None:
        try:
            self._seen.add(Path("/proc", name, "cmdline").read_bytes())
        except (FileNotFoundError, ProcessLookupError):
            return
