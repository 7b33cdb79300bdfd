"""Bodies of multipart/form-data, written by hand so that they can be wrong in exactly one place."""

from dataclasses import dataclass

BOUNDARY = "fairground-boundary-7MA4YWxkTrZu0gW"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(range(256))
WEBP = b"RIFF\x24\x01\x00\x00WEBPVP8 " + bytes(range(256))
PDF = b"%PDF-1.7\n" + bytes(range(256))

MAXIMUM = 2 * 1024 * 1024
"""Octets that a file may have."""

BODY_MAXIMUM = MAXIMUM + 64 * 1024
"""Octets that an upload's body may have."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part: its content and the values of its headers; a header that is None is left out."""

    content: bytes
    disposition: str | None = 'form-data; name="file"; filename="picture.png"'
    content_type: str | None = "image/png"

    def encode(self) -> bytes:
        """Write the part as it stands between two delimiters."""
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
