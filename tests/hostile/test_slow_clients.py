"""Clients that are slow on purpose, each kind several times, at all implementations at once: the waits overlap."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from apis.contract.checks import Target
from apis.contract.checks.multipart import CONTENT_TYPE, PNG, Part, multipart
from apis.contract.checks.wire import Wire, request_octets
from apis.contract.tokens import mint_token

_HEAD = b"GET /healthz HTTP/1.1\r\nHost: fairground.test\r\n"
_BODY_HEAD = (
    b"POST /api/auth/login HTTP/1.1\r\nHost: fairground.test\r\nContent-Type: application/json\r\n"
    b"Content-Length: 100\r\n\r\n"
)
_CHUNKED_HEAD = (
    b"POST /api/auth/login HTTP/1.1\r\nHost: fairground.test\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)

_OF_EACH = 4
_LATEST = 5.0
"""Seconds after which a limit has been enforced: it is looked at now and then, on a machine that is busy."""

Seconds = float
Ending = tuple[Seconds, bytes]
"""When a connection ended, counted from its first octet, and what had come until then."""


def _dripped(first: bytes, drop: bytes, *, every: float, limit: float) -> Callable[[Target], Ending]:
    """Send the first octets, then a drop from time to time, until the other side ends the connection."""

    def play(target: Target) -> Ending:
        with Wire(target.base_url, timeout=limit) as wire:
            start = time.monotonic()
            wire.send(first)
            while time.monotonic() - start < limit:
                if wire.is_closed_within(every):
                    break
                wire.send_if_open(drop)
            return time.monotonic() - start, b""

    return play


def _stopped(octets: bytes, *, limit: float) -> Callable[[Target], Ending]:
    """Send octets and nothing more."""

    def play(target: Target) -> Ending:
        with Wire(target.base_url, timeout=limit) as wire:
            start = time.monotonic()
            wire.send(octets)
            received = wire.rest(limit)
            return time.monotonic() - start, received or b""

    return play


_CASES: dict[str, tuple[Callable[[Target], Ending], float]] = {
    "a head that drips": (_dripped(_HEAD, b"X: y\r\n", every=1, limit=20), 10),
    "a request line that drips": (_dripped(b"G", b"G", every=1, limit=20), 10),
    "a head that stops": (_stopped(_HEAD, limit=20), 10),
    "one octet": (_stopped(b"G", limit=20), 10),
    "a body that stops": (_stopped(_BODY_HEAD + b"{", limit=20), 10),
    "a body that never begins": (_stopped(_BODY_HEAD, limit=20), 10),
    "a chunk that stops": (_stopped(_CHUNKED_HEAD + b"5\r\n{", limit=20), 10),
    "a chunk size that stops": (_stopped(_CHUNKED_HEAD + b"5", limit=20), 10),
    "a chunked body without end": (_stopped(_CHUNKED_HEAD + b"2\r\n{}\r\n", limit=20), 10),
    "a connection that idles": (_stopped(request_octets("GET /healthz"), limit=75), 60),
    "a head behind an answer that stops": (_stopped(request_octets("GET /healthz") + _HEAD, limit=20), 10),
}
"""What the client does, and the seconds of the contract's limit."""


@pytest.fixture(scope="module")
def endings(targets: dict[str, Target]) -> dict[str, dict[str, list[Ending]]]:
    """For each case, by implementation, how its connections ended."""
    plays = [(case, name) for case in _CASES for name in targets for _ in range(_OF_EACH)]

    def run(play: tuple[str, str]) -> Ending:
        case, name = play
        return _CASES[case][0](targets[name])

    with ThreadPoolExecutor(len(plays)) as pool:
        ended = list(pool.map(run, plays))
    found: dict[str, dict[str, list[Ending]]] = {case: {name: [] for name in targets} for case in _CASES}
    for (case, name), ending in zip(plays, ended, strict=True):
        found[case][name].append(ending)
    return found


@pytest.mark.parametrize("case", _CASES)
def test_slow_clients_are_ended_in_time(implementation: str, endings: dict[str, dict[str, list[Ending]]], case: str):
    limit = _CASES[case][1]
    for seconds, received in endings[case][implementation]:
        assert limit - 1 <= seconds <= limit + _LATEST, f"{case}: ended after {seconds:.1f} s, with {received!r}"
        statuses = [int(piece[2:5]) for piece in received.split(b"HTTP/1.")[1:]]
        if case in {"a connection that idles", "a head behind an answer that stops"}:
            assert statuses[:1] == [200], received
            statuses = statuses[1:]
        assert all(400 <= status < 500 for status in statuses), received
        assert len(statuses) <= 1, received


def _upload_slowly(target: Target, octets: bytes, pieces: int, every: float) -> bytes:
    size = -(-len(octets) // pieces)
    with Wire(target.base_url, timeout=15) as wire:
        for place in range(0, len(octets), size):
            wire.send(octets[place : place + size])
            time.sleep(every)
        return wire.require_answer("POST /api/files, slowly").body


def test_a_body_that_goes_on_arriving_is_waited_for(targets: dict[str, Target]):
    # Longer than any single limit; what counts is that it never stops for 10 s.
    def play(target: Target) -> bytes:
        body = multipart(Part(PNG))
        headers = {
            "Authorization": f"Bearer {mint_token(target.jwt_secret, 7, 'user_0007')}",
            "Content-Type": CONTENT_TYPE,
        }
        head, _, rest = request_octets("POST /api/files", headers=headers, body=body).partition(b"\r\n\r\n")
        return _upload_slowly(target, head + b"\r\n\r\n" + rest, 8, 2.0)

    with ThreadPoolExecutor(len(targets)) as pool:
        answers = dict(zip(targets, pool.map(play, targets.values()), strict=True))
    assert all(b'"size":%d' % len(PNG) in body for body in answers.values()), answers


def test_slow_clients_keep_nobody_else_waiting(target: Target):
    wires = [Wire(target.base_url) for _ in range(200)]
    try:
        for number, wire in enumerate(wires):
            wire.send((_HEAD, _BODY_HEAD, _CHUNKED_HEAD + b"1")[number % 3])
        for _ in range(5):
            start = time.monotonic()
            with Wire(target.base_url) as wire:
                wire.send(request_octets("GET /api/users/7"))
                assert wire.require_answer("GET /api/users/7").status == 200
            assert time.monotonic() - start < 1
    finally:
        for wire in wires:
            wire.__exit__(None, None, None)
