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


Alteration = Callable[[Request, Upstream], Answer]
"""Answers a request, by way of the implementation or not."""


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 512

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
                    received += _receive(client)
                request, received = _first_request(client, received)
                client.sendall(_octets(server.alteration(request, server.upstream)))
        except (OSError, EOFError, CheckFailedError, ValueError):
            return


def _receive(client: socket.socket) -> bytes:
    octets = client.recv(65_536)
    if not octets:
        raise EOFError
    return octets


def _first_request(client: socket.socket, received: bytes) -> tuple[Request, bytes]:
    head, _, rest = received.partition(b"\r\n\r\n")
    fields = [line.partition(b":") for line in head.lower().split(b"\r\n")[1:]]
    headers = {name: value.strip() for name, _, value in fields}
    size = int(headers.get(b"content-length", b"0"))
    while len(rest) < size or (b"transfer-encoding" in headers and not rest.endswith(b"0\r\n\r\n")):
        rest += _receive(client)
    if b"transfer-encoding" in headers:
        size = len(rest)
    method, _, target = head.partition(b"\r\n")[0].decode("latin-1").rpartition(" ")[0].partition(" ")
    return Request(method=method, target=target, octets=head + b"\r\n\r\n" + rest[:size]), rest[size:]


def _octets(answer: Answer) -> bytes:
    """The answer as it is sent: with its own length if it says one, else in chunks."""
    headers, body = list(answer.headers), answer.body
    if answer.status not in {204, 304} and not (answer.values("content-length") or answer.values("transfer-encoding")):
        headers.append(("content-length", str(len(body))))
    lines = [f"HTTP/1.1 {answer.status} Altered", *(f"{name}: {value}" for name, value in headers), "", ""]
    if answer.values("transfer-encoding"):
        pieces = [piece for piece in (body[:7], body[7:]) if piece]
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    return "\r\n".join(lines).encode("latin-1") + body


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
