"""Requests and answers as octets on a socket, for what a client library would normalise."""

import socket
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from apis.contract.checks.model import CheckFailedError

_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; header names in lower case, in the order of their arrival. `request` names what was asked."""

    request: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def values(self, name: str) -> list[str]:
        """All values of the header, by lower-case name."""
        return [value for key, value in self.headers if key == name]

    def header(self, name: str) -> str:
        """The one value of the header, by lower-case name.

        Raises:
            CheckFailedError: the header is missing or repeated.
        """
        values = self.values(name)
        if len(values) != 1:
            raise CheckFailedError(f"{self.request}: expected one header {name}, saw {values}.")
        return values[0]


class Wire:
    """A TCP connection to the target on which octets are sent as they are."""

    def __init__(self, base_url: str, *, timeout: float = 5) -> None:
        """Connect.

        Args:
            base_url: `http://host:port`.
            timeout: seconds that a single send or receive may take.

        Raises:
            OSError: nothing listens there.
        """
        parts = urlsplit(base_url)
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 80), timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def send(self, octets: bytes) -> None:
        """Send octets.

        Raises:
            OSError: the connection is closed, or took nothing for the time-out.
        """
        self._socket.sendall(octets)

    def send_if_open(self, octets: bytes) -> None:
        """Send octets; a connection that the other side has closed takes none, which is no error."""
        try:
            self._socket.sendall(octets)
        except ConnectionError:
            return

    def rest(self, seconds: float) -> bytes | None:
        """Read what comes until the other side closes the connection; None if it sends nothing and stays open.

        Args:
            seconds: how long to wait for each piece.
        """
        self._socket.settimeout(seconds)
        try:
            while self._receive():
                pass
        except TimeoutError:
            return self._received or None
        return self._received

    def is_closed_within(self, seconds: float) -> bool:
        """Tell whether the other side closes the connection within the time; what it sends meanwhile is dropped."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                if not self._receive():
                    return True
            except TimeoutError:
                return False
        return False

    def await_octets(self, octets: bytes) -> None:
        """Read until these octets have come, and leave them for `answer`.

        Raises:
            CheckFailedError: they didn't come before the end, or for the time-out.
        """
        while octets not in self._received:
            try:
                if self._receive():
                    continue
                saw = "the end"
            except TimeoutError:
                saw = "nothing more"
            raise CheckFailedError(f"expected {octets!r}, saw {self._received[:200]!r} and then {saw}.")

    def answer(self, request: str) -> Answer | None:
        """Read one answer; None if the connection is closed instead.

        Args:
            request: what was asked; begins with its method, on which the presence of a body depends.

        Raises:
            CheckFailedError: the octets are no HTTP answer.
            TimeoutError: nothing came for the time-out.
        """
        while b"\r\n\r\n" not in self._received:
            if not self._receive():
                if self._received:
                    raise CheckFailedError(
                        f"{request}: expected an answer, saw {self._received[:200]!r} and then the end."
                    )
                return None
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        status_line, *fields = head.decode("latin-1").split("\r\n")
        version, _, rest = status_line.partition(" ")
        if not version.startswith("HTTP/1.") or not rest[:3].isdigit():
            raise CheckFailedError(f"{request}: expected a status line, saw {status_line!r}.")
        status = int(rest[:3])
        pairs = (field.partition(":") for field in fields)
        headers = tuple((name.lower(), value.strip(" \t")) for name, _, value in pairs)
        if status == 100:
            return self.answer(request)
        body = self._body(request, status, dict(headers))
        return Answer(request=request, status=status, headers=headers, body=body)

    def require_answer(self, request: str) -> Answer:
        """Read one answer, as `answer` does.

        Raises:
            CheckFailedError: the octets are no HTTP answer, or the connection was closed instead.
            TimeoutError: nothing came for the time-out.
        """
        answer = self.answer(request)
        if answer is None:
            raise CheckFailedError(f"{request}: expected an answer, saw the connection closed.")
        return answer

    def _body(self, request: str, status: int, headers: dict[str, str]) -> bytes:
        if request.startswith("HEAD ") or status in {204, 304}:
            return b""
        if "transfer-encoding" in headers:
            raise CheckFailedError(f"{request}: expected a Content-Length, saw a chunked answer.")
        length = headers.get("content-length")
        if length is None:
            while self._receive():
                pass
            body, self._received = self._received, b""
            return body
        while len(self._received) < int(length):
            if not self._receive():
                raise CheckFailedError(
                    f"{request}: expected {length} octets of body, saw {len(self._received)} of them."
                )
        body, self._received = self._received[: int(length)], self._received[int(length) :]
        return body

    def _receive(self) -> bool:
        try:
            octets = self._socket.recv(_CHUNK)
        except ConnectionError:
            return False
        self._received += octets
        return bool(octets)


def request_octets(request_line: str, *, headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    """Write an HTTP/1.1 request: `Host`, the headers as given, `Content-Length` if there is a body, and the body."""
    fields = {"Host": "fairground.test"} | (headers or {}) | ({"Content-Length": str(len(body))} if body else {})
    lines = (f"{request_line} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", "")
    return "\r\n".join(lines).encode() + body
