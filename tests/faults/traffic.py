"""The load that is on the implementations while something fails, and what is read from its books."""

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from apis.contract.checks import Target
from apis.contract.checks.wire import Answer, Wire, request_octets
from apis.contract.tokens import mint_token
from tests.stand.stand import Stand

_LOAD = Path(__file__).parent / "host" / "load.py"
_DEADLINE_SECONDS = 150

_USER, _POSTS = 7, range(100, 108)

STARTUP = b"\0\0\0\x24\0\3\0\0user\0fairground\0database\0x\0\0"
"""The first message to PostgreSQL; one that is up asks for a password. Source: its protocol, StartupMessage."""

PING = b"PING\r\n"


@dataclass(frozen=True, slots=True)
class Sent:
    """A request of the load: when it was sent and done with, in seconds since the beginning, and what became of it.

    `outcome` is a status, or `refused`, `closed`, `cut` or `late`, see `host/load.py`.
    """

    api: str
    kind: str
    sent: float
    done: float
    outcome: int | str
    cache: str | None

    @property
    def seconds(self) -> float:
        return self.done - self.sent


@dataclass(frozen=True)
class Books:
    """What a load wrote down: requests, when each action began and ended, and when services went down and up."""

    requests: list[Sent]
    actions: dict[str, tuple[float, float]]
    watched: dict[str, list[tuple[float, bool]]]

    def of(self, api: str, *kinds: str, since: float = 0, until: float = float("inf")) -> list[Sent]:
        """An implementation's requests of those kinds (of all, unless told) that were sent within a time."""
        return [
            request
            for request in self.requests
            if request.api == api and (not kinds or request.kind in kinds) and since <= request.sent < until
        ]

    @property
    def end(self) -> float:
        """When the last request was sent."""
        return max(request.sent for request in self.requests)

    def back(self, service: str, action: str) -> float:
        """When a service was first seen up after an action had begun."""
        begun = self.actions[action][0]
        return next(moment for moment, is_up in self.watched[service] if is_up and moment >= begun)


def outcomes(requests: Iterable[Sent]) -> dict[str, int]:
    """How often there was which outcome, by kind, for messages and assertions."""
    counts: dict[str, int] = {}
    for request in requests:
        key = f"{request.kind}: {request.outcome}"
        counts[key] = counts.get(key, 0) + 1
    return counts


def fitting(request: Sent) -> bool:
    """Whether a request got what it gets when all is well."""
    return request.outcome == EXPECTED[request.kind]


EXPECTED = {"healthz": 200, "user": 200, "post": 200, "list": 200, "create": 201, "update": 200, "login": 401}
"""The kinds of requests, and the status that each gets when all is well."""

ON_DATABASE = ("user", "create", "update")
"""The kinds that always need PostgreSQL."""


CACHED = 0.2
"""The least share of reads of posts that come from Redis when it is well.

On a machine that is busy Redis takes more than 50 ms now and then, and may be passed over for a second each time.
"""


def _requests(target: Target, post_id: int) -> list[dict[str, str]]:
    typed = {"Content-Type": "application/json"}
    owner = typed | {"Authorization": f"Bearer {mint_token(target.jwt_secret, _USER, f'user_{_USER:04d}')}"}
    content = json.dumps({"title": "Under load", "body": "A body " * 50}).encode()
    login = json.dumps({"email": "nobody@example.test", "password": "a wrong password"}).encode()
    cheap = [
        *(("post", request_octets(f"GET /api/posts/{number}")) for number in _POSTS),
        ("user", request_octets(f"GET /api/users/{_USER}")),
        ("user", request_octets(f"GET /api/users/{_USER + 1}")),
        ("list", request_octets("GET /api/posts?limit=5&before=9000")),
        ("create", request_octets("POST /api/posts", headers=owner, body=content)),
        ("update", request_octets(f"PUT /api/posts/{post_id}", headers=owner, body=content)),
        ("healthz", request_octets("GET /healthz")),
    ]
    # Seldom: hashes of all implementations together would take the cores that Redis has to answer on within 50 ms.
    listed = [*cheap * 3, ("login", request_octets("POST /api/auth/login", headers=typed, body=login))]
    return [{"kind": kind, "octets": base64.b64encode(octets).decode()} for kind, octets in listed]


def run_load(
    stand: Stand,
    targets: Mapping[str, Target],
    *,
    actions: Iterable[tuple[str, float, str]],
    rest: float,
    post_of: Callable[[Target], int],
    settle: float = 30.0,
    connections: int = 15,
    interval: float = 0.15,
) -> Books:
    """Put a load on the implementations and do things meanwhile.

    Args:
        stand: where they run.
        targets: the implementations.
        actions: name, seconds since the one before has ended, and shell command of what is done.
        rest: seconds for which the load goes on after the last.
        post_of: publishes a post by the load's user, to be updated.
        settle: seconds that the first action waits at most for all to be warm.
        connections: to each implementation; each begins at another request of the list.
        interval: seconds from request to request on a connection.
    """
    document: dict[str, object] = {
        "apis": {
            name: {"port": stand.port(name), "requests": _requests(target, post_of(target))}
            for name, target in targets.items()
        },
        "connections": connections,
        "interval": interval,
        "settle": settle,
        "rest": rest,
        "actions": [{"name": name, "pause": pause, "command": command} for name, pause, command in actions],
        "watched": {
            "postgres": {"port": stand.postgres_port, "greeting": base64.b64encode(STARTUP).decode(), "up": ["R"]},
            "redis": {
                "port": stand.redis_port,
                "greeting": base64.b64encode(PING).decode(),
                "up": ["-NOAUTH", "+PONG"],
            },
        },
    }
    told = stand.run_script(_LOAD, document, deadline_seconds=_DEADLINE_SECONDS)
    return Books(
        [Sent(*request) for request in told["requests"]],
        {name: (begun, ended) for name, (begun, ended) in told["actions"].items()},
        {name: [(moment, is_up) for moment, is_up in states] for name, states in told["watched"].items()},
    )


def publish(target: Target) -> int:
    """Publish a post by the load's user; its id."""
    token = mint_token(target.jwt_secret, _USER, f"user_{_USER:04d}")
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    answer = ask(target, request_octets("POST /api/posts", headers=headers, body=b'{"title":"t","body":"b"}'))
    assert answer.status == 201, answer
    return int(json.loads(answer.body)["id"])


def ask(target: Target, octets: bytes, *, timeout: float = 15) -> Answer:
    """Send one request over a connection of its own."""
    with Wire(target.base_url, timeout=timeout) as wire:
        wire.send(octets)
        return wire.require_answer(octets.partition(b" HTTP/")[0].decode("latin-1"))
