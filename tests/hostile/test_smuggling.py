"""Request smuggling: a request that lies in the body of another one is never answered."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from tests.stand.client import Line, request_octets
from tests.stand.stand import Api

pytestmark = pytest.mark.usefixtures("unharmed", "next_client")

_MARK = b"user_0001"
_SMUGGLED = b"GET /api/users/1 HTTP/1.1\r\nHost: fairground.test\r\n\r\n"
_LINE = b"POST /api/auth/login HTTP/1.1\r\nHost: fairground.test\r\n"
_HEAD = _LINE + b"Content-Type: application/json\r\n"
_CODING = b"Transfer-Encoding: chunked\r\n"
_IN_CHUNK = b"%x\r\n%s\r\n0\r\n\r\n" % (len(_SMUGGLED), _SMUGGLED)
_BEHIND = b"0\r\n\r\n" + _SMUGGLED

_SILENCE = 2.0
"""Seconds without an octet after which nothing more is expected."""

_AT_ONCE = 64


def both_lengths() -> dict[str, bytes]:
    """`Content-Length` and `Transfer-Encoding`. RFC 9112, section 6.3: the coding counts, or the request is refused."""
    # With these the coding counts: the smuggled request is in a chunk.
    valid = (_CODING, _CODING.upper(), b"Transfer-Encoding:\tchunked\r\n", b"Transfer-Encoding:\r\n chunked\r\n")
    # These must be refused, whichever length the reader would take.
    invalid = (
        *(b"Transfer-Encoding : chunked\r\n", b"Transfer-Encoding:\x0bchunked\r\n", b"Transfer-Encoding: xchunked\r\n"),
        *(b"Transfer-Encoding: chunked, identity\r\n", b'Transfer-Encoding: "chunked"\r\n'),
        b"Transfer-Encoding: chunked\x00\r\n",
    )
    shapes: dict[str, bytes] = {}
    for coding in (*valid, *invalid):
        for length in (0, 4):
            lengths = b"Content-Length: %d\r\n" % length
            shapes[f"{coding!r}, {length}"] = _HEAD + lengths + coding + b"\r\n" + _IN_CHUNK
            shapes[f"{length}, {coding!r}"] = _HEAD + coding + lengths + b"\r\n" + _IN_CHUNK
    for coding in invalid:
        lengths = b"Content-Length: %d\r\n" % len(_BEHIND)
        shapes[f"{coding!r}, all"] = _HEAD + lengths + coding + b"\r\n" + _BEHIND
    return shapes


def bad_lengths() -> dict[str, bytes]:
    """Several `Content-Length`s, and one that isn't a number: the request is refused."""
    longer = b"%d" % (2 + len(_SMUGGLED))
    wrong = (b"2, 99", b"+2", b"-2", b"0x2", b"2 2", b"2.0", b"\xb2", b"2\x00", b"18446744073709551618", b"2;")
    values = [(b"2", longer), (longer, b"2"), *((text,) for text in wrong)]
    return {
        repr(value): _HEAD + b"".join(b"Content-Length: %s\r\n" % one for one in value) + b"\r\n{}" + _SMUGGLED
        for value in values
    }


def bad_chunks() -> dict[str, bytes]:
    """Chunks with a fault, behind which nothing is a request."""
    sizes = (
        b"0x2",
        b"+2",
        b"-2",
        b"",
        b"xyz",
        b"1",
        b"3",
        b"2\x00",
        b"7fffffffffffffff",
        b"1%016d" % 2,
        b"F" * 18 + b"2",
    )
    bodies = [size + b"\r\n{}\r\n0\r\n\r\n" for size in sizes]
    bodies += [b"2\r\n{}0\r\n\r\n", b"2{}\r\n0\r\n\r\n", b"2\r{}\r0\r\r"]
    return {repr(body): _HEAD + _CODING + b"\r\n" + body + _SMUGGLED for body in bodies}


def in_bodies() -> dict[str, bytes]:
    """Bodies of correct or odd requests: what is in them isn't a request."""
    shapes = {
        "an extension": _HEAD + _CODING + b"\r\n%x;a=b\r\n%s\r\n0;c\r\n\r\n" % (len(_SMUGGLED), _SMUGGLED),
        "a trailer": _HEAD + _CODING + b"\r\n%s0\r\nX: y\r\n\r\n" % _IN_CHUNK.removesuffix(b"0\r\n\r\n"),
        "bare line feeds": (_HEAD + _CODING).replace(b"\r\n", b"\n") + b"\n" + _IN_CHUNK,
        "a folded field": _HEAD + b"X: a\r\n b\r\n" + _CODING + b"\r\n" + _IN_CHUNK,
        "no chunk at all": _HEAD + b"Content-Length: %d\r\n\r\n" % len(_SMUGGLED) + _SMUGGLED,
    }
    for line in (b"GET /healthz", b"DELETE /api/posts/1", b"GET /nowhere", b"OPTIONS /healthz", b"PATCH /api/posts"):
        head = line + b" HTTP/1.1\r\nHost: fairground.test\r\n"
        shapes[f"{line} with a length"] = head + b"Content-Length: %d\r\n\r\n" % len(_SMUGGLED) + _SMUGGLED
        shapes[f"{line} with chunks"] = head + _CODING + b"\r\n" + _IN_CHUNK
    return shapes


SHAPES: Mapping[str, bytes] = both_lengths() | bad_lengths() | bad_chunks() | in_bodies()


def fault_of(received: bytes) -> str | None:
    """What is wrong with all that came back for a shape."""
    statuses = [int(piece[2:5]) for piece in received.split(b"HTTP/1.")[1:] if piece[2:5] != b"100"]
    if _MARK in received or len(statuses) > 1:
        return f"the smuggled request was answered: {received!r}"
    if statuses and statuses[0] >= 500 and statuses[0] not in {501, 505}:
        return f"expected no 5xx, saw {received!r}"
    return None


def _received(base_url: str, octets: bytes) -> bytes:
    with Line(base_url) as line:
        line.send(octets)
        return line.rest(_SILENCE)


def faults_of(base_url: str, shapes: Mapping[str, bytes]) -> list[str]:
    """The shapes that an implementation falls for, and what it answered."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        replies = pool.map(partial(_received, base_url), shapes.values())
        faults = zip(shapes, map(fault_of, replies), strict=True)
        return [f"{name}: {fault}" for name, fault in faults if fault is not None]


def test_no_smuggled_request_is_answered(api: Api):
    assert faults_of(api.base_url, SHAPES) == []


def test_a_pipeline_is_answered_in_order(api: Api):
    numbers = [number % 50 + 1 for number in range(100)]
    octets = b"".join(request_octets("GET", f"/api/users/{number}") for number in numbers[:-1])
    octets += request_octets("GET", f"/api/users/{numbers[-1]}", headers=[("Connection", "close")])
    with Line(api.base_url) as line:
        for start in range(0, len(octets), 1_001):
            line.send(octets[start : start + 1_001])
        received = line.rest(10)
    seen = [int(piece.split(b'"')[0]) for piece in received.split(b'"user_')[1:]]
    assert seen == numbers


_GET = b"GET /healthz HTTP/1.1\r\nHost: x"
MALFORMED = (
    *(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64), b"GET", b"GET /healthz", b"GET /healthz HTTP/1.1"),
    *(b"GET /healthz HTTP/9.9\r\nHost: x", b"GET /healthz HTTP/1.1\r\nHost x", b"G\x00T /healthz HTTP/1.1\r\nHost: x"),
    *(b"GET healthz HTTP/1.1\r\nHost: x", b"CONNECT x:80 HTTP/1.1\r\nHost: x", b"GET http://x/ HTTP/1.1\r\nHost: x"),
    *(b"GET /%zz HTTP/1.1\r\nHost: x", b"GET /\xff HTTP/1.1\r\nHost: x", b"GET /api/posts?a=%zz HTTP/1.1\r\nHost: x"),
    *(b"PROPFIND /healthz HTTP/1.1\r\nHost: x", b"\r\n" * 1_000, b"GET /" + b"y" * 2**20 + b" HTTP/1.1\r\nHost: x"),
    *(_GET + b"\r\nHost: y", _GET + b"\r\nX: a\x00b", _GET + b"\r\nX: " + b"y" * 2**20, _GET + b"\r\nX: y" * 20_000),
    _GET + b"\r\nBad Name: y",
)
"""Heads without their last line end."""


def test_a_malformed_head_causes_no_5xx(api: Api):
    assert faults_of(api.base_url, {repr(head[:100]): head + b"\r\n\r\n" for head in MALFORMED}) == []
