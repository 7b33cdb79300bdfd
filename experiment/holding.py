"""Having the host to oneself while something is measured on it, and leaving it as it was found."""

import getpass
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import TypeVar

from documents.errors import HostError
from experiment.bench import Bench

_logger = logging.getLogger(__name__)

Result = TypeVar("Result")


def name_holder(work: str) -> str:
    """What is done on a host, by whom and in which process, for whoever else asks for it."""
    return f"{work} of {getpass.getuser()}@{socket.gethostname()}, process {os.getpid()}"


def hold_host(bench: Bench, work: str, do: Callable[[], Result]) -> Result:
    """Have the host to oneself, rid of what an earlier run left behind; leave it clean, with its APIs running.

    It is left whenever a request to end comes, Ctrl-C or SIGTERM. That is why this is no context manager: one that came
    while a `with` statement is on its way into its `__exit__` would keep it from that.

    Args:
        bench: the host.
        work: what is done on it, for whoever else asks for it.
        do: does it.

    Returns:
        What that returns.

    Raises:
        RunError: something else holds it; names what.
    """
    with _requests_to_end() as requests, bench.hold(name_holder(work)):
        try:
            try:
                try:
                    bench.clear()
                    bench.untune()
                    result = do()
                finally:
                    requests.ignore()
            finally:
                # For it may be in that moment that a request comes, or the first of two.
                requests.ignore()
        except BaseException:
            try:
                _leave(bench)
            except HostError as error:
                # What ended the work is what must be told; the next run or `lab down` clears up as well.
                _logger.warning("The host couldn't be cleared up: %s", error)
            raise
        _leave(bench)
        return result


def _leave(bench: Bench) -> None:
    with ExitStack() as rest:
        rest.callback(bench.restore)
        rest.callback(bench.untune)
        bench.clear()


class _Requests:
    """Requests to end, which raise `KeyboardInterrupt` until they are to be ignored.

    Two are met at most, for what the first one raised is on its way then. It may have come to nothing: Python drops
    what is raised where an object is disposed of.
    """

    def __init__(self) -> None:
        self._left = 2

    def ignore(self) -> None:
        """Meet no more."""
        self._left = 0

    def meet(self, _number: int, _frame: FrameType | None) -> None:
        """Handle a signal."""
        if self._left > 0:
            self._left -= 1
            raise KeyboardInterrupt


@contextmanager
def _requests_to_end() -> Generator[_Requests]:
    """Meet them so, but for those that this process was told to ignore."""
    requests = _Requests()
    if threading.current_thread() is not threading.main_thread():
        yield requests
        return
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    met = {number: handler for number, handler in handlers.items() if handler not in {signal.SIG_IGN, None}}
    for number in met:
        signal.signal(number, requests.meet)
    try:
        yield requests
    finally:
        for number, handler in met.items():
            signal.signal(number, handler)
