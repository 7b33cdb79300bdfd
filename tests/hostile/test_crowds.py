"""Hundreds of slow, idle and vanished clients: others are answered within a second, and memory has a bound."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from apis.contract.checks.wire import BOUNDARY, CONTENT_TYPE, PNG, Part, multipart
from apis.contract.seed import seeded_user
from tests.conftest import NIGHTLY
from tests.stand.client import Line, request_octets
from tests.stand.stand import Api, Stand

pytestmark = pytest.mark.usefixtures("unharmed", "next_client")

FLOOD = Path(__file__).parent / "host" / "flood.py"

_LET_IN = 8.0
"""Seconds until a thousand clients that came at once are let in, and all is prompt again. A JVM that has just started
compiles what does so in this time."""

_AT_ONCE = 1.0
"""Seconds in which a correct request is answered."""

_IN_A_BURST = 3.0
"""Seconds in which it is answered while a thousand requests are read at once. To hash all their passwords takes 30."""

_HASHES = 24
"""A thousand logins of clients that have gone cost less CPU time than so many of others. One is hashed and 32 wait."""

BUSY_SECONDS = 9.0
"""Seconds in which it is answered while megabytes come from hundreds of clients."""

_SECONDS = 60 if NIGHTLY else 3
"""For how long the crowd stays."""

_MOST = 768 * 2**20
"""Bytes that a process may hold: a budget of 512 MiB for its heap, and what a runtime has beside that."""

_GROWTH = 384 * 2**20
"""Bytes that a crowd may add. What it sends beyond the limits is more than twice that."""

_DEADLINE_SECONDS = 300
_USER = seeded_user(7)
_MIB = b"x" * 2**20


@dataclass(frozen=True)
class Client:
    """What so many clients do; see `host/flood.py`."""

    count: int
    first: bytes
    again: bytes = b""
    every: float = 1.0
    times: int = 0
    is_gone: bool = False

    def document(self) -> dict[str, object]:
        """The client as the script reads it."""
        octets = {"first": base64.b64encode(self.first).decode(), "again": base64.b64encode(self.again).decode()}
        return {"count": self.count, "every": self.every, "times": self.times, "is_gone": self.is_gone, **octets}


def upload_octets(api: Api, size: int) -> bytes:
    """An upload of so many bytes."""
    token, headers = api.token(_USER.id, _USER.username), [("Content-Type", CONTENT_TYPE)]
    return request_octets("POST", "/api/files", headers=headers, token=token, body=multipart(Part(PNG.ljust(size))))


def _login(password: str) -> bytes:
    content = {"email": _USER.email, "password": password}
    return request_octets("POST", "/api/auth/login", headers=[("Connection", "close")], content=content)


def probes(api: Api) -> dict[str, bytes]:
    """Correct requests, which are all answered with 200."""
    paths = {"healthz": "/healthz", "user": "/api/users/7", "post": "/api/posts/7", "list": "/api/posts?limit=3"}
    headers = [("Connection", "close")]
    asked = {name: request_octets("GET", path, headers=headers) for name, path in paths.items()}
    return asked | {
        "me": request_octets("GET", "/api/users/me", headers=headers, token=api.token(_USER.id, _USER.username))
    }


def slow_and_idle(api: Api) -> list[Client]:
    """Five hundred that drip heads and bodies or don't read, and five hundred that keep a connection idle."""
    content = {"title": "a", "body": "b" * 500}
    post = request_octets("POST", "/api/posts", token=api.token(_USER.id, _USER.username), content=content)
    with Line(api.base_url) as line:
        file = line.ask(upload_octets(api, 2 * 2**20)).json()["id"]
    return [
        Client(200, b"GET /healthz HTTP/1.1\r\nHost: x\r\n", b"X: y\r\n", times=600),
        Client(125, post[:-400], b"b", times=300),
        Client(125, upload_octets(api, 200_000)[:1_000], b"y" * 100, times=600),
        Client(50, request_octets("GET", f"/api/files/{file}") * 3),
        Client(500, request_octets("GET", "/healthz")),
    ]


def bodies(api: Api) -> list[Client]:
    """Most of a JSON body, and bodies and heads far beyond their limits, also heads of a form's parts."""
    content = {"title": "a", "body": "b" * 64_000}
    token = api.token(_USER.id, _USER.username)
    post = request_octets("POST", "/api/posts", token=token, content=content)
    part = f"--{BOUNDARY}\r\nX: ".encode().ljust(2 * 2**20, b"x")
    upload = request_octets("POST", "/api/files", headers=[("Content-Type", CONTENT_TYPE)], token=token, body=part)
    chunked = [("Transfer-Encoding", "chunked"), ("Content-Type", "application/json")]
    endless = request_octets("POST", "/api/auth/login", headers=chunked) + b'8\r\n{"x":"xx\r\n'
    chunk = b"%x\r\n%s\r\n" % (len(_MIB), _MIB)
    return [
        Client(500, post[:-1_000]),
        Client(125, endless, chunk, every=0.1, times=4),
        Client(125, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ", _MIB, every=0.1, times=4),
        Client(250, upload[:-1_000]),
    ]


def run(
    stand: Stand,
    api: Api,
    crowd: list[Client],
    asked: Mapping[str, bytes],
    *,
    seconds: float = _SECONDS,
    within: float = _AT_ONCE,
) -> dict[str, Any]:
    """Open a crowd's connections, and send correct requests at the same time."""
    document: dict[str, object] = {
        "port": stand.port(api.name),
        "process": stand.process(api.name),
        "crowd": [client.document() for client in crowd],
        "prompt": within / 10,
        "seconds": seconds,
        "probes": {name: base64.b64encode(octets).decode() for name, octets in asked.items()},
    }
    return stand.run_script(FLOOD, document, deadline_seconds=_DEADLINE_SECONDS)


def faults_of(seen: Mapping[str, Any], clients: int, *, within: float = _AT_ONCE) -> list[str]:
    """What is wrong with what was seen beside a crowd, if correct requests are answered within so many seconds."""
    # What a server refuses, it may end: the crowd has come when each was let in.
    found = [f"{seen['opened']} of {clients} clients were let in"] if seen["opened"] < clients else []
    if seen["let_in"] > max(_LET_IN, within):
        found.append(f"the crowd was let in after {seen['let_in']:.2f} s")
    for name, status, seconds in seen["probes"]:
        allowed = {200, 503} if name == "login" else {200}
        if status not in allowed or seconds > within:
            found.append(f"{name} was answered with {status} after {seconds:.2f} s")
    before, most = seen["memory"]
    if most > _MOST or most - before > _GROWTH:
        found.append(f"memory grew from {before // 2**20} to {most // 2**20} MiB")
    return found


# In the gate the check `errors.slow_clients_keep_nobody_waiting` says so with fewer clients.
@pytest.mark.nightly
def test_slow_and_idle_clients_keep_nobody_waiting(stand: Stand, api: Api):
    seen = run(stand, api, slow_and_idle(api), probes(api))
    assert len(seen["probes"]) > 5
    assert faults_of(seen, 1_000) == []


def test_bodies_and_heads_take_no_memory_beyond_their_limits(stand: Stand, api: Api):
    # These clients are neither slow nor idle: others are answered, and not at once.
    seen = run(stand, api, bodies(api), probes(api), within=BUSY_SECONDS)
    assert faults_of(seen, 1_000, within=BUSY_SECONDS) == []


# And so does `errors.abandoned_logins_keep_nobody_waiting`.
@pytest.mark.nightly
def test_logins_whose_clients_have_gone_keep_nobody_waiting_and_are_not_hashed(stand: Stand, api: Api):
    user, login = {"user": probes(api)["user"]}, {"login": _login(_USER.password)}
    logins = run(stand, api, [], login, seconds=3)
    assert {status for _, status, _ in logins["probes"]} == {200}
    clients = [Client(1_000, _login("a wrong password"), is_gone=True)]
    # A JVM interprets most of what the first crowds ask for, and the first has logins beside it.
    crowds = [run(stand, api, clients, asked, seconds=3, within=_IN_A_BURST) for asked in (user | login, user, user)]
    assert [fault for seen in crowds for fault in faults_of(seen, 1_000, within=_IN_A_BURST)] == []
    assert min(seen["cpu"] for seen in crowds) < _HASHES * logins["cpu"] / len(logins["probes"])
    with Line(api.base_url) as line:
        assert line.ask(login["login"]).status == 200
