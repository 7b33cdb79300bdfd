"""A small HTTP server on loopback that keeps every byte it was sent."""

import asyncio
import re
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

Answer = Callable[[bytes], int | None]
"""From a request's first line to the status of its answer; None: never answer."""


@dataclass(frozen=True)
class Received:
    """One request as it came over the wire, and when (on the monotonic clock)."""

    connection: int
    at: float
    data: bytes


@dataclass
class Recorder:
    """What the server received, in order of arrival, and the port it listens on."""

    port: int = 0
    received: list[Received] = field(default_factory=list[Received])
    connections: int = 0


def _right_status(first_line: bytes) -> int:
    return 201 if first_line.startswith((b"POST /api/posts", b"POST /api/files")) else 200


class _Protocol(asyncio.Protocol):
    def __init__(self, recorder: Recorder, answer: Answer) -> None:
        self._recorder = recorder
        self._answer = answer
        self._number = recorder.connections
        recorder.connections += 1
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (head_end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[: head_end + 4]
            length = re.search(rb"\r\nContent-Length: (\d+)\r\n", head)
            end = len(head) + (int(length[1]) if length else 0)
            if len(self._buffer) < end:
                return
            self._recorder.received.append(Received(self._number, time.monotonic(), self._buffer[:end]))
            self._buffer = self._buffer[end:]
            status = self._answer(head.partition(b"\r\n")[0])
            if status is not None:
                self._transport.write(b"HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\n{}" % status)


@contextmanager
def recording_server(answer: Answer = _right_status) -> Generator[Recorder]:
    """Serve on a free port of 127.0.0.1 in a thread of its own until the context ends."""
    recorder = Recorder()
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(
        loop.create_server(lambda: _Protocol(recorder, answer), "127.0.0.1", 0, backlog=1024)
    )
    recorder.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield recorder
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.close()
