"""What a run has begun in threads has ended before its host is left, also where a request to end came meanwhile."""

import itertools
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING

import pytest

from experiment import host_folder
from experiment.arrangement import Arrangement
from experiment.beside import Beside
from experiment.holding import hold_host
from experiment.remote_bench import RemoteBench
from provision import database
from provision.connection import Connection
from tests.conftest import NIGHTLY
from tests.unit.experiment.fake_bench import INVENTORY, SECRETS, FakeBench
from tests.unit.provision.local_host import LocalHost

if TYPE_CHECKING:
    from _typeshed import TraceFunction

LONG_SECONDS = 0.3
"""How long a step goes on after somebody has asked for the end: long after whoever doesn't wait for it is done."""


STRIDE = 1 if NIGHTLY else 7
"""A request to end comes at every seventh instruction in the gate, and at each one in a nightly run."""


@pytest.fixture(autouse=True)
def requests_to_end() -> Iterator[None]:
    """A request to end raises `KeyboardInterrupt`, as in a process of one's own."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous)


def ask_for_the_end() -> None:
    """Have a request to end reach the main thread, as from a terminal."""
    ident = threading.main_thread().ident
    assert ident is not None
    signal.pthread_kill(ident, signal.SIGINT)


class Steps:
    """Steps that are counted when they begin and when they end."""

    def __init__(self) -> None:
        self._begun: list[None] = []
        self._ended: list[None] = []

    def do_one(self) -> None:
        self._begun.append(None)
        time.sleep(0.002)
        self._ended.append(None)

    def are_over(self) -> bool:
        """Whether all that have begun have ended, and none begins any more."""
        counted = len(self._begun), len(self._ended)
        time.sleep(0.003)
        return counted == (len(self._begun), len(self._begun))


def test_all_steps_are_done_and_the_first_failure_is_raised():
    done: list[str] = []

    def fail(message: str) -> None:
        raise ValueError(message)

    beside = Beside()
    assert beside.do_all(lambda: 1, lambda: 2) == [1, 2]
    with pytest.raises(ValueError, match="first"):
        beside.do_all(lambda: fail("first"), lambda: fail("second"), lambda: done.append("third"))
    assert done == ["third"]


def test_at_whichever_instruction_a_request_to_end_comes_it_is_met_and_what_was_begun_has_ended_after_the_wait():
    threads = threading.enumerate()
    before, met = -STRIDE, True
    while met:
        before += STRIDE
        instructions = itertools.count()

        def ask(
            frame: FrameType, event: str, _: object, instructions: Iterator[int] = instructions, last: int = before
        ) -> "TraceFunction":
            frame.f_trace_opcodes = True
            if event == "opcode" and next(instructions) == last:
                raise KeyboardInterrupt
            return ask

        steps, beside = Steps(), Beside()
        met = False
        sys.settrace(ask)
        try:
            beside.do_all(steps.do_one, steps.do_one)
        except KeyboardInterrupt:
            met = True
        finally:
            sys.settrace(None)
        beside.wait()
        assert steps.are_over(), f"after {before} instructions"
    assert before > 100
    assert set(threading.enumerate()) <= set(threads)


def test_a_reset_that_a_request_to_end_came_into_is_over_before_the_host_is_cleared(monkeypatch: pytest.MonkeyPatch):
    order: list[str] = []

    def reset_database(*_: object) -> None:
        ask_for_the_end()
        time.sleep(LONG_SECONDS)
        order.append("reset")

    def clear(_connection: Connection) -> None:
        order.append("cleared")

    def nothing(*_: object, **__: object) -> None: ...

    monkeypatch.setattr(database, "reset_database", reset_database)
    for module, name in ((database, "flush_cache"), (database, "empty_uploads"), (RemoteBench, "lay_ready")):
        monkeypatch.setattr(module, name, nothing)
    monkeypatch.setattr(Arrangement, "undo", nothing)
    monkeypatch.setattr(host_folder, "clear", clear)

    bench = RemoteBench(LocalHost(), INVENTORY, SECRETS)
    with pytest.raises(KeyboardInterrupt):
        bench.reset(INVENTORY.apis[0], b"")
    bench.clear()
    assert order == ["reset", "cleared"]


def test_what_goes_on_beside_is_over_before_the_host_is_left_though_two_requests_came():
    bench = FakeBench()

    def ask_twice() -> None:
        ask_for_the_end()
        time.sleep(LONG_SECONDS)
        ask_for_the_end()
        time.sleep(LONG_SECONDS)
        bench.steps.append("step")

    def wait_for_it() -> None:
        step = bench.beside(ask_twice)
        try:
            time.sleep(10)
        finally:
            step.result()

    with pytest.raises(KeyboardInterrupt):
        hold_host(bench, "a test", wait_for_it)
    assert bench.steps == ["hold", "clear", "step", "clear", "restore"]
