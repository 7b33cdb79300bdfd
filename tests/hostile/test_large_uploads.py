"""An upload of 2 GiB: refused at once where its length is told, else cut off at the limit, and nothing is kept."""

import time

import pytest

from apis.contract.checks import Target
from apis.contract.checks.expect import expect_problem
from apis.contract.checks.multipart import BODY_MAXIMUM, CONTENT_TYPE, MAXIMUM, PNG, Part, multipart
from apis.contract.checks.problems import LARGE_FILE, LARGE_JSON
from apis.contract.checks.wire import Wire, request_octets
from apis.contract.tokens import mint_token
from tests.stand.stand import Stand

_SIZE = 2 * 1024**3

_IN_FLIGHT = 16 * 1024**2
"""Octets that may be under way when it refuses: in the client's sockets, a tunnel's and its own."""

_AT_ONCE = 5.0
"""Seconds in which a refusal is there, on a machine that is busy."""


_CLEANED_SECONDS = 15.0
"""Seconds after which nothing is left of uploads that were broken off."""


def _head(target: Target, **headers: str) -> bytes:
    token = mint_token(target.jwt_secret, 7, "user_0007")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return request_octets(
        "POST /api/files", headers={"Authorization": f"Bearer {token}", "Content-Type": CONTENT_TYPE} | named
    )


def _pour(wire: Wire, piece: bytes) -> int:
    """Send a piece again and again, 2 GiB in all, until the other side takes no more; how much that was."""
    sent = 0
    while sent < _SIZE:
        try:
            wire.send(piece)
        except OSError:
            break
        sent += len(piece)
    return sent


def test_a_declared_upload_is_refused_before_it_is_sent(target: Target, stand: Stand, implementation: str):
    before = stand.uploads(implementation)
    start = time.monotonic()
    with Wire(target.base_url, timeout=20) as wire:
        wire.send(_head(target, Content_Length=str(_SIZE)))
        answer = wire.require_answer("POST /api/files, 2 GiB declared")
    expect_problem(answer, LARGE_FILE)
    assert time.monotonic() - start < _AT_ONCE
    assert stand.uploads(implementation) == before


@pytest.mark.parametrize("name", ["file", "other"])
def test_a_chunked_upload_is_cut_off_at_the_limit(target: Target, stand: Stand, implementation: str, name: str):
    before = stand.uploads(implementation)
    start = multipart(Part(PNG, f'form-data; name="{name}"; filename="a.png"'), closed=False).removesuffix(b"\r\n")
    chunk = bytes(65_536)
    with Wire(target.base_url, timeout=20) as wire:
        wire.send(_head(target, Transfer_Encoding="chunked"))
        wire.send(b"%x\r\n%s\r\n" % (len(start), start))
        sent = _pour(wire, b"%x\r\n%s\r\n" % (len(chunk), chunk))
        answer = wire.answer("POST /api/files, chunked without end")
    limit = MAXIMUM if name == "file" else BODY_MAXIMUM
    assert sent < limit + _IN_FLIGHT, f"{sent} octets were taken"
    if answer is not None:
        expect_problem(answer, LARGE_FILE)
    assert stand.uploads(implementation) == before


def test_a_declared_length_is_believed_even_if_less_comes(target: Target, stand: Stand, implementation: str):
    before = stand.uploads(implementation)
    body = multipart(Part(PNG + bytes(MAXIMUM // 2)))
    for _ in range(8):
        with Wire(target.base_url, timeout=20) as wire:
            wire.send(_head(target, Content_Length=str(len(body))) + body[: len(body) // 2])
    deadline = time.monotonic() + _CLEANED_SECONDS
    while stand.uploads(implementation) != before:
        assert time.monotonic() < deadline, "what was received of uploads that were broken off is still there"
        time.sleep(0.2)


def test_a_json_body_without_end_is_cut_off(target: Target):
    head = request_octets(
        "POST /api/auth/login", headers={"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    )
    chunk = b'{"x":"' + b"x" * 65_530
    with Wire(target.base_url, timeout=20) as wire:
        wire.send(head)
        sent = _pour(wire, b"%x\r\n%s\r\n" % (len(chunk), chunk))
        answer = wire.answer("POST /api/auth/login, chunked without end")
    assert sent < 65_536 + _IN_FLIGHT, f"{sent} octets were taken"
    if answer is not None:
        expect_problem(answer, LARGE_JSON)


def test_a_head_without_end_is_cut_off(target: Target):
    for piece in (b"x" * 65_536, b"X-Field: y\r\n" * 5_000, b"\r\n" * 30_000):
        with Wire(target.base_url, timeout=20) as wire:
            wire.send(b"GET /healthz HTTP/1.1\r\nHost: fairground.test\r\nX: " if piece[:1] != b"\r" else b"")
            sent = _pour(wire, piece)
        assert sent < _IN_FLIGHT, f"{sent} octets of a head were taken"
