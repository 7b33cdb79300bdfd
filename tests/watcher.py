"""Watching something for a while, in a thread beside the test."""

import threading
from abc import ABC, abstractmethod
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self


class Watcher(ABC):
    """Looks again and again while the context is open. A look that fails ends it, and is raised at its end."""

    def __init__(self, period_seconds: float) -> None:
        self._period_seconds = period_seconds
        self._ended = threading.Event()
        self._pool = ThreadPoolExecutor(1)
        self._watching: Future[None] | None = None

    def __enter__(self) -> Self:
        self._watching = self._pool.submit(self._watch)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        self._pool.shutdown()
        if error is None and self._watching is not None:
            self._watching.result()

    @abstractmethod
    def look(self) -> None:
        """Look once."""

    def _watch(self) -> None:
        while not self._ended.wait(self._period_seconds):
            self.look()
