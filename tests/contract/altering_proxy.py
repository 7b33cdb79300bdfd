"""A proxy that passes requests on and alters what a test wants altered, so that a check can be seen failing."""

import socket
import socketserver
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import LiteralString, cast

import psycopg
import redis

from apis.contract.checks.model import CheckFailedError, Target
from apis.contract.checks.wire import Answer, Wire


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came; `octets` is all of it."""

    method: str
    target: str
    octets: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass(frozen=True, slots=True)
class Upstream:
    """The implementation behind the proxy, and what is behind that."""

    target: Target

    def send(self, octets: bytes) -> Answer:
        """Send octets over a connection of their own and return the answer."""
        with Wire(self.target.base_url, timeout=15) as wire:
            wire.send_if_open(octets)
            return wire.require_answer(octets.partition(b" HTTP/")[0].decode("latin-1"))

    def run_sql(self, statement: LiteralString) -> None:
        assert self.target.database_url
        with psycopg.connect(self.target.database_url, autocommit=True) as connection:
            connection.execute(statement)

    def open_redis(self) -> redis.Redis:
        assert self.target.redis_url
        return redis.Redis.from_url(self.target.redis_url)  # pyright: ignore[reportUnknownMemberType]


Alteration = Callable[[Request, Upstream], Answer | None]
"""Answers a request, by way of the implementation or not; None closes the connection."""


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, target: Target, alteration: Alteration) -> None:
        self.upstream = Upstream(target)
        self.alteration = alteration
        super().__init__(("127.0.0.1", 0), _Connection)


class _Connection(socketserver.BaseRequestHandler):
    """One connection; naive about HTTP on purpose, so that it forwards whatever is between two empty lines."""

    def handle(self) -> None:
        server = cast("_Server", self.server)
        client = cast("socket.socket", self.request)
        received = b""
        try:
            while True:
                while b"\r\n\r\n" not in received:
                    octets = client.recv(65_536)
                    if not octets:
                        return
                    received += octets
                request, received = _first_request(client, received)
                answer = server.alteration(request, server.upstream)
                if answer is None:
                    return
                client.sendall(_octets(answer))
        except (OSError, CheckFailedError, ValueError):
            return


def _first_request(client: socket.socket, received: bytes) -> tuple[Request, bytes]:
    head, _, rest = received.partition(b"\r\n\r\n")
    fields = [line.partition(b":") for line in head.lower().split(b"\r\n")[1:]]
    headers = {name: value.strip() for name, _, value in fields}
    if b"content-length" in headers:
        length = int(headers[b"content-length"])
        while len(rest) < length and (octets := client.recv(65_536)):
            rest += octets
        body, rest = rest[:length], rest[length:]
    elif b"transfer-encoding" in headers:
        while not rest.endswith(b"\r\n\r\n") and (octets := client.recv(65_536)):
            rest += octets
        body, rest = rest, b""
    else:
        body = b""
    method, _, target = head.partition(b"\r\n")[0].decode("latin-1").rpartition(" ")[0].partition(" ")
    return Request(method=method, target=target, octets=head + b"\r\n\r\n" + body), rest


def _octets(answer: Answer) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} Altered", *(f"{name}: {value}" for name, value in answer.headers), "", ""]
    return "\r\n".join(lines).encode("latin-1") + answer.body


@contextmanager
def altering_proxy(target: Target, alteration: Alteration) -> Generator[Target]:
    """Serve the proxy on a free port of the loopback interface; gives the target as it is behind the proxy."""
    with _Server(target, alteration) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield target.model_copy(update={"base_url": f"http://127.0.0.1:{server.server_address[1]}"})
        finally:
            server.shutdown()
            thread.join()
