"""Steps of a run that go on beside each other, in threads of their own."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Any, TypeVar

Found = TypeVar("Found")

_THREADS = 64
"""More than a run ever has steps at once: one for each API of the lab, or a few for each load host."""


class Beside:
    """The steps that were begun, and that may not have ended."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="step")
        self._steps: set[Future[Any]] = set()

    def begin(self, act: Callable[[], Found]) -> Future[Found]:
        """Do a step in a thread of its own, which a request to end reaches as it does the one that began it."""
        step = self._pool.submit(copy_context().run, act)
        self._steps.add(step)
        step.add_done_callback(self._steps.discard)
        return step

    def do_all(self, *acts: Callable[[], Found]) -> list[Found]:
        """Do steps beside each other; when all have ended, the first failure is raised."""
        steps = [self.begin(act) for act in acts]
        wait(steps)
        return [step.result() for step in steps]

    def wait(self) -> None:
        """Wait until all have ended, also those for whose end nobody waits any more."""
        wait(self._steps)
