"""A host that is held is left clean, whenever somebody asks for the end."""

import signal
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

import pytest

from documents.errors import HostError
from experiment.holding import hold_host
from tests.conftest import NIGHTLY
from tests.unit.experiment.fake_bench import FakeBench

# Its other method has the timer that the requests come by.
pytestmark = pytest.mark.timeout(method="thread")

MOMENTS = [microseconds / 1e6 for microseconds in range(1, 81) for _ in range(10 if NIGHTLY else 1)]
"""How long after the work's end the first request comes, in seconds: up to when the host is being left."""

APART = 30e-6
"""Seconds from one request to the next: a handler is done with the one by then."""

LEFT = ["hold", "clear", "clear", "restore"]


class Asker:
    """Asks for the end, first after a time and then again and again, until it is to stop."""

    def __init__(self) -> None:
        self._asks = False

    def begin(self, moment: float) -> None:
        self._asks = True
        signal.setitimer(signal.ITIMER_REAL, moment, APART)

    def stop(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        self._asks = False

    def ask(self, *_: object) -> None:
        # The last one may be late, by way of another thread.
        if self._asks:
            signal.raise_signal(signal.SIGINT)


def _ignore(*_: object) -> None: ...


@pytest.fixture
def asker() -> Iterator[Asker]:
    asker = Asker()
    handlers = {signal.SIGALRM: asker.ask, signal.SIGINT: _ignore}
    previous = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    yield asker
    asker.stop()
    for number, handler in previous.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("end", [None, KeyboardInterrupt, HostError])
def test_requests_that_come_when_the_work_is_over_are_ignored_until_the_host_is_left(
    asker: Asker, end: type[BaseException] | None
):
    def ask_and_end(moment: float) -> None:
        asker.begin(moment)
        if end is not None:
            raise end

    for moment in MOMENTS:
        bench = FakeBench()
        with suppress(KeyboardInterrupt, HostError):
            hold_host(bench, "a test", partial(ask_and_end, moment))
        asker.stop()
        assert bench.steps == LEFT, moment
        assert bench.holder is None


def test_a_request_that_came_to_nothing_is_followed_by_another():
    def drop_one() -> None:
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    bench = FakeBench()
    with pytest.raises(KeyboardInterrupt):
        hold_host(bench, "a test", drop_one)
    assert bench.steps == LEFT


def test_whoever_ignores_requests_goes_on_to():
    bench = FakeBench()
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        hold_host(bench, "a test", lambda: signal.raise_signal(signal.SIGINT))
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, previous)
    assert bench.steps == LEFT
