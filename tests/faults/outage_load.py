"""The load on the implementations while a service fails, and what became of each request."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from tests.stand.client import ask, request_octets
from tests.stand.stand import Api, Stand

_LOAD = Path(__file__).parent / "host" / "load.py"
_DEADLINE_SECONDS = 580

_USER, _NAME, _POSTS = 7, "user_0007", range(100, 108)

_STARTUP = b"\0\0\0\x24\0\3\0\0user\0fairground\0database\0x\0\0"
"""The first message to PostgreSQL, which asks for a password. Source: its protocol, StartupMessage."""

EXPECTED = {"healthz": 200, "user": 200, "post": 200, "list": 200, "create": 201, "update": 200, "login": 401}
"""The kinds of requests, and the status that each gets when all is well."""

ON_DATABASE = ("user", "create", "update", "login")
"""The kinds that always need PostgreSQL."""


@dataclass(frozen=True)
class Sent:
    """A request: when it was sent and done, in seconds since the beginning, its status and `X-Cache`."""

    kind: str
    sent: float
    done: float
    status: int
    cache: str

    @property
    def seconds(self) -> float:
        return self.done - self.sent

    @property
    def is_well(self) -> bool:
        """Whether it got what it gets when all is well."""
        return self.status == EXPECTED[self.kind]


@dataclass(frozen=True)
class Outage:
    """A service that is away for so many seconds: the commands that begin and end it."""

    service: str
    begin: str
    end: str
    seconds: float


@dataclass(frozen=True)
class OutageRecord:
    """What became of an implementation's requests around one outage.

    Attributes:
        sent: The requests.
        begins: When the command that begins the outage was run.
        begun: When it had ended.
        ends: When the command that ends the outage was run.
        back: When the service was first seen up again.
    """

    sent: Sequence[Sent] = field(repr=False)
    begins: float
    begun: float
    ends: float
    back: float

    def since(self, moment: float, *kinds: str) -> list[Sent]:
        """The requests that were sent from a moment on, of some kinds or of all."""
        return [one for one in self.sent if one.sent >= moment and (not kinds or one.kind in kinds)]

    def during(self, *kinds: str) -> list[Sent]:
        """The requests that were sent and done while the service was away."""
        return [one for one in self.since(self.begun, *kinds) if one.done < self.ends]


def shown(sent: Sequence[Sent]) -> str:
    """Requests for a message, which pytest shows whole: the slowest one of each kind and status."""
    slowest: dict[tuple[str, int], Sent] = {}
    for one in sorted(sent, key=lambda one: one.seconds):
        slowest[one.kind, one.status] = one
    return "\n".join(
        f"{kind}: {status} after {one.seconds:.2f} s, {one.cache}" for (kind, status), one in slowest.items()
    )


def run_load(stand: Stand, outages: Mapping[str, Outage], *, after: float) -> dict[tuple[str, str], OutageRecord]:
    """Put a load on all implementations, and let one outage follow the other.

    Args:
        stand: where they run.
        outages: by name.
        after: seconds from a service's return to the next one.

    Returns:
        The records, by outage and implementation.
    """
    actions: list[tuple[str, float, str, str | None]] = []
    for name, outage in outages.items():
        actions += [(f"begin {name}", 1, outage.begin, None), (f"end {name}", outage.seconds, outage.end, None)]
        actions.append((f"rest {name}", after, "true", outage.service))
    output = stand.run_script(
        _LOAD,
        {
            "apis": {name: {"port": stand.port(name), "requests": _requests(api)} for name, api in stand.apis.items()},
            "clients": 12,
            "interval": 0.15,
            "settle": 30,
            "actions": actions,
            "watched": {
                "postgres": _watched(stand.postgres_port, _STARTUP, "R"),
                "redis": _watched(stand.redis_port, b"PING\r\n", "-NOAUTH", "+PONG"),
            },
        },
        deadline_seconds=_DEADLINE_SECONDS,
    )
    records: dict[tuple[str, str], OutageRecord] = {}
    for name, outage in outages.items():
        (begins, begun), (ends, _), (_, rested) = (output["actions"][f"{do} {name}"] for do in ("begin", "end", "rest"))
        back = next(moment for moment, is_up in output["watched"][outage.service] if is_up and moment >= ends)
        around = OutageRecord([], begins, begun, ends, back)
        for api in stand.apis:
            sent = [Sent(*one[1:]) for one in output["requests"] if one[0] == api and begins - 1 <= one[2] < rested]
            records[name, api] = replace(around, sent=sent)
    return records


def _watched(port: int, greeting: bytes, *answers: str) -> dict[str, object]:
    return {"port": port, "greeting": base64.b64encode(greeting).decode(), "answers": answers}


def _requests(api: Api) -> list[tuple[str, str]]:
    """What the clients of an implementation send, each from another place of this list on."""
    token = api.token(_USER, _NAME)
    content = {"title": "Under load", "body": "A body " * 50}
    created = ask(api.base_url, "POST", "/api/posts", token=token, content=content)
    assert created.status == 201, created
    mine = f"/api/posts/{created.json()['id']}"
    login = {"email": "nobody@example.test", "password": "a wrong password"}

    octets = partial(request_octets, headers=[("Connection", "close")])
    cheap = [
        *(("post", octets("GET", f"/api/posts/{number}")) for number in _POSTS),
        ("user", octets("GET", f"/api/users/{_USER}")),
        ("user", octets("GET", f"/api/users/{_USER + 1}")),
        ("list", octets("GET", "/api/posts?limit=5&before=9000")),
        ("create", octets("POST", "/api/posts", token=token, content=content)),
        ("update", octets("PUT", mine, token=token, content=content)),
        ("healthz", octets("GET", "/healthz")),
    ]
    # Few logins: hashes would take the CPUs from all that is timed.
    listed = [*cheap * 3, ("login", octets("POST", "/api/auth/login", content=login))]
    return [(kind, base64.b64encode(request).decode()) for kind, request in listed]
