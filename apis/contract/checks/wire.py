"""Requests and forms as octets, where a client library would normalise them, and the answers to them."""

import socket
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import h11

from apis.contract.checks.model import CheckFailedError

_CHUNK = 65_536

BOUNDARY = "fairground-boundary-7MA4YWxkTrZu0gW"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
KINDS = {
    "image/png": PNG,
    "image/jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(range(256)),
    "image/webp": b"RIFF\x24\x01\x00\x00WEBPVP8 " + bytes(range(256)),
    "application/pdf": b"%PDF-1.7\n" + bytes(range(256)),
}
"""A file of each type that is taken."""

MAXIMUM = 2 * 1024 * 1024
"""Bytes that a file may have."""


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
        """The one value of the header, by lower-case name; it must be there once."""
        values = self.values(name)
        if len(values) != 1:
            raise CheckFailedError(f"{self.request}: expected one header {name}, saw {values}.")
        return values[0]

    @property
    def media_type(self) -> str:
        """The type in `Content-Type`, without parameters, in lower case; empty where there is none."""
        return ", ".join(self.values("content-type")).partition(";")[0].strip().lower()


class Wire:
    """A TCP connection to the target on which octets are sent as they are."""

    def __init__(self, base_url: str, *, timeout: float = 5) -> None:
        """Connect to `http://host:port`; a single send or receive may take `timeout` seconds."""
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
        """Send octets over a connection that must be open."""
        self._socket.sendall(octets)

    def send_if_open(self, octets: bytes) -> None:
        """Send octets. A connection that the other side has closed isn't an error."""
        with suppress(ConnectionError):
            self._socket.sendall(octets)

    def answer(self, request: str) -> Answer | None:
        """Read one answer to a request, whose name begins with its method; None if it is closed instead."""
        reader = h11.Connection(h11.CLIENT)
        method = "HEAD" if request.startswith("HEAD ") else "GET"
        reader.send(h11.Request(method=method, target="/", headers=[("Host", "fairground.test")]))
        reader.send(h11.EndOfMessage())
        head: h11.Response | None = None
        body = b""
        octets, self._received = self._received, b""
        has_begun = bool(octets)
        try:
            if octets:
                reader.receive_data(octets)
            while not isinstance(event := reader.next_event(), h11.EndOfMessage):
                if event is h11.NEED_DATA:
                    octets = self._read()
                    if not octets and not has_begun:
                        return None
                    has_begun = True
                    reader.receive_data(octets)
                elif isinstance(event, h11.Response):
                    head = event
                elif isinstance(event, h11.Data):
                    body += event.data
        except h11.RemoteProtocolError as error:
            raise CheckFailedError(f"{request}: expected an answer of HTTP/1.1: {error}.") from error
        self._received = reader.trailing_data[0]
        if head is None:
            raise CheckFailedError(f"{request}: expected an answer, saw an end without one.")
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers)
        return Answer(request=request, status=head.status_code, headers=headers, body=body)

    def require_answer(self, request: str) -> Answer:
        """Read one answer, as `answer` does; it must come."""
        answer = self.answer(request)
        if answer is None:
            raise CheckFailedError(f"{request}: expected an answer, saw the connection closed.")
        return answer

    def rest(self, seconds: float) -> bytes | None:
        """What comes until the end, or until nothing comes for so long; None if that is nothing and it stays open."""
        self._socket.settimeout(seconds)
        try:
            while self._receive():
                pass
        except TimeoutError:
            return self._received or None
        return self._received

    def _receive(self) -> bool:
        octets = self._read()
        self._received += octets
        return bool(octets)

    def _read(self) -> bytes:
        try:
            return self._socket.recv(_CHUNK)
        except ConnectionError:
            return b""


def request_octets(request_line: str, *, headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    """Write an HTTP/1.1 request: `Host`, the headers as given, `Content-Length` if there is a body, and the body."""
    fields = {"Host": "fairground.test"} | (headers or {}) | ({"Content-Length": str(len(body))} if body else {})
    lines = (f"{request_line} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", "")
    return "\r\n".join(lines).encode() + body


@dataclass(frozen=True, slots=True)
class Part:
    """A part: its content and the values of its headers; a header that is None is left out."""

    content: bytes
    disposition: str | None = 'form-data; name="file"; filename="picture.png"'
    content_type: str | None = "image/png"

    def encode(self) -> bytes:
        """Write the part as it is between two delimiters."""
        headers = ""
        if self.disposition is not None:
            headers += f"Content-Disposition: {self.disposition}\r\n"
        if self.content_type is not None:
            headers += f"Content-Type: {self.content_type}\r\n"
        return headers.encode() + b"\r\n" + self.content


def multipart(*parts: Part, closed: bool = True) -> bytes:
    """Write a body of these parts; not `closed`, it lacks the delimiter at the end."""
    delimiter = f"--{BOUNDARY}".encode()
    body = b"".join(delimiter + b"\r\n" + part.encode() + b"\r\n" for part in parts)
    return body + (delimiter + b"--\r\n" if closed else b"")


def named(filename: str, name: str = "file") -> str:
    """The disposition of a part that has a file's name."""
    return f'form-data; name="{name}"; filename="{filename}"'
