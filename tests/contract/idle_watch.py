"""Idle connections, one to each implementation, watched beside the tests: the contract closes them after a minute."""

import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from apis.contract.checks.wire import Wire, request_octets

_LONGEST_SECONDS = 75
"""Beyond what an idle connection may live, with room for a machine that is busy."""


class IdleWatch:
    """Opens a connection to each of the URLs, asks one thing, and waits for the other side to close it."""

    def __init__(self, base_urls: Mapping[str, str]) -> None:
        self._lifetimes: dict[str, float | None] = {}
        self._ended = threading.Event()
        self._watchers = {
            name: threading.Thread(target=self._watch, args=(name, base_url), daemon=True)
            for name, base_url in base_urls.items()
        }

    def __enter__(self) -> Self:
        for watcher in self._watchers.values():
            watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        for watcher in self._watchers.values():
            watcher.join()

    def lifetime(self, name: str) -> float | None:
        """Wait until it is known for how many seconds the connection was idle; None if it wasn't closed."""
        self._watchers[name].join()
        return self._lifetimes[name]

    def _watch(self, name: str, base_url: str) -> None:
        with Wire(base_url) as wire:
            wire.send(request_octets("GET /healthz"))
            wire.require_answer("GET /healthz")
            start = time.monotonic()
            self._lifetimes[name] = None
            while not self._ended.is_set() and time.monotonic() - start < _LONGEST_SECONDS:
                if wire.is_closed_within(0.5):
                    self._lifetimes[name] = time.monotonic() - start
                    return
