"""What checks share while they run against one target: connections to it and to its services, and users."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import psycopg
import redis

from apis.contract.checks import expect
from apis.contract.checks.answers import Account, Post, StoredFile
from apis.contract.checks.model import CheckFailedError, Target
from apis.contract.checks.wire import CONTENT_TYPE, Answer, Part, Wire, multipart, request_octets
from apis.contract.tokens import mint_token

_TIMEOUT = 10.0
"""Seconds until a request counts as unanswered: above all of the contract's own time-outs."""

NOBODY = 9_000_000_000_000_000_000
"""An id that nothing has."""


@dataclass(frozen=True, slots=True)
class Member:
    """A user whom the checks registered, with a token of theirs."""

    id: int
    username: str
    email: str
    password: str = field(repr=False)
    token: str = field(repr=False)


class Context:
    """A target, and open connections to the services behind it."""

    def __init__(self, target: Target) -> None:
        self.target = target

    def close(self) -> None:
        """Close all connections."""
        for name in ("database", "redis"):
            if name in self.__dict__:
                getattr(self, name).close()

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
        """An autocommitting connection to the target's database, where statements must be counted."""
        if self.target.database_url is None:
            raise CheckFailedError(f"The database URL of {self.target.name} isn't known.")
        connection = psycopg.connect(self.target.database_url, autocommit=True)
        setting = connection.execute("SELECT current_setting('pg_stat_statements.track_utility', true)").fetchone()
        if setting != ("off",):
            connection.close()
            raise CheckFailedError(
                "PostgreSQL must have pg_stat_statements preloaded, with pg_stat_statements.track_utility = off."
            )
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        return connection

    @cached_property
    def redis(self) -> redis.Redis:
        """A connection to the target's Redis."""
        if self.target.redis_url is None:
            raise CheckFailedError(f"The Redis URL of {self.target.name} isn't known.")
        return redis.Redis.from_url(self.target.redis_url, single_connection_client=True)  # pyright: ignore[reportUnknownMemberType]

    def connect(self) -> Wire:
        """Open a connection to the target, for several requests; raises `OSError` if the target accepts none."""
        return Wire(self.target.base_url, timeout=_TIMEOUT)

    def send(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request over a connection of its own. A body's `Content-Type` must be among the headers.

        A server may close a connection on which it has refused a request without reading its body.
        """
        line, fields = f"{method} {path}", dict(headers or {})
        if token is not None:
            fields["Authorization"] = f"Bearer {token}"
        if content is not None:
            fields["Content-Length"] = str(len(content))
        with self.connect() as wire:
            wire.send_if_open(request_octets(line, headers=fields) + (content or b""))
            return wire.require_answer(line)

    def get(self, path: str, *, token: str | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Send a GET."""
        return self.send("GET", path, token=token, headers=headers)

    def delete(self, path: str, *, token: str | None = None) -> Answer:
        """Send a DELETE."""
        return self.send("DELETE", path, token=token)

    def post(self, path: str, value: object, *, token: str | None = None) -> Answer:
        """POST a value as a JSON body."""
        return self.send_json("POST", path, json.dumps(value, ensure_ascii=False).encode(), token=token)

    def put(self, path: str, value: object, *, token: str | None = None) -> Answer:
        """PUT a value as a JSON body."""
        return self.send_json("PUT", path, json.dumps(value, ensure_ascii=False).encode(), token=token)

    def send_json(self, method: str, path: str, content: bytes, *, token: str | None = None) -> Answer:
        """Send octets as a JSON body, whatever they are."""
        return self.send(method, path, token=token, content=content, headers={"Content-Type": "application/json"})

    def upload(self, *parts: Part, token: str | None = None) -> Answer:
        """POST parts to `/api/files`, by alice unless another token is given."""
        return self.send_form(multipart(*parts), token=token)

    def send_form(self, content: bytes, content_type: str | None = CONTENT_TYPE, *, token: str | None = None) -> Answer:
        """POST octets to `/api/files` as a form, whatever they are, by alice unless another token is given."""
        headers = {} if content_type is None else {"Content-Type": content_type}
        return self.send("POST", "/api/files", token=token or self.alice.token, content=content, headers=headers)

    def exchange(self, octets: bytes, request: str) -> Answer | None:
        """Send octets over a connection of their own and read the one answer, as `Wire.answer` does."""
        with Wire(self.target.base_url) as wire:
            wire.send_if_open(octets)
            return wire.answer(request)

    def new_name(self) -> str:
        """A username that nobody has."""
        return f"check_{secrets.token_hex(8)}"

    def new_member(self) -> Member:
        """Register a user."""
        username = self.new_name()
        email, password = f"{username}@example.test", secrets.token_urlsafe(12)
        answer = self.post("/api/users", {"username": username, "email": email, "password": password})
        account = expect.created(answer, Account, "/api/users/")
        token = mint_token(self.target.jwt_secret, account.id, username)
        return Member(id=account.id, username=username, email=email, password=password, token=token)

    def new_post(self, *, title: str = "A title", body: str = "A body", author: Member | None = None) -> Post:
        """Publish a post, by alice unless someone else is given."""
        answer = self.post("/api/posts", {"title": title, "body": body}, token=(author or self.alice).token)
        return expect.created(answer, Post, "/api/posts/")

    def new_file(self, part: Part) -> StoredFile:
        """Upload a file, by alice."""
        return expect.json(self.upload(part), 201, StoredFile)
