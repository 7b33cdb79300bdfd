"""Ending, from another thread, what waits for a host.

A request to end must not reach a thread while it talks to a host: an exception between two instructions of Paramiko's
can leave half a packet sent or a lock taken, and the connection is lost with all that was to be put back over it. So
the work goes on in a scope, as trio has it, and ends at its next checkpoint: a command on a host is one from its
beginning to its end, and so is each piece of a file that is copied. What removes what the work made has a shield.
"""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar, copy_context
from threading import Lock
from typing import TypeVar

Result = TypeVar("Result")

_current: "ContextVar[CancelScope | None]" = ContextVar("current", default=None)


class CancelScope:
    """Work that can be asked to end. What it begins in other threads is in it where they run in a copy of its context.

    The work is told by `KeyboardInterrupt`, which no handler of errors takes for one.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._is_cancelled = False
        self._closings: set[Callable[[], None]] = set()

    def run(self, work: Callable[[], Result]) -> Result:
        """Do the work in this thread.

        Raises:
            KeyboardInterrupt: `cancel` was called, and a checkpoint met that.
        """
        context = copy_context()
        context.run(_current.set, self)
        return context.run(work)

    def cancel(self) -> None:
        """Have the work end at the checkpoint that it is at, or at its next; a second time does nothing."""
        with self._lock:
            self._is_cancelled = True
            closings, self._closings = self._closings, set()
        for close in closings:
            close()

    @contextmanager
    def checkpoint(self, close: Callable[[], None]) -> Generator[None]:
        """See the function of that name."""
        with self._lock:
            self._check()
            self._closings.add(close)
        try:
            yield
        except Exception:
            self._check()
            raise
        finally:
            with self._lock:
                self._closings.discard(close)
        self._check()

    def _check(self) -> None:
        if self._is_cancelled:
            raise KeyboardInterrupt


def checkpoint(close: Callable[[], None] = lambda: None) -> AbstractContextManager[None]:
    """A wait that a request to end, if this thread is in a scope, ends by `close`.

    Returns:
        A context manager. It raises `KeyboardInterrupt` where the scope was cancelled before, or is meanwhile.
    """
    scope = _current.get()
    return nullcontext() if scope is None else scope.checkpoint(close)


@contextmanager
def shield() -> Generator[None]:
    """What is done within is done also where the work was asked to end. It should be short."""
    token = _current.set(None)
    try:
        yield
    finally:
        _current.reset(token)
