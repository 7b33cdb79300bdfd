"""Sends programs of requests to all implementations at once, and compares what comes back."""

import secrets
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

import psycopg
import redis

from apis.contract.checks import Target
from tests.differential.comparison import Symbols, strays
from tests.differential.line import LONGEST, Line, Outcome
from tests.differential.model.expectation import (
    Expected,
    NotComparedError,
    Refusal,
    answer_fault,
    refusal_fault,
)
from tests.differential.model.model import Model
from tests.differential.request import RawRequest, Request
from tests.differential.template import Filler, Step, Template
from tests.differential.world import KnownUser, World

_FIRST_PAGE = "posts:first"
_WITHOUT_BODY = (b"GET", b"HEAD", b"DELETE")

_SHORT_WAIT = 0.4
"""Seconds that octets which needn't be a whole request are given to be answered."""

_PASSED_OVER = 1.1
"""Seconds after which Redis is asked again; see section 10 of the contract."""

_ATTEMPTS = 3

_SHOWN_OCTETS = 2_000

SETUP: tuple[Step, ...] = (
    Template(
        "POST",
        "/api/posts",
        (("Content-Type", b"application/json"), ("Authorization", b"Bearer <<token:0>>")),
        b'{"title":"First","body":"Post"}',
    ),
)
"""What each program finds done: the post 0 is of the user 0."""


class DifferenceError(AssertionError):
    """Implementations differ, or one of them differs from the contract; the message has the request and all answers."""


@dataclass
class _Player:
    """An implementation while a program runs."""

    target: Target
    line: Line
    model: Model
    filler: Filler


@dataclass(frozen=True)
class _Seen:
    request: Request | RawRequest
    expected: Expected | Refusal | None
    outcome: Outcome
    fault: str | None


class Runner:
    """A context manager that holds the connections to the implementations and to the services behind them."""

    def __init__(self, targets: Mapping[str, Target]) -> None:
        """Prepare to compare the targets, which share a database and a Redis."""
        self.targets = targets
        self._stack = ExitStack()
        self.requests = 0
        """How many requests each implementation was sent."""
        self.late_caches = 0
        """How many answers were a miss of the cache that had to be a hit, and a hit when asked again."""

    def __enter__(self) -> Self:
        with self._stack as stack:
            first = next(iter(self.targets.values()))
            assert first.database_url, f"The database URL of {first.name} isn't known."
            assert first.redis_url, f"The Redis URL of {first.name} isn't known."
            self._database = stack.enter_context(psycopg.connect(first.database_url, autocommit=True))
            self._redis = redis.Redis.from_url(first.redis_url)  # pyright: ignore[reportUnknownMemberType]
            stack.callback(self._redis.close)
            self._pool = stack.enter_context(ThreadPoolExecutor(len(self.targets)))
            self._lines = {name: Line(target.base_url) for name, target in self.targets.items()}
            for line in self._lines.values():
                stack.callback(line.close)
            self._users = {name: self._two_users(name) for name in self.targets}
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def run(self, program: Sequence[Step]) -> None:
        """Run a program, each step by all implementations at once before the next.

        Raises:
            DifferenceError: at the first step that isn't as the contract says, or not alike for all.
        """
        players = {
            name: _Player(target, self._lines[name], Model(world, self._database), Filler(world, secrets.token_hex(5)))
            for name, target in self.targets.items()
            for world in [World(target.jwt_secret, list(self._users[name]))]
        }
        for step in (*SETUP, *program):
            self._step(step, players)

    def _step(self, step: Step, players: Mapping[str, _Player]) -> None:
        if isinstance(step, Template) and step.target.partition("?")[0] == "/api/posts":
            self._redis.delete(_FIRST_PAGE)
        requests = {name: step.render(player.filler) for name, player in players.items()}
        expected = {name: _expect(player.model, requests[name]) for name, player in players.items()}
        sent = {
            name: self._pool.submit(_send, player, requests[name], expected[name]) for name, player in players.items()
        }
        outcomes = {name: future.result() for name, future in sent.items()}
        self.requests += 1
        seen = {name: self._judge(players[name], requests[name], expected[name], outcomes[name]) for name in players}
        self._compare(step, players, seen)

    def _judge(
        self, player: _Player, request: Request | RawRequest, expected: Expected | Refusal | None, outcome: Outcome
    ) -> _Seen:
        if not isinstance(expected, Expected):
            player.model.world.forget_cached()
        if expected is None:
            fault = None if outcome.kind == "closed" or (outcome.status or 999) < 500 else f"saw {outcome}"
        elif isinstance(expected, Refusal):
            fault = refusal_fault(expected, outcome)
        else:
            fault = answer_fault(expected, outcome, head=request.method == b"HEAD")
            if fault is not None and expected.headers.get("x-cache") == "HIT":
                fault = None if self._was_late(player, request, expected, outcome) else fault
        return _Seen(request, expected, outcome, fault)

    def _was_late(self, player: _Player, request: Request | RawRequest, expected: Expected, outcome: Outcome) -> bool:
        """Whether it is a hit when asked again: Redis is passed over where it took 50 ms, with nobody at fault."""
        head = request.method == b"HEAD"
        if answer_fault(replace(expected, any_cache=True), outcome, head=head) is not None:
            return False
        for _ in range(_ATTEMPTS):
            time.sleep(_PASSED_OVER)
            again = _send(player, request, expected)
            if answer_fault(expected, again, head=head) is None:
                self.late_caches += 1
                return True
        return False

    def _compare(self, step: Step, players: Mapping[str, _Player], seen: Mapping[str, _Seen]) -> None:
        faults = {name: item.fault for name, item in seen.items() if item.fault is not None}
        symbols = Symbols(
            [player.model.world for player in players.values()], [player.filler.nonce for player in players.values()]
        )
        compared = {
            name: symbols.comparable(item.outcome) for name, item in seen.items() if isinstance(item.expected, Expected)
        }
        different = strays(compared) if compared else []
        if not faults and not different:
            return
        lines = ["The contract isn't kept." if faults else "The implementations differ, each within the model."]
        lines += [f"{name} strays: {fault}." for name, fault in faults.items()]
        if different:
            lines.append(f"Not like the majority: {', '.join(different)}.")
        lines.append(f"The step: {step}")
        for name, item in seen.items():
            lines.append(f"{name} was sent {item.request.octets()[:_SHOWN_OCTETS]!r}")
            lines.append(f"{name} answered {item.outcome}")
        raise DifferenceError("\n".join(lines))

    def _two_users(self, name: str) -> list[KnownUser]:
        """Two users of the implementation's own, registered by it."""
        target = self.targets[name]
        world = World(target.jwt_secret)
        model = Model(world, self._database)
        for _ in range(2):
            word = f"diff_{secrets.token_hex(6)}"
            body = f'{{"username":"{word}","email":"{word}@example.test","password":"a password of {word}"}}'
            request = Request(b"POST", b"/api/users", ((b"Content-Type", b"application/json"),), body.encode())
            outcome = self._lines[name].exchange(request.octets())
            expected = model.expect(request)
            assert isinstance(expected, Expected)
            fault = answer_fault(expected, outcome, head=False)
            if fault is not None:
                raise DifferenceError(f"{name} registers no user: {fault}.")
        return world.users


def _expect(model: Model, request: Request | RawRequest) -> Expected | Refusal | None:
    try:
        return model.expect(request)
    except NotComparedError:
        return None


def _send(player: _Player, request: Request | RawRequest, expected: Expected | Refusal | None) -> Outcome:
    head = request.method == b"HEAD"
    if isinstance(request, RawRequest):
        player.line.close()
    if isinstance(expected, Refusal):
        seconds = _SHORT_WAIT if expected.optional else LONGEST
        outcome = player.line.exchange(
            request.octets(), head=head, malformed=True, is_open=expected.optional, seconds=seconds
        )
    else:
        outcome = player.line.exchange(request.octets(), head=head)
    if not _is_kept_open(request, expected, outcome):
        player.line.close()
    return outcome


def _is_kept_open(request: Request | RawRequest, expected: Expected | Refusal | None, outcome: Outcome) -> bool:
    """Whether the connection must stay open: it needn't where the body may not have been read to its end."""
    if isinstance(request, RawRequest) or not isinstance(expected, Expected):
        return False
    if request.body is None:
        return True
    return request.method not in _WITHOUT_BODY and (outcome.status or 400) < 400
