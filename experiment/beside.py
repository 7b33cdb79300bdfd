"""Steps of a run in threads of their own, which are waited for whatever became of whoever began them.

A request to end raises `KeyboardInterrupt` in the main thread alone, wherever it is: also while a thread is started,
and while its end is waited for. What the threads have begun on the host goes on then, and must have ended before the
host is left as it was. A pool of `concurrent.futures` can't promise that: it may not know of a thread that it was
starting, and whoever waits for a `Future` takes a lock that its thread needs to end, which is left taken then. So it is
with `threading.Thread`, whose `start` waits until the thread says that it runs: that wait may raise another error than
the request, or leave the thread waiting for good, and the process for it. `_thread` starts one and doesn't wait.
"""

import _thread
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Generic, TypeVar, cast

Found = TypeVar("Found")

_AWAKE_SECONDS = 0.5
"""How long a request to end may go unnoticed that comes straight before a wait, or a step's end that one came into."""


class Step(Generic[Found]):
    """A step that was begun."""

    def __init__(self, act: Callable[[], Found]) -> None:
        self.has_ended = False
        self._act = act
        self._found: Found | None = None
        self._error: BaseException | None = None
        self._is_taken = Lock()
        self._end: SimpleQueue[None] = SimpleQueue()

    def do(self) -> None:
        """Do it, unless it was given up."""
        if not self._is_taken.acquire(blocking=False):
            return
        try:
            self._found = self._act()
        except BaseException as error:  # noqa: BLE001 - whoever asks for the result is told
            self._error = error
        self.has_ended = True
        self._end.put(None)

    def wait(self) -> None:
        """Wait for its end."""
        while not self.has_ended:
            with suppress(Empty):
                self._end.get(timeout=_AWAKE_SECONDS)

    def give_up(self) -> None:
        """Have it not begun, if its thread was never started; else wait for its end."""
        if not self._is_taken.acquire(blocking=False):
            self.wait()

    def result(self) -> Found:
        """What it returned, once it has ended.

        Raises:
            Exception: what it raised.
        """
        self.wait()
        if self._error is not None:
            raise self._error
        return cast("Found", self._found)


class Beside:
    """The steps that the main thread has begun, and that may not have ended."""

    def __init__(self) -> None:
        self._steps: list[Step[object]] = []

    def begin(self, act: Callable[[], Found]) -> Step[Found]:
        """Do a step in a thread of its own."""
        step = Step(act)
        self._steps = [*(one for one in self._steps if not one.has_ended), cast("Step[object]", step)]
        _thread.start_new_thread(step.do, ())
        return step

    def do_all(self, *acts: Callable[[], Found]) -> list[Found]:
        """Do steps beside each other; when all have ended, the first failure is raised."""
        steps = [self.begin(act) for act in acts]
        for step in steps:
            step.wait()
        return [step.result() for step in steps]

    def wait(self) -> None:
        """Wait until all have ended, also those for whose end nobody waits any more."""
        for step in self._steps:
            step.give_up()
        self._steps = []
