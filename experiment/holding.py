"""Having the host to oneself while something is measured on it, and leaving it as it was found."""

import getpass
import logging
import os
import signal
import socket
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager

from documents.errors import HostError
from experiment.bench import Bench

_logger = logging.getLogger(__name__)


def name_holder(work: str) -> str:
    """What is done on a host, by whom and in which process, for whoever else asks for it."""
    return f"{work} of {getpass.getuser()}@{socket.gethostname()}, process {os.getpid()}"


@contextmanager
def host_held(bench: Bench, work: str) -> Generator[None]:
    """Have the host to oneself, rid of what an earlier run left behind; leave it clean, with its APIs running.

    Args:
        bench: the host.
        work: what is done on it, for whoever else asks for it.

    Raises:
        RunError: something else holds it; names what.
    """
    with bench.hold(name_holder(work)):
        try:
            bench.clear()
            bench.untune()
            yield
        except BaseException:
            try:
                _leave(bench)
            except HostError as error:
                # What ended the work is what must be told; the next run or `lab down` clears up as well.
                _logger.warning("The host couldn't be cleared up: %s", error)
            raise
        else:
            _leave(bench)


def _leave(bench: Bench) -> None:
    with _uninterrupted(), ExitStack() as rest:
        rest.callback(bench.restore)
        rest.callback(bench.untune)
        bench.clear()


@contextmanager
def _uninterrupted() -> Generator[None]:
    """Ignore requests to end: leaving the host takes a few seconds, and a second Ctrl-C would leave load running."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
