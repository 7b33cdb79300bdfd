"""Ways to alter requests and answers, each for one thing."""

import base64
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from apis.contract.checks.database import UNUSUAL
from apis.contract.checks.wire import Answer
from tests.contract.altering_proxy import Alteration, Request, Upstream

Change = Callable[[Answer], Answer]


def unaltered(request: Request, upstream: Upstream) -> Answer | None:
    """Only what the proxy itself does: it waits for whole requests, without any time-out."""
    return upstream.send(request.octets)


def answers(
    change: Change, *, method: str = ".*", path: str = ".*", status: int | None = None, having: bytes = b""
) -> Alteration:
    """Change the answers to requests of that method and path that contain those octets, where they have that status."""

    def alter(request: Request, upstream: Upstream) -> Answer | None:
        answer = upstream.send(request.octets)
        matches = re.fullmatch(method, request.method) and re.fullmatch(path, request.path)
        if matches and having in request.octets and status in {None, answer.status}:
            return change(answer)
        return answer

    return alter


def requests(old: bytes, new: bytes, *, method: str = ".*") -> Alteration:
    """Change requests of that method, wherever they have those octets."""

    def alter(request: Request, upstream: Upstream) -> Answer | None:
        if not re.fullmatch(method, request.method):
            return upstream.send(request.octets)
        head, _, body = request.octets.replace(old, new).partition(b"\r\n\r\n")
        length = b"Content-Length: " + str(len(body)).encode()
        return upstream.send(re.sub(rb"(?i)content-length: \d+", length, head) + b"\r\n\r\n" + body)

    return alter


def twice(*, method: str, path: str) -> Alteration:
    """Do the work of such requests twice."""

    def alter(request: Request, upstream: Upstream) -> Answer | None:
        if request.method == method and re.fullmatch(path, request.path):
            upstream.send(request.octets)
        return upstream.send(request.octets)

    return alter


def spoiling(spoil: Callable[[Upstream, str], object], *, method: str, path: str, before: bool = False) -> Alteration:
    """Do something behind such requests' backs, after or before them; `spoil` gets the path's last part."""

    def alter(request: Request, upstream: Upstream) -> Answer | None:
        matches = request.method == method and re.fullmatch(path, request.path)
        if matches and before:
            spoil(upstream, request.path.rpartition("/")[2])
        answer = upstream.send(request.octets)
        if matches and not before:
            spoil(upstream, request.path.rpartition("/")[2])
        return answer

    return alter


def status(code: int) -> Change:
    return lambda answer: replace(answer, status=code)


def header(name: str, value: str | None) -> Change:
    """Set a header; None removes it."""

    def change(answer: Answer) -> Answer:
        others = tuple(pair for pair in answer.headers if pair[0] != name)
        return replace(answer, headers=others if value is None else (*others, (name, value)))

    return change


def body(pattern: bytes, new: bytes) -> Change:
    """Replace what the pattern matches in the body, and mend its length."""

    def change(answer: Answer) -> Answer:
        changed = re.sub(pattern, lambda _: new, answer.body, flags=re.DOTALL)
        return header("content-length", str(len(changed)))(replace(answer, body=changed))

    return change


def forget(key: str) -> Callable[[Upstream, str], None]:
    """For `spoiling`: have Redis forget a key, in which `{id}` stands for the path's last part."""

    def spoil(upstream: Upstream, last: str) -> None:
        with upstream.open_redis() as cache:
            cache.delete(key.format(id=last))

    return spoil


def keep_for_ever(upstream: Upstream, post_id: str) -> None:
    """For `spoiling`: have Redis never drop a post."""
    with upstream.open_redis() as cache:
        cache.persist(f"post:{post_id}")


def later_expiry(answer: Answer) -> Answer:
    """Move the expiry of the token in an answer by a second."""
    payload = json.loads(answer.body)["access_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    claims["exp"] += 1
    later = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
    return body(re.escape(payload.encode()), later)(answer)


def quick_for_unknown_emails() -> Alteration:
    """Log in as the first email does, at once, whoever else asks."""
    first: dict[str, Answer] = {}

    def alter(request: Request, upstream: Upstream) -> Answer | None:
        if request.path != "/api/auth/login":
            return upstream.send(request.octets)
        email = json.loads(request.octets.partition(b"\r\n\r\n")[2])["email"]
        if first and email not in first:
            return next(iter(first.values()))
        answer = upstream.send(request.octets)
        return first.setdefault(email, answer)

    return alter


def quick_for_taken_names() -> Alteration:
    """Refuse each username that was refused before at once."""
    refused: dict[str, Answer] = {}

    def alter(request: Request, upstream: Upstream) -> Answer | None:
        if request.path != "/api/users":
            return upstream.send(request.octets)
        name = json.loads(request.octets.partition(b"\r\n\r\n")[2])["username"]
        if name not in refused:
            answer = upstream.send(request.octets)
            if answer.status != 409:
                return answer
            refused[name] = answer
        return refused[name]

    return alter


def health_after_logins() -> Alteration:
    """Hold `/healthz` back until no login is under way."""
    lock = threading.Lock()
    logins = 0

    def alter(request: Request, upstream: Upstream) -> Answer | None:
        nonlocal logins
        if request.path == "/api/auth/login":
            with lock:
                logins += 1
            try:
                return upstream.send(request.octets)
            finally:
                with lock:
                    logins -= 1
        while request.path == "/healthz" and logins:
            time.sleep(0.005)
        return upstream.send(request.octets)

    return alter


def stale(path: str) -> Alteration:
    """Answer each such path as it was first read."""
    known: dict[str, Answer] = {}

    def alter(request: Request, upstream: Upstream) -> Answer | None:
        answer = upstream.send(request.octets)
        if request.method == "GET" and re.fullmatch(path, request.path) and answer.status == 200:
            return known.setdefault(request.path, answer)
        return answer

    return alter


def asking_more_for_health(request: Request, upstream: Upstream) -> Answer | None:
    """Read a user whenever `/healthz` is asked for."""
    if request.path == "/healthz":
        upstream.send(b"GET /api/users/1 HTTP/1.1\r\nHost: x\r\n\r\n")
    return upstream.send(request.octets)


def closing_at(path: str) -> Alteration:
    """Close the connection instead of answering that path."""

    def alter(request: Request, upstream: Upstream) -> Answer | None:
        return None if request.path == path else upstream.send(request.octets)

    return alter


def asking_on_the_side(path: str) -> Callable[[Upstream, str], None]:
    """For `spoiling`: ask the implementation for a path, too."""

    def spoil(upstream: Upstream, _: str) -> None:
        upstream.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    return spoil


def asking_in_literals(request: Request, upstream: Upstream) -> Answer | None:
    """Look for the checks' unusual user with the id in the statement's text."""
    if request.path == f"/api/users/{UNUSUAL}":
        upstream.run_sql("SELECT id FROM users WHERE id = 8765432101234567890")
    return upstream.send(request.octets)


def repeating(code: int) -> Alteration:
    """Ask again where the answer has that status."""

    def alter(request: Request, upstream: Upstream) -> Answer | None:
        answer = upstream.send(request.octets)
        return upstream.send(request.octets) if answer.status == code else answer

    return alter


def welcoming(request: Request, _: Upstream) -> Answer | None:
    """Answer 200 to whatever it is."""
    return Answer(request.method, 200, (("content-length", "0"),), b"")


def without_padding(request: Request, upstream: Upstream) -> Answer | None:
    """Drop the header that makes a head too large."""
    return upstream.send(re.sub(rb"X-Padding: x+\r\n", b"", request.octets))


def failing_after(limit: int) -> Alteration:
    """Answer 500 from a number of requests on."""
    count = 0

    def alter(request: Request, upstream: Upstream) -> Answer | None:
        nonlocal count
        count += 1
        answer = upstream.send(request.octets)
        return replace(answer, status=500) if count > limit else answer

    return alter
