"""A small HTTP client that sends octets as they are, and a server that answers what a test says."""

import json
import socket
import socketserver
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import urlsplit

_SECONDS = 20.0
"""An answer that takes longer is missing: above all time limits of the contract."""


class NoAnswerError(Exception):
    """The connection was closed instead of an answer, the answer was cut off, or nothing came in time."""


@dataclass(frozen=True)
class Answer:
    """An answer; header names in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def header(self, name: str) -> str:
        """The values of a header, joined; empty if there is none."""
        return ", ".join(value for key, value in self.headers if key == name)

    def json(self) -> Any:  # noqa: ANN401 - a test knows what it asked for
        """The body as a JSON value."""
        return json.loads(self.body)

    @property
    def media_type(self) -> str:
        """The `Content-Type` without its parameters."""
        return self.header("content-type").partition(";")[0].strip().lower()

    def __str__(self) -> str:
        return f"{self.status} {dict(self.headers)} {self.body[:1_000]!r}"


def request_octets(
    method: str,
    path: str,
    *,
    headers: Iterable[tuple[str, str]] = (),
    token: str | None = None,
    content: object = None,
    body: bytes | None = None,
) -> bytes:
    """Write a request.

    Args:
        method: the method.
        path: path and query.
        headers: further headers.
        token: goes into `Authorization: Bearer`.
        content: sent as JSON.
        body: sent as it is, with its length.
    """
    fields = [("Host", "fairground.test"), *headers]
    if token is not None:
        fields.append(("Authorization", f"Bearer {token}"))
    if content is not None:
        fields.append(("Content-Type", "application/json"))
        body = json.dumps(content).encode()
    if body is not None:
        fields.append(("Content-Length", str(len(body))))
    lines = (f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields), "", "")
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + (body or b"")


class Line:
    """A connection to an implementation. A new one is opened when the last one has ended."""

    def __init__(self, base_url: str, *, seconds: float = _SECONDS) -> None:
        parts = urlsplit(base_url)
        self._address = (parts.hostname or "", parts.port or 80)
        self._seconds = seconds
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def ask(self, octets: bytes) -> Answer:
        """Send one request and read its answer.

        Raises:
            NoAnswerError: there was none.
        """
        try:
            self.send(octets)
            connection = self._open()
            response = HTTPResponse(connection, method=octets.partition(b" ")[0].decode("latin-1"))
            response.begin()
            body = response.read()
        except (OSError, HTTPException) as error:
            self.close()
            raise NoAnswerError(f"{type(error).__name__}: {error}") from error
        # A server may close the connection after a refusal, also without saying so.
        if response.will_close or response.status >= 400:
            self.close()
        headers = tuple((name.lower(), value) for name, value in response.getheaders())
        return Answer(response.status, headers, body)

    def send(self, octets: bytes) -> None:
        """Send octets. A server that refuses them while they are sent may have answered nevertheless."""
        connection = self._open()
        with suppress(ConnectionError):
            connection.sendall(octets)

    def rest(self, seconds: float) -> bytes:
        """Read until the other side closes the connection, or sends nothing for so long."""
        connection = self._open()
        connection.settimeout(seconds)
        received = b""
        with suppress(OSError):
            while piece := connection.recv(65_536):
                received += piece
        return received

    def _open(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.create_connection(self._address, self._seconds)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(self._seconds)
        return self._socket


def ask(base_url: str, method: str, path: str, *, token: str | None = None, content: object = None) -> Answer:
    """Send one request over a connection of its own.

    Raises:
        NoAnswerError: there was no answer.
    """
    with Line(base_url) as line:
        return line.ask(request_octets(method, path, token=token, content=content))


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self.serve = serve
        super().__init__(("127.0.0.1", 0), _Connection)


class _Connection(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with suppress(OSError):
            cast("_Server", self.server).serve(cast("socket.socket", self.request))


@contextmanager
def server(serve: Callable[[socket.socket], None]) -> Generator[str]:
    """Have a function serve each connection to a free port of the loopback interface; gives the base URL."""
    with _Server(serve) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_address[1]}"
        finally:
            listening.shutdown()
            thread.join()
