"""Connections: how long they are kept, in which order they are answered, and when they end."""

import time

from apis.contract.checks import problems
from apis.contract.checks.answers import Health, Post
from apis.contract.checks.context import Context
from apis.contract.checks.expect import expect, expect_answer, expect_created, expect_equal, expect_json, expect_problem
from apis.contract.checks.model import check
from apis.contract.checks.wire import Wire, request_octets


@check()
def pipelined_requests_are_answered_in_order(context: Context) -> None:
    """Requests sent at once on a connection get their answers one by one, and the connection stays open."""
    posts = [context.new_post(title=f"Number {number}") for number in range(3)]
    body = b'{"title":""}'
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {context.alice.token}"}
    octets = (
        request_octets(f"GET /api/posts/{posts[0].id}")
        + request_octets("GET /healthz")
        + request_octets("POST /api/posts", headers=headers, body=body)
        + request_octets(f"HEAD /api/posts/{posts[1].id}")
        + request_octets(f"GET /api/posts/{posts[2].id}")
    )
    expected = (
        ("GET the first post in a pipeline", 200, posts[0].model_dump_json()),
        ("GET /healthz in a pipeline", 200, '{"status":"ok"}'),
        ("POST /api/posts in a pipeline", 422, None),
        ("HEAD the second post in a pipeline", 200, ""),
        ("GET the third post in a pipeline", 200, posts[2].model_dump_json()),
    )
    with Wire(context.target.base_url) as wire:
        wire.send(octets)
        for request, status, text in expected:
            answer = wire.require_answer(request)
            expect_equal(answer.status, status, f"{request}: status")
            if text is not None:
                expect_equal(answer.body, text.encode(), f"{request}: body")


@check()
def connections_are_kept(context: Context) -> None:
    """A connection stays open behind every answer to a request whose body was read; `Connection: close` ends it."""
    alice = context.alice
    post = context.new_post()
    path, token = f"/api/posts/{post.id}", {"Authorization": f"Bearer {alice.token}"}
    headers = token | {"Content-Type": "application/json"}
    requests: tuple[tuple[str, dict[str, str], bytes, int], ...] = (
        (f"GET {path}", {}, b"", 200),
        (f"GET {path}", {"If-None-Match": "*"}, b"", 304),
        ("GET /api/nothing", {}, b"", 404),
        ("HEAD /healthz", {}, b"", 200),
        ("OPTIONS /healthz", {}, b"", 405),
        ("GET /api/users/me", {}, b"", 401),
        ("GET /api/posts?limit=0", {}, b"", 422),
        (f"PUT {path}", headers, b'{"title":"t","body":"b"}', 200),
        (f"PUT {path}", headers, b'{"title":""}', 422),
        (f"DELETE {path}", token, b"", 204),
        (f"GET {path}", {}, b"", 404),
    )
    with Wire(context.target.base_url) as wire:
        for line, fields, body, status in requests:
            wire.send(request_octets(line, headers=fields, body=body))
            expect_equal(wire.require_answer(f"{line} on a kept connection").status, status, f"{line}: status")
        wire.send(request_octets("GET /healthz", headers={"Connection": "close"}))
        expect_json(wire.require_answer("GET /healthz with Connection: close"), 200, Health)
        expect(wire.is_closed_within(5), "Connection: close: expected the connection closed after the answer.")


@check()
def other_protocols_are_not_offered(context: Context) -> None:
    """An upgrade is ignored; HTTP/2's preface and TLS get no answer of their protocol."""
    upgrade = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQCAAAAAAIAAAAA"}
    expect_json(context.exchange(request_octets("GET /healthz", headers=upgrade)), 200, Health)
    websocket = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    websocket["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ=="
    expect_json(context.exchange(request_octets("GET /healthz", headers=websocket)), 200, Health)
    with Wire(context.target.base_url) as wire:
        wire.send_if_open(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0)))
        answer = wire.rest(5)
    expect(
        answer is not None and (not answer or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 505", b"HTTP/1.0 4"))),
        f"HTTP/2's preface: expected a 4xx, a 505 or the end, saw {answer!r}.",
    )


@check()
def bodies_are_sent_for(context: Context) -> None:
    """`Expect: 100-continue` gets `100 Continue` before the body is waited for, or an answer that doesn't need it."""
    body = b'{"title":"t","body":"b"}'
    expecting = {"Content-Type": "application/json", "Expect": "100-continue", "Content-Length": str(len(body))}
    token = {"Authorization": f"Bearer {context.alice.token}"}
    with Wire(context.target.base_url) as wire:
        wire.send(request_octets("POST /api/posts", headers=expecting | token))
        wire.await_octets(b"HTTP/1.1 100 Continue\r\n\r\n")
        wire.send(body)
        expect_created(wire.require_answer("POST /api/posts, its body sent for"), Post, "/api/posts/")
    expect_problem(context.exchange(request_octets("POST /api/posts", headers=expecting)), problems.BAD_TOKEN)


@check()
def targets_must_be_in_origin_form(context: Context) -> None:
    """Absolute, authority and asterisk form, CONNECT and relative paths get a 4xx or the connection closed."""
    for line in (
        "GET http://fairground.test/healthz",
        "GET https://fairground.test/api/users/1",
        "GET fairground.test:80",
        "GET healthz",
        "GET *",
        "OPTIONS *",
        "CONNECT fairground.test:80",
        "CONNECT /healthz",
    ):
        with Wire(context.target.base_url) as wire:
            wire.send(request_octets(line))
            answer = wire.answer(line)
        status = None if answer is None else answer.status
        expect(status is None or 400 <= status < 500, f"{line}: expected a 4xx or the end, saw {status}.")


@check()
def what_is_not_compared_is_answered_or_refused(context: Context) -> None:
    """HTTP/1.0, a missing or repeated `Host` and odd octets in a target: as usual, a 4xx, or the end; never a 5xx."""
    for octets in (
        b"GET /healthz HTTP/1.0\r\n\r\n",
        b"GET /healthz HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET /healthz?% HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /healthz?%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        b'GET /healthz?"<>\\^`{|} HTTP/1.1\r\nHost: x\r\n\r\n',
        b"GET /healthz?\xc3\xa9\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    ):
        request = f"GET {octets[:60]!r}"
        with Wire(context.target.base_url) as wire:
            wire.send(octets)
            answer = wire.answer(request)
        if answer is None:
            continue
        if answer.status == 200:
            expect_answer(answer, 200, content_type="application/json")
            expect_equal(answer.body, b'{"status":"ok"}', f"{request}: body")
        else:
            expect(400 <= answer.status < 500, f"{request}: expected 200, a 4xx or the end, saw {answer.status}.")


@check(waits=True)
def slow_clients_are_given_up(context: Context) -> None:
    """10 s for a head, however it trickles, and for a body that stops; a body that goes on may take longer."""
    headers = {"Content-Type": "application/json"}
    login = request_octets("POST /api/auth/login", headers=headers | {"Content-Length": "100"})
    steady_body = b'{"email": 1}'
    steady_head = request_octets("POST /api/auth/login", headers=headers | {"Content-Length": str(len(steady_body))})
    with (
        Wire(context.target.base_url) as silent,
        Wire(context.target.base_url) as trickling,
        Wire(context.target.base_url) as second,
        Wire(context.target.base_url) as stopped,
        Wire(context.target.base_url) as steady,
    ):
        second.send(request_octets("GET /healthz"))
        expect_json(second.require_answer("GET /healthz"), 200, Health)
        silent.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        trickling.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        second.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        stopped.send(login + b'{"email":')
        steady.send(steady_head)
        start = time.monotonic()
        for octet in steady_body[:8]:
            time.sleep(1)
            trickling.send_if_open(b"x")
            steady.send_if_open(bytes((octet,)))
        for wire, what in ((silent, "A head"), (second, "A second head"), (stopped, "A body")):
            expect(not wire.is_closed_within(0.1), f"{what} was given up before 8 s: expected 10 s.")
        for octet in steady_body[8:]:
            time.sleep(1)
            trickling.send_if_open(b"x")
            steady.send_if_open(bytes((octet,)))
        answer = steady.require_answer("POST /api/auth/login, an octet a second for 12 s")
        expect_problem(answer, problems.BAD_JSON)
        for wire, what in (
            (silent, "a head that stopped"),
            (trickling, "a head that trickles"),
            (second, "a second head that stopped"),
            (stopped, "a body that stopped"),
        ):
            left = 15 - (time.monotonic() - start)
            expect(wire.is_closed_within(left), f"After 15 s with {what}: expected the connection closed.")
    expect_json(context.get("/healthz"), 200, Health)
