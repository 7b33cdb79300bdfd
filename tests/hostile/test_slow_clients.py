"""Slow clients are ended in time, are waited for where they may be slow, and keep nobody else waiting."""

import time

import pytest

from apis.contract.checks import Target
from apis.contract.checks.problems import BAD_UPLOAD
from apis.contract.checks.wire import Wire, request_octets
from tests.hostile.slow_clients import BODY_HEAD, CASES, CHUNKED_HEAD, HEAD, SlowClients, fault_of

_AT_ONCE = 1.0
"""Seconds in which others are answered, on a machine that is busy."""


def test_slow_clients_keep_nobody_else_waiting(target: Target):
    wires = [Wire(target.base_url) for _ in range(200)]
    try:
        for number, wire in enumerate(wires):
            wire.send((HEAD, BODY_HEAD, CHUNKED_HEAD + b"1")[number % 3])
        for _ in range(5):
            start = time.monotonic()
            with Wire(target.base_url) as wire:
                wire.send(request_octets("GET /api/users/7"))
                assert wire.require_answer("GET /api/users/7").status == 200
            assert time.monotonic() - start < _AT_ONCE
    finally:
        for wire in wires:
            wire.__exit__(None, None, None)


def test_a_body_that_goes_on_arriving_is_waited_for(implementation: str, slow_clients: SlowClients):
    answer = slow_clients.slow_body(implementation)
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert BAD_UPLOAD.detail.encode() in answer, answer


@pytest.mark.parametrize("case", CASES)
def test_slow_clients_are_ended_in_time(implementation: str, slow_clients: SlowClients, case: str):
    faults = [fault_of(CASES[case], ending) for ending in slow_clients.endings(case, implementation)]
    assert [fault for fault in faults if fault is not None] == []
