"""What checks share while they run against one target: connections, users, and counters of work done behind the API."""

import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, LiteralString

import httpx
import psycopg
import redis

from apis.contract.checks.answers import Account, Post, StoredFile
from apis.contract.checks.expect import expect_created, expect_json
from apis.contract.checks.model import CheckFailedError, Target
from apis.contract.checks.monitor import Command, Monitor
from apis.contract.checks.multipart import CONTENT_TYPE, Part, multipart
from apis.contract.checks.wire import Answer, Wire
from apis.contract.tokens import mint_token

_TIMEOUT = 10.0
"""Seconds until a request counts as unanswered: above all of the contract's own time-outs."""

_SETTLED = 1.0
"""Seconds within which PostgreSQL's statistics have a statement after its answer was seen: a driver may answer
between a statement's completion and the end of its portal, at which it is counted."""

_SECOND_LOOK = 0.05
"""Seconds after which a count that is as expected is taken once more: a statement too many, or one that the answer
didn't wait for, may be counted behind those that were expected."""

_STATEMENT_CALLS: LiteralString = """
    SELECT coalesce(sum(statements.calls), 0)::bigint
    FROM pg_stat_statements AS statements
    JOIN pg_database ON pg_database.oid = statements.dbid
    WHERE pg_database.datname = current_database() AND statements.toplevel
      AND statements.query NOT LIKE '%pg_stat_statements%'
"""

_STATEMENT_ROWS: LiteralString = """
    SELECT coalesce(sum(statements.rows), 0)::bigint
    FROM pg_stat_statements AS statements
    JOIN pg_database ON pg_database.oid = statements.dbid
    WHERE pg_database.datname = current_database() AND statements.toplevel
      AND statements.query NOT LIKE '%pg_stat_statements%'
"""


@dataclass(frozen=True, slots=True)
class Member:
    """A user whom the checks registered, with a token of theirs."""

    id: int
    username: str
    email: str
    password: str = field(repr=False)
    token: str = field(repr=False)


class Context:
    """A target with open connections to it and to what is behind it."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._http = httpx.Client(base_url=target.base_url, timeout=_TIMEOUT, trust_env=False)

    def close(self) -> None:
        """Close all connections."""
        self._http.close()
        if "database" in self.__dict__:
            self.database.close()
        if "_monitor" in self.__dict__:
            self._monitor.close()
        if "redis" in self.__dict__:
            self.redis.close()

    @cached_property
    def alice(self) -> Member:
        """A user registered for this run of checks."""
        return self.new_member()

    @cached_property
    def bob(self) -> Member:
        """Another user registered for this run of checks."""
        return self.new_member()

    @cached_property
    def database(self) -> "psycopg.Connection[tuple[Any, ...]]":
        """An autocommitting connection to the target's database.

        Raises:
            CheckFailedError: the target has no database URL, or statements aren't counted there as they must be.
        """
        if self.target.database_url is None:
            raise CheckFailedError(f"The database URL of {self.target.name} isn't known.")
        connection = psycopg.connect(self.target.database_url, autocommit=True)
        setting = connection.execute("SELECT current_setting('pg_stat_statements.track_utility', true)").fetchone()
        if setting != ("off",):
            connection.close()
            raise CheckFailedError(
                "The database must have pg_stat_statements in shared_preload_libraries, with track_utility = off."
            )
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        return connection

    @cached_property
    def redis(self) -> redis.Redis:
        """A connection to the target's Redis.

        Raises:
            CheckFailedError: the target has no Redis URL.
        """
        if self.target.redis_url is None:
            raise CheckFailedError(f"The Redis URL of {self.target.name} isn't known.")
        return redis.Redis.from_url(self.target.redis_url, single_connection_client=True)  # pyright: ignore[reportUnknownMemberType]

    def send(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    ) -> Answer:
        """Send a request over a kept connection.

        Args:
            method: the method.
            path: path and query, of characters that need no encoding.
            token: goes into `Authorization: Bearer`.
            content: the body as it is; its `Content-Type` must be among the headers.
            headers: further headers.

        Raises:
            httpx.HTTPError: there was no answer.
        """
        pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
        if token is not None:
            pairs.append(("Authorization", f"Bearer {token}"))
        response = self._http.request(method, path, content=content, headers=pairs)
        seen = tuple((name.lower(), value) for name, value in response.headers.multi_items())
        return Answer(request=f"{method} {path}", status=response.status_code, headers=seen, body=response.content)

    def get(
        self, path: str, *, token: str | None = None, headers: Mapping[str, str] | Sequence[tuple[str, str]] = ()
    ) -> Answer:
        """Send a GET."""
        return self.send("GET", path, token=token, headers=headers)

    def send_json(self, method: str, path: str, value: object, *, token: str | None = None) -> Answer:
        """Send a value as a JSON body."""
        content = json.dumps(value, ensure_ascii=False).encode()
        return self.send(method, path, token=token, content=content, headers={"Content-Type": "application/json"})

    def post(self, path: str, value: object, *, token: str | None = None) -> Answer:
        """POST a value as a JSON body."""
        return self.send_json("POST", path, value, token=token)

    def put(self, path: str, value: object, *, token: str | None = None) -> Answer:
        """PUT a value as a JSON body."""
        return self.send_json("PUT", path, value, token=token)

    def upload(self, *parts: Part, token: str | None = None) -> Answer:
        """POST parts to `/api/files`, by alice unless another token is given."""
        return self.send(
            "POST",
            "/api/files",
            token=token or self.alice.token,
            content=multipart(*parts),
            headers={"Content-Type": CONTENT_TYPE},
        )

    def exchange(self, octets: bytes, *, request: str | None = None) -> Answer:
        """Send octets over a connection of their own and read the one answer.

        Args:
            octets: the request as it is.
            request: what to call it in messages; its request line unless told.

        Raises:
            CheckFailedError: the connection was closed instead.
            OSError: there was no connection, or no answer in time.
        """
        name = request or octets.partition(b" HTTP/1.1\r\n")[0].decode("latin-1")
        with Wire(self.target.base_url) as wire:
            wire.send(octets)
            return wire.require_answer(name)

    def new_name(self) -> str:
        """A username that nobody has."""
        return f"check_{secrets.token_hex(8)}"

    def new_member(self) -> Member:
        """Register a user."""
        username = self.new_name()
        email, password = f"{username}@example.test", secrets.token_urlsafe(12)
        answer = self.post("/api/users", {"username": username, "email": email, "password": password})
        account = expect_created(answer, Account, "/api/users/")
        token = mint_token(self.target.jwt_secret, account.id, username)
        return Member(id=account.id, username=username, email=email, password=password, token=token)

    def new_post(self, author: Member | None = None, *, title: str = "A title", body: str = "A body") -> Post:
        """Publish a post, by alice unless told."""
        token = (author or self.alice).token
        answer = self.post("/api/posts", {"title": title, "body": body}, token=token)
        return expect_created(answer, Post, "/api/posts/")

    def new_file(self, part: Part) -> StoredFile:
        """Upload a file, by alice."""
        return expect_json(self.upload(part), 201, StoredFile)

    def statements_of(self, action: Callable[[], object], *, expected: int) -> int:
        """Count the statements that PostgreSQL ran for an action, as `pg_stat_statements` has them.

        Args:
            action: sends requests, and returns when they are answered.
            expected: so many are waited for, and then a moment for one too many; a count that differs is returned
                after a second.
        """
        return self._count_of(action, _STATEMENT_CALLS, expected)

    def rows_of(self, action: Callable[[], object], *, expected: int) -> int:
        """Count the rows that PostgreSQL returned or changed for an action, as `statements_of` counts statements."""
        return self._count_of(action, _STATEMENT_ROWS, expected)

    def commands_of(
        self, action: Callable[[], object], *, seen: Callable[[Command], None] | None = None
    ) -> list[Command]:
        """The commands that the API sent to Redis for an action, see `Monitor.commands_of`."""
        return self._monitor.commands_of(action, seen=seen)

    @cached_property
    def _monitor(self) -> Monitor:
        client = self.redis
        return Monitor(self.target.redis_url or "", client)

    def _count_of(self, action: Callable[[], object], query: LiteralString, expected: int) -> int:
        before = self._number(query)
        action()
        deadline = time.monotonic() + _SETTLED
        while (count := self._number(query) - before) != expected and time.monotonic() < deadline:
            time.sleep(0.01)
        if count == expected:
            time.sleep(_SECOND_LOOK)
            count = self._number(query) - before
        return count

    def _number(self, query: LiteralString) -> int:
        row = self.database.execute(query).fetchone()
        return 0 if row is None else int(row[0])
