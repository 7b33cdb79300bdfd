"""Many requests on one connection at once, read at leisure."""

import time
from contextlib import suppress

from apis.contract.checks import Target
from apis.contract.checks.wire import Wire, request_octets
from apis.contract.tokens import mint_token
from tests.hostile.next_client import user_body
from tests.stand.stand import Stand

_MANY = 300
_FLOOD = 4_000
_GROWTH = 128 * 1024**2
"""Octets that answers may take which nobody reads: the requests behind them must wait."""


_SETTLING_SECONDS = 2.0
"""Seconds in which an implementation has read what it is ready to read."""

_AT_ONCE = 1.0
"""Seconds in which others are answered, on a machine that is busy."""


def test_many_requests_are_answered_in_order(target: Target):
    numbers = [number % 50 + 1 for number in range(_MANY)]
    with Wire(target.base_url, timeout=20) as wire:
        wire.send(b"".join(request_octets(f"GET /api/users/{number}") for number in numbers))
        for place, number in enumerate(numbers):
            answer = wire.require_answer(f"GET /api/users/{number}, {place} in a pipeline")
            assert (answer.status, answer.body) == (200, user_body(number))


def test_requests_cut_anywhere_are_the_same_requests(target: Target):
    headers = {"Content-Type": "application/json"}
    octets = request_octets("POST /api/auth/login", headers=headers, body=b"{}") + request_octets("GET /api/users/3")
    for size in (1, 7):
        with Wire(target.base_url, timeout=20) as wire:
            for place in range(0, len(octets), size):
                wire.send(octets[place : place + size])
            assert wire.require_answer("POST /api/auth/login in pieces").status == 422
            assert wire.require_answer("GET /api/users/3 in pieces").body == user_body(3)


def test_a_dear_request_delays_those_behind_it_and_no_others(target: Target):
    body = b'{"email":"nobody@example.test","password":"a wrong one"}'
    login = request_octets("POST /api/auth/login", headers={"Content-Type": "application/json"}, body=body)
    with Wire(target.base_url, timeout=60) as wire, Wire(target.base_url, timeout=20) as other:
        wire.send(login * 20 + request_octets("GET /api/users/3"))
        start = time.monotonic()
        other.send(request_octets("GET /healthz"))
        assert other.require_answer("GET /healthz meanwhile").status == 200
        assert time.monotonic() - start < _AT_ONCE
        for _ in range(20):
            assert wire.require_answer("POST /api/auth/login").status == 401
        assert wire.require_answer("GET /api/users/3").body == user_body(3)


def test_answers_that_nobody_reads_are_not_heaped_up(target: Target, stand: Stand, implementation: str):
    token = mint_token(target.jwt_secret, 7, "user_0007")
    page = request_octets("GET /api/posts?limit=100&before=5000", headers={"Authorization": f"Bearer {token}"})
    before = stand.footprint(implementation)
    with Wire(target.base_url, timeout=3) as wire:
        # It takes no more until somebody reads: just that is wanted.
        with suppress(TimeoutError):
            wire.send(page * _FLOOD)
        time.sleep(_SETTLING_SECONDS)
        after = stand.footprint(implementation)
        assert after.memory - before.memory < _GROWTH, f"grew from {before} to {after}"
        assert wire.require_answer("GET /api/posts, first of a flood").status == 200
