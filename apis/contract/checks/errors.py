"""The table of faults, what is free but never a 5xx, and what no client may do to another."""

import json
import time
from concurrent.futures import Future
from contextlib import ExitStack

from apis.contract.checks import expect
from apis.contract.checks.answers import Health, Post, Readiness, User
from apis.contract.checks.context import NOBODY, Context
from apis.contract.checks.instruments import while_waiting
from apis.contract.checks.model import check
from apis.contract.checks.wire import CONTENT_TYPE, PNG, Answer, Part, Wire, multipart, named, request_octets

_CONTENT = {"title": "t", "body": "b"}
_JSON_LIMIT = 65_536

_CLIENTS = 120
"""Slow clients: enough to take all of a pool or of a thread pool of usual size."""

_ABANDONED = 300
"""Logins whose clients have gone: to hash for all of them takes seconds."""

_FREE_PATHS = (
    "//healthz", "/HEALTHZ", "/%68ealthz", "/healthz/", "/healthz%00", "/./healthz", "/api/../healthz", "/api/posts/",
    "/api/posts/01", "/api/posts/+1", "/api/posts/%31", "/api/posts/%zz", "/api/posts/1;x=1", "/api/users/1'--",
    "/api/posts?limit=5&limit=6", "/api/posts?limit=", "/api/posts?%zz=%", "/api/posts?before=%00",
    "/api/files/..%2f..%2fetc%2fpasswd", "/api/posts/1%20OR%201=1", "/?\"<>\\^`{|}", "/" + "a/" * 2_000,
)  # fmt: skip
_FREE_HEADS = (
    b"GET", b"GET /healthz HTTP/9.9\r\nHost: x", b"GET /healthz HTTP/1.0", b"GET /healthz HTTP/1.1",
    b"GET /healthz HTTP/1.1\r\nHost x", b"G\x00T / HTTP/1.1\r\nHost: x", b"GET / HTTP/1.1\r\nHost: x\r\nName : y",
    b"PROPFIND / HTTP/1.1\r\nHost: x", b"OPTIONS * HTTP/1.1\r\nHost: x", b"GET http://x/ HTTP/1.1\r\nHost: x",
    b"CONNECT x:80 HTTP/1.1\r\nHost: x", b"POST /api/users HTTP/1.1\r\nHost: x\r\nContent-Length: -1",
    b"POST /api/users HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n12345",
    b"POST /api/users HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: x", b"GET / HTTP/1.1\r\nHost: x\r\nY: " + b"x" * 99_999,
)  # fmt: skip
_FREE_JSON = (
    b'{"title":"t","title":"u","body":"b"}', b'{"TITLE":"t","Body":"b"}', b'{"title":"t\xff","body":"\xc0\x80"}',
    b'{"title":"\\ud800","body":"\\udc00\\ud800"}', b'{"title":"t","body":"b"}x', b'{"title":"t","body":"b","x":1e999}',
    b'\xef\xbb\xbf{"title":"t","body":"b"}', b'{"title":"t","body":"b","x":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
)  # fmt: skip
_FREE_FORMS = (
    multipart(Part(PNG), Part(PNG)), multipart(Part(PNG, content_type=None)), multipart(Part(PNG, None)),
    b"preamble\r\n" + multipart(Part(PNG)) + b"epilogue", multipart(Part(b"")), multipart(Part(PNG, named("\\"))),
    multipart(Part(PNG, named("a.png\"; filename*=UTF-8''%ff%00;x=\""))), multipart(Part(PNG, named("n" * 20_000))),
    multipart(*[Part(b"x", f'form-data; name="n{number}"', None) for number in range(2_000)]),
)  # fmt: skip


def _json_routes(context: Context) -> list[tuple[str, str, dict[str, str]]]:
    """Method, path and a correct body of each route that takes JSON."""
    name, alice = context.new_name(), context.alice
    return [
        ("POST", "/api/users", {"username": name, "email": f"{name}@example.test", "password": "a good password"}),
        ("POST", "/api/auth/login", {"email": alice.email, "password": alice.password}),
        ("POST", "/api/posts", _CONTENT),
        ("PUT", f"/api/posts/{context.new_post().id}", _CONTENT),
    ]


def _padded(size: int) -> bytes:
    start, end = b'{"title":"t","body":"b","x":"', b'"}'
    return start + b"x" * (size - len(start) - len(end)) + end


def _expect_at_once(context: Context, what: str) -> None:
    """Requests that are correct take less than a second each."""
    for _ in range(5):
        start = time.monotonic()
        expect.json(context.get("/api/users/1"), 200, User)
        seconds = time.monotonic() - start
        expect.that(seconds < 1, f"A request beside {what}: expected less than 1 s, saw {seconds:.2f} s.")


@check(attempts=3)
def health_is_ok(context: Context) -> None:
    """200 for the process, and for both of its services."""
    expect.json(context.get("/healthz"), 200, Health)
    expect.equal(expect.json(context.get("/readyz"), 200, Readiness), Readiness(postgres="up", redis="up"), "readiness")


@check()
def unknown_paths_are_not_found(context: Context) -> None:
    """404, also for what isn't there; 405 or 404 for another method; 404 or 400 for an id that isn't valid."""
    token = context.alice.token
    for path in ("/", "/api", "/api/nothing", "/healthz/x", "/api/users/1/posts", "/api/auth/logout", "/metrics"):
        expect.problem(context.get(path), 404)
        expect.problem(context.post(path, {}, token=token), 404)
    for method, paths in {
        "GET": ("/api/users", "/api/auth/login", "/api/files"),
        "POST": ("/readyz", "/api/posts/1"),
        "DELETE": ("/healthz", "/api/users/1", "/api/posts", "/api/files/1"),
        "PATCH": ("/api/posts", f"/api/posts/{NOBODY}"),
    }.items():
        for path in paths:
            expect.problem(context.send(method, path), 405, 404)
    bad = ("0", "-1", "abc", "1a", "1.0", "1e3", "0x1", "9223372036854775808", "1" * 30)
    for identifier, statuses in ((NOBODY, [404]), (2**63 - 1, [404]), *((one, [404, 400]) for one in bad)):
        for kind in ("users", "posts", "files"):
            expect.problem(context.get(f"/api/{kind}/{identifier}"), *statuses)
        expect.problem(context.put(f"/api/posts/{identifier}", _CONTENT, token=token), *statuses)
        expect.problem(context.delete(f"/api/posts/{identifier}", token=token), *statuses)


@check()
def json_routes_take_json_only(context: Context) -> None:
    """415 or 400 for another type or none; 400 or 422 for what isn't a JSON object, or a member that isn't a string."""
    token = context.alice.token
    for method, path, value in _json_routes(context):
        content = json.dumps(value).encode()
        for kind in (None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            headers = {} if kind is None else {"Content-Type": kind}
            expect.problem(context.send(method, path, token=token, content=content, headers=headers), 415, 400)
        for body in (b"", b"{", b"[]", b"null", b'"text"', b"{'title':'t'}", b'{"title":"t" "body":"b"}', b"\x00"):
            expect.problem(context.send_json(method, path, body, token=token), 400, 422)
        for name in value:
            for wrong in (1, True, ["text"], {"a": "text"}):
                body = json.dumps({**value, name: wrong}).encode()
                expect.problem(context.send_json(method, path, body, token=token), 400, 422, fields=[name])
    headers = {"Content-Type": "application/json; charset=utf-8"}
    answer = context.send("POST", "/api/posts", token=token, content=json.dumps(_CONTENT).encode(), headers=headers)
    expect.created(answer, Post, "/api/posts/")


@check()
def json_bodies_have_a_limit(context: Context) -> None:
    """64 KiB are taken; one byte more is 413 or 400, with and without a declared length."""
    token, body = context.alice.token, _padded(_JSON_LIMIT + 1)
    expect.created(context.send_json("POST", "/api/posts", _padded(_JSON_LIMIT), token=token), Post, "/api/posts/")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Transfer-Encoding": "chunked"}

    def send_chunks(line: str, content: bytes) -> Answer | None:
        octets = request_octets(line, headers=headers) + b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content)
        return context.exchange(octets, f"{line}, chunked")

    taken = send_chunks("POST /api/posts", _padded(_JSON_LIMIT))
    expect.that(taken and taken.status == 201, f"POST /api/posts, 64 KiB in a chunk: expected status 201, saw {taken}.")
    for method, path, _ in _json_routes(context):
        expect.problem(context.send_json(method, path, body, token=token), 413, 400)
        if (answer := send_chunks(f"{method} {path}", body)) is not None:
            expect.problem(answer, 413, 400)


@check()
def what_is_free_is_never_a_server_error(context: Context) -> None:
    """Odd paths, queries, heads, JSON, forms and emails are taken or refused, without a 5xx, and harm nobody."""
    for path in _FREE_PATHS:
        expect.no_fault(context.exchange(request_octets(f"GET {path}"), f"GET {path[:80]}"))
    for octets in _FREE_HEADS:
        expect.no_fault(context.exchange(octets + b"\r\n\r\n", repr(octets[:80])))
    for content in _FREE_JSON:
        expect.no_fault(context.send_json("POST", "/api/posts", content, token=context.alice.token))
    for form in _FREE_FORMS:
        expect.no_fault(context.send_form(form))
    for parameters in ("", "; boundary=", "; boundary=another", f"; boundary={'b' * 100}", '; boundary="'):
        expect.no_fault(context.send_form(multipart(Part(PNG)), f"multipart/form-data{parameters}"))
    name = context.new_name()
    for email in ("", "@", name, f"{name}@", f"!#$%&'*+/=?^`{{|}}~{name}@x", f"é{name}@x.test", f'"{name} x"@x.test'):
        registration = {"username": context.new_name(), "email": email, "password": "a good password"}
        expect.no_fault(context.post("/api/users", registration))
        expect.no_fault(context.post("/api/auth/login", registration))
    for line in ("OPTIONS /api/posts", "TRACE /"):
        expect.no_fault(context.exchange(request_octets(line), line))
    headers = {"Range": "bytes=0-3", "Accept": "text/html", "Accept-Encoding": "gzip, br", "If-None-Match": "W/*, x"}
    expect.no_fault(context.get("/api/posts/1", headers=headers))


@check()
def answers_without_a_body_end_with_their_head(context: Context) -> None:
    """No octet follows the head of an answer to HEAD, of a 204, or of a 304."""
    post, token = context.new_post(), {"Authorization": f"Bearer {context.alice.token}"}
    path = f"/api/posts/{post.id}"
    requests = [(f"HEAD {target}", token) for target in ("/healthz", "/api/nothing", "/api/users/me", path)]
    requests += [(f"GET {path}", {"If-None-Match": post.tag}), (f"DELETE {path}", token)]
    for line, headers in requests:
        with Wire(context.target.base_url) as wire:
            wire.send(request_octets(line, headers=headers))
            expect.no_fault(wire.require_answer(line))
            rest = wire.rest(0.1) or b""
        expect.that(not rest, f"{line}: expected no body, saw {rest[:200]!r}.")


@check()
def smuggled_requests_get_no_answer(context: Context) -> None:
    """What is in a body is never answered as a request, with both lengths given and where the body isn't read."""
    smuggled = request_octets("GET /api/users/1")
    sized, chunked = f"Content-Length: {len(smuggled)}\r\n", "Transfer-Encoding: chunked\r\n"
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(smuggled), smuggled)
    login = "POST /api/auth/login"
    requests = [(login, f"Content-Length: {size}\r\n{chunked}", chunks) for size in (0, 4, len(chunks))]
    requests += [(login, f"{chunked}Content-Length: {size}\r\n", chunks) for size in (0, 4, len(chunks))]
    # Refused before their bodies are looked at.
    for line in ("POST /api/nothing", "PATCH /api/posts", "POST /api/posts", "POST /api/files", "PUT /api/posts/0"):
        requests += [(line, sized, smuggled), (line, chunked, chunks)]
    for line, lengths, body in requests:
        what = f"{line} with {lengths!r}"
        with Wire(context.target.base_url) as wire:
            wire.send_if_open(f"{line} HTTP/1.1\r\nHost: x\r\nContent-Type: a/b\r\n{lengths}\r\n".encode() + body)
            expect.no_fault(wire.answer(what))
            rest = wire.rest(0.1) or b""
        expect.that(b"user_0001" not in rest, f"{what}: the smuggled request was answered with {rest[:200]!r}.")


@check("database")
def causes_of_errors_are_hidden(context: Context) -> None:
    """500 or 503 without the cause where a statement fails, and an error without the path where content is missing."""

    def cancel(session: int, answer: Future[Answer]) -> None:
        context.database.execute("SELECT pg_cancel_backend(%s)", (session,))
        while not answer.done():
            time.sleep(0.01)

    expect.problem(while_waiting(context, lambda: context.get("/api/users/1"), cancel), 500, 503)
    expect.json(context.get("/api/users/1"), 200, User)
    query = """
        INSERT INTO files (owner_id, filename, content_type, size, sha256, storage_name)
        VALUES (%s, 'gone.png', 'image/png', 8, repeat('0', 64), repeat('0', 32)) RETURNING id
    """
    [(identifier,)] = context.database.execute(query, (context.alice.id,)).fetchall()
    try:
        expect.problem(context.get(f"/api/files/{identifier}"), 500, 503, 404)
    finally:
        context.database.execute("DELETE FROM files WHERE id = %s", (identifier,))


@check(attempts=3)
def slow_clients_keep_nobody_waiting(context: Context) -> None:
    """Requests are answered within a second beside clients that are idle, or stop in a head, a body or an upload."""
    token = {"Authorization": f"Bearer {context.alice.token}"}
    form = {"Content-Type": CONTENT_TYPE, "Content-Length": "90000"}
    upload = request_octets("POST /api/files", headers=token | form) + multipart(Part(PNG), closed=False)
    login = request_octets("POST /api/auth/login", headers={"Content-Type": "application/json", "Content-Length": "99"})
    starts = (b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\n", login + b"{", upload)
    with ExitStack() as stack:
        for number in range(_CLIENTS):
            stack.enter_context(Wire(context.target.base_url)).send(starts[number % len(starts)])
        _expect_at_once(context, f"{_CLIENTS} slow clients")


@check(attempts=3)
def abandoned_logins_keep_nobody_waiting(context: Context) -> None:
    """Behind logins whose clients have gone, a request is answered within a second, and a login soon, or with 503."""
    login = {"email": context.alice.email, "password": context.alice.password}
    json_type, body = {"Content-Type": "application/json"}, json.dumps(login).encode()
    octets = request_octets("POST /api/auth/login", headers=json_type, body=body)
    with ExitStack() as stack:
        wires = [stack.enter_context(Wire(context.target.base_url)) for _ in range(_ABANDONED)]
        # Behind an SSH tunnel a request would wait until all of these connections are opened.
        for wire in wires:
            wire.send(request_octets("GET /healthz"))
        for wire in wires:
            wire.require_answer("GET /healthz")
        for wire in wires:
            wire.send_if_open(octets)
    _expect_at_once(context, f"{_ABANDONED} abandoned logins")
    start = time.monotonic()
    answer = context.post("/api/auth/login", login)
    seconds = time.monotonic() - start
    expect.that(seconds < 3, f"A login behind abandoned ones: expected an answer soon, saw it after {seconds:.2f} s.")
    if answer.status != 200:
        expect.problem(answer, 503)
