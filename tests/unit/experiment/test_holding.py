"""A host that is held is left clean, whenever somebody asks for the end."""

import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context

import pytest

from documents.errors import HostError
from experiment.bench.readiness import wait_until_ready
from experiment.running.holding import hold_host
from provision.ssh.execution import checkpoint
from tests.unit.experiment.fake_bench import FakeBench

LEFT = ["hold", "clear", "clear", "restore"]


@pytest.fixture(autouse=True)
def requests_to_end() -> Iterator[None]:
    """A request to end raises `KeyboardInterrupt`, as in a process of one's own."""
    requests = (signal.SIGINT, signal.SIGTERM)
    previous = [signal.signal(request, signal.default_int_handler) for request in requests]
    yield
    for request, handler in zip(requests, previous, strict=True):
        signal.signal(request, handler)


def ask_for_the_end(request: signal.Signals = signal.SIGINT) -> None:
    """Have a request to end reach the main thread, as from a terminal."""
    ident = threading.main_thread().ident
    assert ident is not None
    signal.pthread_kill(ident, request)


def test_a_request_ends_the_work_at_a_checkpoint_and_nowhere_else():
    bench = FakeBench()
    waits, asked = threading.Event(), threading.Event()

    def wait_beside() -> None:
        with suppress(KeyboardInterrupt), checkpoint(asked.set):
            waits.set()
            assert asked.wait(10)

    def send_a_packet() -> None:
        bench.steps.append("first half")
        with ThreadPoolExecutor(1) as beside:
            beside.submit(copy_context().run, wait_beside)
            assert waits.wait(10)
            ask_for_the_end()
            assert asked.wait(10)
        bench.steps.append("second half")
        with checkpoint():
            bench.steps.append("next packet")

    with pytest.raises(KeyboardInterrupt):
        hold_host(bench, "a test", send_a_packet)
    assert bench.steps == ["hold", "clear", "first half", "second half", "clear", "restore"]
    assert bench.holder is None


def test_a_request_closes_what_is_waited_for():
    closed = threading.Event()

    def wait() -> None:
        with checkpoint(closed.set):
            ask_for_the_end()
            assert closed.wait(10)

    bench = FakeBench()
    with pytest.raises(KeyboardInterrupt):
        hold_host(bench, "a test", wait)
    assert bench.steps == LEFT


@pytest.mark.parametrize("end", [None, KeyboardInterrupt, HostError])
def test_requests_that_come_while_the_host_is_left_are_ignored(
    end: type[BaseException] | None, monkeypatch: pytest.MonkeyPatch
):
    def do() -> None:
        if end is not None:
            raise end

    bench = FakeBench()
    restore = bench.restore

    def restore_slowly() -> None:
        ask_for_the_end()
        ask_for_the_end(signal.SIGTERM)
        restore()

    monkeypatch.setattr(bench, "restore", restore_slowly)
    if end is None:
        hold_host(bench, "a test", do)
    else:
        with pytest.raises(end):
            hold_host(bench, "a test", do)
    assert bench.steps == LEFT
    assert bench.holder is None


def test_whoever_ignores_requests_goes_on_to():
    bench = FakeBench()
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        hold_host(bench, "a test", ask_for_the_end)
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, previous)
    assert bench.steps == LEFT


def test_who_waits_for_an_api_that_never_gets_ready_is_ended():
    bench = FakeBench()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        base_url = f"http://127.0.0.1:{silent.getsockname()[1]}"

        def wait() -> None:
            ask_for_the_end()
            wait_until_ready(base_url, deadline_seconds=20)

        with pytest.raises(KeyboardInterrupt):
            hold_host(bench, "a test", wait)
    assert bench.steps == LEFT
