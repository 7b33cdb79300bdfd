"""Posts and the first page in Redis. What fails or isn't done within 50 ms counts as a miss, or as done."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from fifth import configuration
from fifth.logs import Throttle

_FIRST_PAGE = "posts:first"

_SECONDS = 0.05
_CONNECTIONS = 128
_PASSED_OVER_SECONDS = 0.5
"""How long Redis isn't asked after it failed."""

_FAILURES = (RedisError, OSError, TimeoutError)

_POST_LIFETIME = 600
_PAGE_LIFETIME = 5

_logger = logging.getLogger(__name__)

Result = TypeVar("Result")


class Cache:
    """Two kinds of key, and no other."""

    def __init__(self, redis: configuration.Redis) -> None:
        pool = BlockingConnectionPool(
            max_connections=_CONNECTIONS,
            timeout=_SECONDS,
            host=redis.host,
            port=redis.port,
            username=redis.user,
            password=redis.password,
            db=redis.number,
            protocol=2,
            lib_name=None,
            lib_version=None,
            # A command that failed is passed over; another attempt would take the request's time.
            retry=Retry(NoBackoff(), 0),
        )
        self._redis = Redis(connection_pool=pool)
        self._passed_over_until = 0.0
        self._may_warn = Throttle()

    async def fault(self) -> str | None:
        """Why Redis doesn't answer; None where it does."""
        try:
            await self._in_time(self._redis.ping)
        except _FAILURES as error:
            return _cause_of(error)
        return None

    async def post(self, identifier: int) -> tuple[str, bytes] | None:
        """The ETag and the JSON of a post; None on a miss."""
        tag, newline, content = (await self._value(f"post:{identifier}") or b"").partition(b"\n")
        return (tag.decode("latin-1"), content) if newline else None

    async def keep_post(self, identifier: int, tag: str, content: bytes) -> None:
        """Store a post as it was read."""
        value = tag.encode() + b"\n" + content
        await self._ask(lambda: self._redis.set(f"post:{identifier}", value, ex=_POST_LIFETIME))

    async def drop_post(self, identifier: int) -> None:
        """Remove a post that was changed."""
        await self._ask(lambda: self._redis.delete(f"post:{identifier}"))

    async def first_page(self) -> bytes | None:
        """The JSON of the first page; None on a miss."""
        return await self._value(_FIRST_PAGE)

    async def keep_first_page(self, content: bytes) -> None:
        """Store the first page as it was read."""
        await self._ask(lambda: self._redis.set(_FIRST_PAGE, content, ex=_PAGE_LIFETIME))

    async def close(self) -> None:
        """End all connections."""
        await self._redis.aclose()

    async def _value(self, key: str) -> bytes | None:
        value = await self._ask(lambda: self._redis.get(key))
        return value.encode() if isinstance(value, str) else value

    async def _ask(self, command: Callable[[], Awaitable[Result]]) -> Result | None:
        """What Redis answers; None where it is passed over, fails, or takes too long."""
        if time.monotonic() < self._passed_over_until:
            return None
        try:
            return await self._in_time(command)
        except _FAILURES as error:
            # An error that Redis sends is about one key.
            if not isinstance(error, ResponseError):
                self._passed_over_until = time.monotonic() + _PASSED_OVER_SECONDS
            if self._may_warn():
                _logger.warning("redis failed", extra={"members": {"cause": _cause_of(error)}})
            return None

    async def _in_time(self, command: Callable[[], Awaitable[Result]]) -> Result:
        """What Redis answers; the wait for a connection is part of the time."""
        async with asyncio.timeout(_SECONDS):
            return await command()


def _cause_of(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")
