"""A client that notices everything: it sends octets as they are and tells what became of them."""

import socket
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from apis.contract.checks.wire import Answer

_CHUNK = 65_536
LONGEST = 20.0
"""Seconds until an answer counts as missing: above all of the contract's own time-outs."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request.

    `answered` has an `answer`; `closed` means that the connection ended before one octet of it; `silent` that nothing
    came in time; `broken` that what came is no HTTP answer, or was cut off: `detail` tells how.
    """

    kind: Literal["answered", "closed", "silent", "broken"]
    answer: Answer | None = None
    detail: str = ""

    @property
    def status(self) -> int | None:
        return None if self.answer is None else self.answer.status

    def __str__(self) -> str:
        if self.answer is None:
            return f"{self.kind} {self.detail}".strip()
        headers = "; ".join(f"{name}: {value}" for name, value in self.answer.headers)
        return f"{self.answer.status} [{headers}] {self.answer.body[:1_000]!r}"


class _BrokenError(Exception):
    pass


class Line:
    """A connection to an implementation, made anew whenever the last one has ended."""

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        self._address = (parts.hostname or "", parts.port or 80)
        self._socket: socket.socket | None = None
        self._received = b""

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def exchange(
        self,
        octets: bytes,
        *,
        head: bool = False,
        malformed: bool = False,
        is_open: bool = False,
        seconds: float = LONGEST,
    ) -> Outcome:
        """Send octets over the connection and read the one answer.

        Args:
            octets: the request.
            head: whether it is a HEAD, whose answer has no body.
            malformed: whether it may be refused before it is known to be a HEAD, with a body then.
            is_open: whether some may find the end of the request earlier, and take the rest for another one.
            seconds: how long each receive may take.
        """
        connection = self._open(seconds)
        try:
            connection.sendall(octets)
        except TimeoutError:
            self.close()
            return Outcome("broken", detail="the request was not taken in time")
        except ConnectionError:
            pass  # It was refused while it was sent; the answer may be there nevertheless.
        try:
            answer = self._answer(connection, head=head)
        except TimeoutError:
            outcome = Outcome("broken", detail=f"cut off: {self._received[:200]!r}") if self._received else None
            self.close()
            return outcome or Outcome("silent")
        except _BrokenError as error:
            self.close()
            return Outcome("broken", detail=str(error))
        if answer is None:
            self.close()
            return Outcome("closed")
        if self._received and not (is_open or (head and malformed and b"HTTP/1." not in self._received)):
            surplus = self._received
            self.close()
            return Outcome("broken", detail=f"{answer.status}, and behind its answer {surplus[:200]!r}")
        if any(name == "connection" and value.lower() == "close" for name, value in answer.headers):
            self.close()
        return Outcome("answered", answer)

    def _open(self, seconds: float) -> socket.socket:
        if self._socket is None:
            self._received = b""
            self._socket = socket.create_connection(self._address, seconds)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(seconds)
        return self._socket

    def _answer(self, connection: socket.socket, *, head: bool) -> Answer | None:
        while True:
            while b"\r\n\r\n" not in self._received:
                if not self._receive(connection):
                    if self._received:
                        raise _BrokenError(f"an answer cut off: {self._received[:200]!r}")
                    return None
            lines, _, self._received = self._received.partition(b"\r\n\r\n")
            status, headers = _parse_head(lines)
            if status != 100:
                return Answer("", status, headers, self._body(connection, status, headers, head=head))

    def _body(
        self, connection: socket.socket, status: int, headers: tuple[tuple[str, str], ...], *, head: bool
    ) -> bytes:
        if head or status in {204, 304}:
            return b""
        lengths = [value for name, value in headers if name == "content-length"]
        if any(name == "transfer-encoding" for name, _ in headers):
            raise _BrokenError(f"{status} with a Transfer-Encoding")
        if not lengths:
            while self._receive(connection):
                pass
            body, self._received = self._received, b""
            return body
        if len(lengths) > 1 or not lengths[0].isdecimal():
            raise _BrokenError(f"{status} with the Content-Length {lengths}")
        length = int(lengths[0])
        while len(self._received) < length:
            if not self._receive(connection):
                raise _BrokenError(f"{status} with {len(self._received)} of {length} octets of body")
        body, self._received = self._received[:length], self._received[length:]
        return body

    def _receive(self, connection: socket.socket) -> bool:
        try:
            octets = connection.recv(_CHUNK)
        except ConnectionError:
            return False
        self._received += octets
        return bool(octets)


def _parse_head(octets: bytes) -> tuple[int, tuple[tuple[str, str], ...]]:
    status_line, *fields = octets.decode("latin-1").split("\r\n")
    version, _, rest = status_line.partition(" ")
    if not version.startswith("HTTP/1.") or not rest[:3].isdigit():
        raise _BrokenError(f"no status line: {status_line[:100]!r}")
    pairs = (field.partition(":") for field in fields)
    return int(rest[:3]), tuple((name.lower(), value.strip(" \t")) for name, _, value in pairs)
