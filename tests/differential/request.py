"""Requests as they are sent, part by part or as octets that need not be HTTP at all."""

from dataclasses import dataclass
from itertools import pairwise

Field = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Request:
    """A request in its parts. `cuts` are the places at which a chunked body is cut; None means Content-Length."""

    method: bytes
    target: bytes
    fields: tuple[Field, ...] = ()
    body: bytes | None = None
    cuts: tuple[int, ...] | None = None

    @property
    def path(self) -> bytes:
        return self.target.partition(b"?")[0]

    @property
    def query(self) -> bytes:
        return self.target.partition(b"?")[2]

    def values(self, name: bytes) -> list[bytes]:
        """The values of all fields of that name, by lower-case name, without spaces and tabs around them."""
        return [value.strip(b" \t") for key, value in self.fields if key.lower() == name]

    def octets(self) -> bytes:
        """The request as it goes over the wire."""
        fields = list(self.fields)
        if not self.values(b"host"):
            fields.insert(0, (b"Host", b"fairground.test"))
        body = self.body
        if body is not None and self.cuts is not None:
            fields.append((b"Transfer-Encoding", b"chunked"))
            body = _chunked(body, self.cuts)
        elif body is not None and not self.values(b"content-length"):
            fields.append((b"Content-Length", b"%d" % len(body)))
        lines = (b"%s %s HTTP/1.1" % (self.method, self.target), *(b"%s: %s" % field for field in fields), b"", b"")
        return b"\r\n".join(lines) + (body or b"")


@dataclass(frozen=True, slots=True)
class RawRequest:
    """Octets that are sent over a connection of their own."""

    sent: bytes

    @property
    def method(self) -> bytes:
        return self.sent.partition(b" ")[0]

    def octets(self) -> bytes:
        return self.sent


def _chunked(body: bytes, cuts: tuple[int, ...]) -> bytes:
    places = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    chunks = (body[start:end] for start, end in pairwise(places))
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
