"""Idle connections, one to each implementation, watched beside the tests: the contract closes them after a minute."""

import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from apis.contract.checks.wire import Wire, request_octets

_LONGEST_SECONDS = 75
"""Beyond what an idle connection may live, with room for a machine that is busy."""


class IdleWatch:
    """Opens a connection to each of the URLs, asks one thing, and waits for the other side to close it."""

    def __init__(self, base_urls: Mapping[str, str]) -> None:
        self._base_urls = base_urls
        self._ended = threading.Event()
        self._pool = ThreadPoolExecutor(max(len(base_urls), 1))
        self._lifetimes: dict[str, Future[float | None]] = {}

    def __enter__(self) -> Self:
        self._lifetimes = {name: self._pool.submit(self._watch, url) for name, url in self._base_urls.items()}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._pool.shutdown()

    def lifetime(self, name: str) -> float | None:
        """Wait until it is known for how many seconds the connection was idle; None if it wasn't closed.

        Raises:
            OSError: there was no connection.
            CheckFailedError: there was no answer on it.
        """
        return self._lifetimes[name].result()

    def _watch(self, base_url: str) -> float | None:
        with Wire(base_url) as wire:
            wire.send(request_octets("GET /healthz"))
            wire.require_answer("GET /healthz")
            start = time.monotonic()
            while not self._ended.is_set() and time.monotonic() - start < _LONGEST_SECONDS:
                if wire.is_closed_within(0.5):
                    return time.monotonic() - start
        return None
