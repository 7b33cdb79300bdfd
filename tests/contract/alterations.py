"""Ways to alter requests and answers, each for one thing."""

import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import jwt

from apis.contract.checks.wire import Answer
from apis.contract.tokens import mint_token
from tests.contract.altering_proxy import Alteration, Request, Upstream
from tests.contract.paths import LOGIN, USER

Change = Callable[[Answer], Answer]


def answers(
    change: Change, *, method: str = ".*", path: str = ".*", status: int | None = None, having: bytes = b""
) -> Alteration:
    """Change the answers to requests of that method and path that contain those octets, where they have that status."""

    def alter(request: Request, upstream: Upstream) -> Answer:
        answer = upstream.send(request.octets)
        matches = re.fullmatch(method, request.method) and re.fullmatch(path, request.path)
        if matches and having in request.octets and status in {None, answer.status}:
            return change(answer)
        return answer

    return alter


def requests(old: bytes, new: bytes) -> Alteration:
    """Change requests, wherever they have those octets."""

    def alter(request: Request, upstream: Upstream) -> Answer:
        head, _, body = request.octets.replace(old, new).partition(b"\r\n\r\n")
        length = b"Content-Length: " + str(len(body)).encode()
        return upstream.send(re.sub(rb"(?i)content-length: \d+", length, head) + b"\r\n\r\n" + body)

    return alter


def spoiling(spoil: Callable[[Upstream, str], object], *, method: str, path: str, before: bool = False) -> Alteration:
    """Do something behind such requests' backs, after or before them; `spoil` gets the path's last part."""

    def alter(request: Request, upstream: Upstream) -> Answer:
        matches = request.method == method and re.fullmatch(path, request.path)
        if matches and before:
            spoil(upstream, request.path.rpartition("/")[2])
        answer = upstream.send(request.octets)
        if matches and not before:
            spoil(upstream, request.path.rpartition("/")[2])
        return answer

    return alter


def delayed(seconds: float, *, path: str) -> Alteration:
    """Answer requests for that path late."""

    def alter(request: Request, upstream: Upstream) -> Answer:
        time.sleep(seconds if re.fullmatch(path, request.path) else 0)
        return upstream.send(request.octets)

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
    """Replace what the pattern matches in the body, and set its length."""

    def change(answer: Answer) -> Answer:
        changed = re.sub(pattern, lambda _: new, answer.body, flags=re.DOTALL)
        sized = header("content-length", str(len(changed)))(replace(answer, body=changed))
        return header("transfer-encoding", None)(sized)

    return change


def surplus(octets: bytes) -> Change:
    """Send octets behind the answer."""
    return lambda answer: replace(body(rb"$^", b"")(answer), body=answer.body + octets)


def written_otherwise(answer: Answer) -> Answer:
    """The same answer in chunks, its JSON with other whitespace and its members in another order."""

    def turned(value: dict[str, object]) -> dict[str, object]:
        return dict(reversed(value.items()))

    if "json" not in answer.media_type or not answer.body:
        return answer
    written = replace(answer, body=json.dumps(json.loads(answer.body, object_hook=turned), indent=1).encode())
    typed = header("content-type", f"{answer.media_type}; charset=utf-8")(header("content-length", None)(written))
    return header("x-more", "free")(header("transfer-encoding", "chunked")(typed))


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


def leave_stale(upstream: Upstream, post_id: str) -> None:
    """For `spoiling`: have Redis hold something of a post that was written."""
    with upstream.open_redis() as cache:
        cache.set(f"post:{post_id}", "stale")


def asking_for(path: str) -> Callable[[Upstream, str], None]:
    """For `spoiling`: ask the implementation for a path, too."""
    return lambda upstream, _: upstream.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()) and None


def later_expiry(request: Request, upstream: Upstream) -> Answer:
    """Give tokens that are valid for a second too long."""
    answer = upstream.send(request.octets)
    if request.path != LOGIN or answer.status != 200:
        return answer
    claims = jwt.decode(json.loads(answer.body)["access_token"], options={"verify_signature": False})
    token = mint_token(upstream.target.jwt_secret, int(claims["sub"]), claims["name"], lifetime=3_601)
    return body(rb'(?<="access_token":")[^"]*', token.encode())(answer)


def quick_for_unknown_emails() -> Alteration:
    """Log in as the first email does, at once, whoever else asks."""
    first: dict[str, Answer] = {}

    def alter(request: Request, upstream: Upstream) -> Answer:
        if request.path != LOGIN:
            return upstream.send(request.octets)
        email = json.loads(request.octets.partition(b"\r\n\r\n")[2])["email"]
        if first and email not in first:
            return next(iter(first.values()))
        return first.setdefault(email, upstream.send(request.octets))

    return alter


def working_for_nobody() -> Alteration:
    """Work on all logins one after the other, whether or not someone waits for them."""
    lock = threading.Lock()
    text = b'{"title":"Service Unavailable","status":503}'
    headers = (("content-type", "application/problem+json"), ("content-length", str(len(text))))

    def alter(request: Request, upstream: Upstream) -> Answer:
        if request.path != LOGIN:
            return upstream.send(request.octets)
        with lock:
            time.sleep(0.015)
        return Answer("POST", 503, headers, text)

    return alter


def failing_after(limit: int) -> Alteration:
    """Give 500 for users from a number of requests on."""
    lock, count = threading.Lock(), 0
    text = b'{"title":"Internal Server Error","status":500}'
    headers = (("content-type", "application/problem+json"), ("content-length", str(len(text))))

    def alter(request: Request, upstream: Upstream) -> Answer:
        nonlocal count
        if not re.fullmatch(USER, request.path):
            return upstream.send(request.octets)
        with lock:
            count += 1
            fails = count > limit
        return Answer("GET", 500, headers, text) if fails else upstream.send(request.octets)

    return alter
