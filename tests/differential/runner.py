"""Sends programs of requests to all implementations at once, and judges each answer by the model."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self

import psycopg
import redis

from tests.differential.expectation import Expected, judge
from tests.differential.model import Page, expect
from tests.differential.steps import Json, Step
from tests.differential.world import User, World, read_page
from tests.hostile.inputs import GOOD_TOKENS
from tests.stand.client import Answer, Line, NoAnswerError
from tests.stand.stand import Api

_SHOWN = 2_000

SETUP = Step("POST", "/api/posts", GOOD_TOKENS[0], Json({"title": "First", "body": "Post"}))
"""What each program finds done: the post 0 is of the user 0."""

_REGISTER = Step(
    "POST",
    "/api/users",
    body=Json(
        {"username": "diff_<<nonce>>", "email": "diff_<<nonce>>@example.test", "password": "a password of <<nonce>>"}
    ),
)


class DifferenceError(AssertionError):
    """An implementation differs from the contract, and so from the others. The message has requests and answers."""


@dataclass(frozen=True)
class Services:
    """What the runner needs of PostgreSQL and Redis: a page as it is stored, and a first page that isn't cached."""

    page: Page
    forget_first_page: Callable[[], object]


class Runner:
    """A context manager that holds a connection to each implementation."""

    def __init__(self, apis: Mapping[str, Api], services: Services | None = None) -> None:
        """Prepare to compare implementations that share the services: those of the first one unless given."""
        self._apis = apis
        self._services = services
        self._stack = ExitStack()
        self._users: dict[str, list[User]] = {name: [] for name in apis}
        self.requests = 0
        """How many requests each implementation was sent."""
        self.late = 0
        """How many reads were a MISS instead of a HIT, because Redis was passed over."""

    def __enter__(self) -> Self:
        with self._stack as stack:
            if self._services is None:
                self._services = _connect(next(iter(self._apis.values())), stack)
            self._pool = stack.enter_context(ThreadPoolExecutor(len(self._apis)))
            self._lines = {name: stack.enter_context(Line(api.base_url)) for name, api in self._apis.items()}
            for _ in range(2):
                worlds = self._new_worlds()
                self._step(_REGISTER, worlds)
                self._users = {name: world.users for name, world in worlds.items()}
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def run(self, program: Sequence[Step]) -> None:
        """Run a program: each step by all implementations at once, before the next.

        Raises:
            DifferenceError: at the first step that an implementation doesn't answer as the contract says.
        """
        worlds = self._new_worlds()
        for step in (SETUP, *program):
            self._step(step, worlds)

    def _new_worlds(self) -> dict[str, World]:
        return {
            name: World(api.jwt_secret, secrets.token_hex(5), list(self._users[name]))
            for name, api in self._apis.items()
        }

    def _step(self, step: Step, worlds: Mapping[str, World]) -> None:
        assert self._services is not None
        if step.path.partition("?")[0] == "/api/posts":
            self._services.forget_first_page()
        sent = {name: step.render(world) for name, world in worlds.items()}
        expected = {name: expect(world, step, self._services.page) for name, world in worlds.items()}
        answers = {name: self._pool.submit(self._ask, name, octets) for name, octets in sent.items()}
        seen = {name: answer.result() for name, answer in answers.items()}
        self.requests += 1
        faults = {name: self._judge(expected[name], answer) for name, answer in seen.items()}
        if not any(faults.values()):
            return
        lines = [f"{name} differs: {fault}." for name, fault in faults.items() if fault is not None]
        lines.append(f"The step: {step!r:.{_SHOWN}}")
        for name, answer in seen.items():
            lines.append(f"{name} was sent {sent[name][:_SHOWN]!r}")
            lines.append(f"{name} answered {answer}")
        raise DifferenceError("\n".join(lines))

    def _ask(self, name: str, octets: bytes) -> Answer | str:
        try:
            return self._lines[name].ask(octets)
        except NoAnswerError as error:
            return str(error)

    def _judge(self, expected: Expected, answer: Answer | str) -> str | None:
        if isinstance(answer, str):
            return f"expected an answer, saw none: {answer}"
        self.late += expected.cache == "HIT" and answer.header("x-cache") == "MISS"
        return judge(expected, answer)


def _connect(api: Api, stack: ExitStack) -> Services:
    database = stack.enter_context(psycopg.connect(api.database_url, autocommit=True))
    cache = redis.Redis.from_url(api.redis_url)  # pyright: ignore[reportUnknownMemberType]
    stack.callback(cache.close)
    return Services(partial(read_page, database), partial(cache.delete, "posts:first"))
