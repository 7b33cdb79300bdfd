"""Hostile input, and heads that are none."""

from apis.contract.checks import problems
from apis.contract.checks.answers import Health
from apis.contract.checks.context import Context
from apis.contract.checks.expect import expect, expect_equal, expect_json, expect_problem
from apis.contract.checks.model import check
from apis.contract.checks.wire import Wire, request_octets

_INJECTIONS = (
    "'; DROP TABLE posts; --",
    "' OR '1'='1",
    "$1 %s %(x)s {0} ${jndi:ldap://127.0.0.1/}",
    "\\'; SELECT pg_sleep(5); --",
    "\r\nSET x y\r\n",
)

_HEAD_TAKEN = 16 * 1024
_HEAD_REFUSED = 20 * 1024 + 1


@check()
def hostile_texts_are_only_texts(context: Context) -> None:
    """SQL, templates and commands of Redis in texts are stored and read like any other."""
    for text in _INJECTIONS:
        post = context.new_post(title=text, body=text)
        for _ in range(2):
            expect_equal(
                context.get(f"/api/posts/{post.id}").body, post.model_dump_json().encode(), f"the post {text!r}"
            )
        answer = context.post("/api/auth/login", {"email": "a'--@b", "password": text + "12345678"})
        expect_problem(answer, problems.BAD_LOGIN)


@check()
def malformed_heads_get_a_4xx_or_nothing(context: Context) -> None:
    """Never a 2xx, no 5xx but those that RFC 9112 names, and the connection is of no further use."""
    follow_up = request_octets("GET /healthz")
    for octets, exception in (
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64) + b"\r\n\r\n", None),
        (b"GET\r\n\r\n", None),
        (b"GET /healthz\r\n\r\n", None),
        (b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n", 505),
        (b"GET /healthz HTTP/1.1\r\nHost x\r\n\r\n", None),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\nBad Name: y\r\n\r\n", None),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\nName : y\r\n\r\n", None),
        (b"G\x00T /healthz HTTP/1.1\r\nHost: x\r\n\r\n", None),
        (b"POST /api/users HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", None),
        (b"POST /api/users HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\n", None),
        (b"POST /api/users HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n12345", None),
        (b"POST /api/users HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", None),
        (b"POST /api/users HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: nonsense\r\n\r\n", 501),
    ):
        request = f"Malformed {octets[:70]!r}"
        with Wire(context.target.base_url) as wire:
            wire.send(octets)
            wire.send_if_open(follow_up)
            answer = wire.answer(request)
            status = None if answer is None else answer.status
            expect(
                status is None or status == exception or 400 <= status < 500,
                f"{request}: expected a 4xx or the connection closed, saw {status}.",
            )
            expect(wire.is_closed_within(5), f"{request}: expected the connection closed afterwards.")


@check()
def smuggled_requests_get_no_answer(context: Context) -> None:
    """With both lengths given, what one of them takes for a second request is never answered, and the end is near."""
    smuggled = request_octets("GET /healthz")
    body = b"0\r\n\r\n" + smuggled
    for lengths in (
        f"Content-Length: {len(body) - len(smuggled)}\r\nTransfer-Encoding: chunked",
        f"Content-Length: {len(body)}\r\nTransfer-Encoding: chunked",
        f"Transfer-Encoding: chunked\r\nContent-Length: {len(body)}",
    ):
        head = "POST /api/auth/login HTTP/1.1\r\nHost: fairground.test\r\nContent-Type: application/json\r\n"
        with Wire(context.target.base_url) as wire:
            wire.send(f"{head}{lengths}\r\n\r\n".encode() + body)
            first = wire.answer("POST /api/auth/login with both lengths")
            if first is None:
                continue
            expect(400 <= first.status < 500, f"Both lengths: expected a 4xx or the end, saw {first.status}.")
            rest = wire.rest(5)
            expect(rest is not None, "Both lengths: expected the connection closed after the answer, saw it open.")
            expect(rest == b"", f"Both lengths: the smuggled request was answered with {rest!r}.")


@check()
def head_has_a_limit(context: Context) -> None:
    """16 KiB of head and 64 fields are taken; more than 20 KiB get a 4xx or the connection closed."""
    base = request_octets("GET /healthz", headers={"X-Padding": ""})
    padding = "x" * (_HEAD_TAKEN - len(base))
    expect_json(context.exchange(request_octets("GET /healthz", headers={"X-Padding": padding})), 200, Health)
    fields = {f"X-Field-{number}": "x" * 100 for number in range(63)}
    expect_json(context.exchange(request_octets("GET /healthz", headers=fields)), 200, Health)
    long_query = "x" * (_HEAD_TAKEN - 100)
    expect_json(
        context.exchange(request_octets(f"GET /healthz?{long_query}"), request="GET /healthz?xxx…"), 200, Health
    )
    for octets in (
        request_octets("GET /healthz", headers={"X-Padding": "x" * _HEAD_REFUSED}),
        request_octets(f"GET /healthz?{'x' * _HEAD_REFUSED}"),
    ):
        with Wire(context.target.base_url) as wire:
            wire.send_if_open(octets)
            answer = wire.answer("GET with too large a head")
        status = None if answer is None else answer.status
        expect(status is None or 400 <= status < 500, f"A head over 20 KiB: expected a 4xx or the end, saw {status}.")
