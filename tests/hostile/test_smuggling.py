"""Shapes of request smuggling: two readers who disagree on where a request ends must never both be served."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from apis.contract.checks import Target
from apis.contract.checks.wire import Wire

_MARK = b"user_0001"
_SMUGGLED = b"GET /api/users/1 HTTP/1.1\r\nHost: fairground.test\r\n\r\n"
_HEAD = b"POST /api/auth/login HTTP/1.1\r\nHost: fairground.test\r\nContent-Type: application/json\r\n"
_END = b"0\r\n\r\n"

_LAST = b"GET /healthz HTTP/1.1\r\nHost: fairground.test\r\nConnection: close\r\n\r\n"
_LAST_BODY = b'{"status":"ok"}'

_AT_ONCE = 64

_WAIT_SECONDS = 12.0
"""Longer than a body may stop arriving: by then every connection has ended."""


Reply = tuple[bytes, bool]
"""What came, and whether the connection stayed open."""

Replies = Mapping[tuple[str, str, str], Reply]
"""By target, kind and name of the shape."""


def both_lengths() -> dict[str, bytes]:
    """What one of the lengths takes for the body's end, the other takes for its middle."""
    body = _END + _SMUGGLED
    shapes: dict[str, bytes] = {}
    for length in (0, len(_END), len(body), 4):
        declared = b"Content-Length: %d\r\n" % length
        for name, coding in (
            ("plain", b"Transfer-Encoding: chunked\r\n"),
            ("upper case", b"TRANSFER-ENCODING: CHUNKED\r\n"),
            ("blank before the colon", b"Transfer-Encoding : chunked\r\n"),
            ("tab", b"Transfer-Encoding:\tchunked\r\n"),
            ("vertical tab", b"Transfer-Encoding:\x0bchunked\r\n"),
            ("folded", b"Transfer-Encoding:\r\n chunked\r\n"),
            ("behind another field", b"X: y\nTransfer-Encoding: chunked\r\n"),
            ("unknown word", b"Transfer-Encoding: xchunked\r\n"),
            ("quoted", b'Transfer-Encoding: "chunked"\r\n'),
            ("twice", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
            ("identity first", b"Transfer-Encoding: identity, chunked\r\n"),
            ("identity last", b"Transfer-Encoding: chunked, identity\r\n"),
            ("NUL", b"Transfer-Encoding: chunked\x00\r\n"),
            ("comma", b"Transfer-Encoding: ,chunked\r\n"),
        ):
            shapes[f"{length} and {name}"] = _HEAD + declared + coding + b"\r\n" + body
            shapes[f"{name} and {length}"] = _HEAD + coding + declared + b"\r\n" + body
    return shapes


def contradicting_lengths() -> dict[str, bytes]:
    """Several Content-Lengths, and such as are no number: none tells where the smuggled request begins."""
    values = [
        (b"2", b"%d" % (2 + len(_SMUGGLED))),
        (b"%d" % (2 + len(_SMUGGLED)), b"2"),
        (b"2, 99",),
        (b"+2",),
        (b"-2",),
        (b"0x2",),
        (b"2 2",),
        (b"2.0",),
        (b"2e0",),
        (b"\xb2",),
        (b"2\x00",),
        (b"18446744073709551618",),
        (b"2;",),
        (b"",),
    ]
    return {
        b" and ".join(lengths).decode("latin-1"): _HEAD
        + b"".join(b"Content-Length: " + value + b"\r\n" for value in lengths)
        + b"\r\n{}"
        + _SMUGGLED
        for lengths in values
    }


def bad_chunks() -> dict[str, bytes]:
    """Chunked bodies with a fault, behind which nothing may be taken for a request."""
    head = _HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    bodies = {
        "hexadecimal prefix": b"0x2\r\n{}\r\n0\r\n\r\n",
        "sign": b"+2\r\n{}\r\n0\r\n\r\n",
        "negative": b"-2\r\n{}\r\n0\r\n\r\n",
        "no size": b"\r\n{}\r\n0\r\n\r\n",
        "no number": b"xyz\r\n{}\r\n0\r\n\r\n",
        "too large a number": b"FFFFFFFFFFFFFFFFFF2\r\n{}\r\n0\r\n\r\n",
        "a number that wraps": b"10000000000000002\r\n{}\r\n0\r\n\r\n",
        "larger than the rest": b"7fffffffffffffff\r\n{}\r\n0\r\n\r\n",
        "shorter than the data": b"1\r\n{}\r\n0\r\n\r\n",
        "longer than the data": b"3\r\n{}\r\n0\r\n\r\n",
        "no line end behind the data": b"2\r\n{}0\r\n\r\n",
        "no line end behind the size": b"2{}\r\n0\r\n\r\n",
        "two line ends behind the data": b"2\r\n{}\r\n\r\n0\r\n\r\n",
        "NUL in the size": b"2\x00\r\n{}\r\n0\r\n\r\n",
        "carriage return alone": b"2\r{}\r0\r\r",
    }
    return {name: head + body + _SMUGGLED for name, body in bodies.items()}


def ambiguous_methods() -> dict[str, bytes]:
    """Bodies on requests that have none: what is in them is no request, and what follows them is one."""
    shapes: dict[str, bytes] = {}
    for line in (
        b"GET /healthz",
        b"HEAD /healthz",
        b"DELETE /api/posts/1",
        b"GET /nowhere",
        b"OPTIONS /healthz",
        b"PATCH /api/posts",
    ):
        head = line + b" HTTP/1.1\r\nHost: fairground.test\r\n"
        shapes[f"{line.decode()} with a length"] = (
            head + b"Content-Length: %d\r\n\r\n" % len(_SMUGGLED) + _SMUGGLED + _LAST
        )
        chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(_SMUGGLED), _SMUGGLED)
        shapes[f"{line.decode()} with chunks"] = head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk + _LAST
    return shapes


SHAPES: Mapping[str, dict[str, bytes]] = {
    "both lengths": both_lengths(),
    "contradicting lengths": contradicting_lengths(),
    "bad chunks": bad_chunks(),
    "ambiguous methods": ambiguous_methods(),
}


def send_all(targets: Mapping[str, Target], kinds: Iterable[str] = SHAPES) -> Replies:
    """Send all shapes of some kinds to all targets: their waits overlap."""
    sent = [(target, kind, name) for target in targets for kind in kinds for name in SHAPES[kind]]

    def send(shape: tuple[str, str, str]) -> Reply:
        target, kind, name = shape
        return _reply(targets[target], SHAPES[kind][name])

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(sent, pool.map(send, sent), strict=True))


def faults_of(replies: Replies, target: str, kind: str, *, whole: bool = False) -> list[str]:
    """What is wrong with a target's replies to the shapes of a kind; `whole`: each is one right request."""
    found: list[str] = []
    for name, octets in SHAPES[kind].items():
        received, is_open = replies[target, kind, name]
        statuses = [int(piece[2:5]) for piece in received.split(b"HTTP/1.")[1:]]
        if whole and len(statuses) == 2 and received.endswith(_LAST_BODY):
            statuses.pop()
        if _MARK in received or len(statuses) > 1:
            found.append(f"{name}: the smuggled request was answered: {received!r} to {octets!r}")
        elif statuses and not whole and not (400 <= statuses[0] < 500 or statuses[0] in {501, 505}):
            found.append(f"{name}: expected a 4xx or the end, saw {received!r} to {octets!r}")
        elif whole and (not statuses or statuses[0] >= 500):
            found.append(f"{name}: expected an answer as to any other, saw {received!r} to {octets!r}")
        elif is_open and not whole:
            found.append(
                f"{name}: expected the connection closed afterwards, saw it open behind {received!r} to {octets!r}"
            )
    return found


def _reply(target: Target, octets: bytes) -> Reply:
    with Wire(target.base_url) as wire:
        wire.send_if_open(octets)
        received = wire.rest(_WAIT_SECONDS)
        # Asked once more: `rest` tells only whether something came.
        return received or b"", not wire.is_closed_within(0.1)


@pytest.fixture(scope="module")
def replies(targets: dict[str, Target]) -> Replies:
    return send_all(targets)


def test_two_lengths_never_give_two_answers(implementation: str, replies: Replies):
    assert faults_of(replies, implementation, "both lengths") == []


def test_contradicting_lengths_are_refused(implementation: str, replies: Replies):
    assert faults_of(replies, implementation, "contradicting lengths") == []


def test_bad_chunks_end_the_connection(implementation: str, replies: Replies):
    assert faults_of(replies, implementation, "bad chunks") == []


def test_bodies_of_requests_that_have_none_are_bodies(implementation: str, replies: Replies):
    assert faults_of(replies, implementation, "ambiguous methods", whole=True) == []
