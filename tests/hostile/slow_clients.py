"""Clients that are slow on purpose, each kind several times, at all implementations at once and beside other tests."""

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import pairwise, repeat
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from apis.contract.checks import Target
from apis.contract.checks.multipart import CONTENT_TYPE, PNG, Part, multipart
from apis.contract.checks.wire import request_octets
from apis.contract.tokens import mint_token

HEAD = b"GET /healthz HTTP/1.1\r\nHost: fairground.test\r\n"
BODY_HEAD = (
    b"POST /api/auth/login HTTP/1.1\r\nHost: fairground.test\r\nContent-Type: application/json\r\n"
    b"Content-Length: 100\r\n\r\n"
)
CHUNKED_HEAD = (
    b"POST /api/auth/login HTTP/1.1\r\nHost: fairground.test\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)

_OF_EACH = 4
_LATEST = 5.0
"""Seconds after which a limit has been enforced: it is looked at now and then, on a machine that is busy."""


@dataclass(frozen=True)
class SlowClient:
    """What a client sends at first, what it sends again every second, and the seconds after which it is ended.

    `answered` tells how many of its requests are whole, and get a 200 before.
    """

    first: bytes
    limit: float
    again: bytes = b""
    answered: int = 0


CASES: Mapping[str, SlowClient] = {
    "a head that drips": SlowClient(HEAD, 10, again=b"X: y\r\n"),
    "a request line that drips": SlowClient(b"G", 10, again=b"G"),
    "a head that stops": SlowClient(HEAD, 10),
    "one octet": SlowClient(b"G", 10),
    "a body that stops": SlowClient(BODY_HEAD + b"{", 10),
    "a body that never begins": SlowClient(BODY_HEAD, 10),
    "a chunk that stops": SlowClient(CHUNKED_HEAD + b"5\r\n{", 10),
    "a chunk size that stops": SlowClient(CHUNKED_HEAD + b"5", 10),
    "a chunked body without end": SlowClient(CHUNKED_HEAD + b"2\r\n{}\r\n", 10),
    "a connection that idles": SlowClient(request_octets("GET /healthz"), 60, answered=1),
    "a head behind an answer that stops": SlowClient(request_octets("GET /healthz") + HEAD, 10, answered=1),
}

_PATIENCE = 10.0
"""Seconds beyond the limit for which a client waits for its end."""

_PIECES, _EVERY = 8, 2.0
"""Longer than any single limit in all; what counts is that the body never stops arriving for 10 s."""


@dataclass(frozen=True)
class Ending:
    """How a connection ended: the seconds from its first octet on (None: it didn't), and what had come until then."""

    seconds: float | None
    received: bytes


def fault_of(client: SlowClient, ending: Ending, *, second: float = 1.0) -> str | None:
    """What is wrong with how a client was ended; None if nothing is.

    Args:
        client: what it did.
        ending: what became of it.
        second: the length of the contract's second.
    """
    limit = client.limit * second
    if ending.seconds is None or not limit - second <= ending.seconds <= limit + _LATEST * second:
        return f"expected the end after {limit} s, saw {ending}"
    statuses = [int(piece[2:5]) for piece in ending.received.split(b"HTTP/1.")[1:]]
    if statuses[: client.answered] != [200] * client.answered:
        return f"expected {client.answered} answers before, saw {ending}"
    rest = statuses[client.answered :]
    if len(rest) > 1 or not all(400 <= status < 500 for status in rest):
        return f"expected the end or a 4xx, saw {ending}"
    return None


class SlowClients:
    """A context manager that lets slow clients play on a thread of its own; at its end it breaks off those left."""

    def __init__(self, targets: Mapping[str, Target], *, second: float = 1.0) -> None:
        """Prepare to play all cases at all targets, `second` being the length of the contract's second."""
        self._targets = targets
        self._second = second
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._endings: dict[tuple[str, str], list[Future[Ending]]] = {}
        self._bodies: dict[str, Future[bytes]] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        for name, target in self._targets.items():
            for case, client in CASES.items():
                self._endings[case, name] = [
                    asyncio.run_coroutine_threadsafe(_play(target, client, self._second), self._loop)
                    for _ in range(_OF_EACH)
                ]
            self._bodies[name] = asyncio.run_coroutine_threadsafe(_upload(target, self._second), self._loop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(_cancel_others(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def endings(self, case: str, name: str) -> list[Ending]:
        """How the clients of a case ended at an implementation, once they have."""
        return [future.result() for future in self._endings[case, name]]

    def slow_body(self, name: str) -> bytes:
        """What an implementation answered to an upload that arrived slowly, without ever stopping for long."""
        return self._bodies[name].result()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _send(writer: asyncio.StreamWriter, pieces: Iterator[bytes], every: float) -> None:
    for piece in pieces:
        await asyncio.sleep(every)
        writer.write(piece)


async def _read(target: Target, first: bytes, pieces: Iterator[bytes], every: float, seconds: float) -> Ending:
    """Send octets and then pieces from time to time, and read until the other side ends the connection."""
    parts = urlsplit(target.base_url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    start = time.monotonic()
    writer.write(first)
    sending = asyncio.create_task(_send(writer, pieces, every))
    received = b""
    try:
        async with asyncio.timeout(seconds):
            while octets := await reader.read(65_536):
                received += octets
    except TimeoutError:
        return Ending(None, received)
    except ConnectionError:
        pass
    finally:
        sending.cancel()
        writer.transport.abort()
    return Ending(time.monotonic() - start, received)


async def _play(target: Target, client: SlowClient, second: float) -> Ending:
    pieces = repeat(client.again) if client.again else iter(())
    return await _read(target, client.first, pieces, second, (client.limit + _PATIENCE) * second)


async def _upload(target: Target, second: float) -> bytes:
    # Of a part that is skipped: other tests count the files that are kept.
    body = multipart(Part(PNG, 'form-data; name="other"; filename="a.png"'))
    headers = {
        "Authorization": f"Bearer {mint_token(target.jwt_secret, 7, 'user_0007')}",
        "Content-Type": CONTENT_TYPE,
        "Connection": "close",
    }
    octets = request_octets("POST /api/files", headers=headers, body=body)
    head = len(octets) - len(body)
    places = [head + len(body) * number // _PIECES for number in range(_PIECES + 1)]
    pieces = (octets[start:end] for start, end in pairwise(places))
    ending = await _read(target, octets[:head], pieces, _EVERY * second, (_PIECES * _EVERY + _PATIENCE) * second)
    return ending.received
