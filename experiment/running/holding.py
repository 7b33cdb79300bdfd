"""Hold the host while something is measured on it, and leave it in its earlier state."""

import logging
import signal
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from queue import Empty, SimpleQueue
from types import FrameType
from typing import TypeVar

from documents.errors import HostError
from experiment.bench import Bench, Beside
from provision.ssh import CancelScope

_logger = logging.getLogger(__name__)

Result = TypeVar("Result")

_AWAKE_SECONDS = 0.5
"""How long a request to end may go unnoticed if it arrives immediately before the wait."""


def hold_host(bench: Bench, work: str, do: Callable[[], Result]) -> Result:
    """Hold the host, remove what an earlier run left there, do the work, and leave the host clean, its APIs running.

    The work runs in another thread, so that a request to end, Ctrl-C or SIGTERM, ends it only at a `checkpoint` of
    `provision.ssh`. During the clean-up such requests are ignored.

    Returns:
        What `do` returns.

    Raises:
        KeyboardInterrupt: a request to end arrived.
        RunError: something else holds the host; names it.
    """

    def clear_and_do() -> Result:
        bench.clear()
        bench.untune()
        return do()

    with _requests_to_end() as requests, bench.hold(work):
        scope = CancelScope()
        working = Beside().begin(lambda: scope.run(clear_and_do))
        _wait(working, requests, scope)
        if (failure := working.exception()) is None:
            _leave(bench)
            return working.result()
        try:
            _leave(bench)
        except HostError as error:
            # What ended the work is the error to report; the next run or `lab down` clears up as well.
            _logger.warning("The host couldn't be cleared up: %s", error)
        raise failure


def _wait(working: "Future[Result]", requests: "SimpleQueue[None]", scope: CancelScope) -> None:
    """Wait for the end of the work; pass a request to end on to it."""
    working.add_done_callback(lambda _: requests.put(None))
    while not working.done():
        with suppress(Empty):
            requests.get(timeout=_AWAKE_SECONDS)
            if not working.done():
                scope.cancel()


def _leave(bench: Bench) -> None:
    with ExitStack() as rest:
        rest.callback(bench.restore)
        rest.callback(bench.untune)
        bench.clear()


@contextmanager
def _requests_to_end() -> "Generator[SimpleQueue[None]]":
    """A queue with an entry for each request to end, except signals that this process ignores.

    In the context no request raises in the main thread, so none interrupts the wait for the work or the clean-up.
    """
    requests: SimpleQueue[None] = SimpleQueue()
    if threading.current_thread() is not threading.main_thread():
        yield requests
        return

    def note(_number: int, _frame: FrameType | None) -> None:
        requests.put(None)

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    replaced = {number: handler for number, handler in handlers.items() if handler not in {signal.SIG_IGN, None}}
    for number in replaced:
        signal.signal(number, note)
    try:
        yield requests
    finally:
        for number, handler in replaced.items():
            signal.signal(number, handler)
