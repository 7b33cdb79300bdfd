"""Uploads, read from front to back as they arrive: the first breach decides, and nothing behind it is read."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from fifth.disposition import read_disposition
from fifth.problems import bad_file_type, bad_upload, large_file

LARGEST_BODY = 2_162_688
_LARGEST_FILE = 2_097_152
_LARGEST_HEAD = 8_192
_BEGINNING = 12
"""Octets by which the type of a file is told."""

_VALUE = r'(?:"(?:[^"\\]|\\.)*"|[^"; \t]*)'
_BOUNDARY = re.compile(
    rf"""[^;]*(?:;[ \t]*(?!boundary=)[^=;" \t]+={_VALUE}[ \t]*)*"""
    r""";[ \t]*boundary=(?:"([^"\\]{1,70})"|([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,70}))[ \t]*(?:;.*)?""",
    re.IGNORECASE | re.DOTALL,
)
_TYPES = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"%PDF-"), "application/pdf"),
)

_Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class File:
    """The file of an upload: its name as it was sent, its type, and its content, to be read once."""

    filename: str
    content_type: str
    content: AsyncIterator[bytes]


def read_boundary(content_type: str) -> bytes:
    """What the delimiters of a body are made of, from its request's `Content-Type`.

    Raises:
        Problem: there is no such parameter, or it isn't 1 to 70 characters.
    """
    found = _BOUNDARY.fullmatch(content_type)
    if found is None:
        raise bad_upload()
    return (found[1] or found[2]).encode("latin-1")


class Upload:
    """A body that is read once: its file, all of that one's content, and then the rest."""

    def __init__(self, chunks: AsyncIterator[bytes], boundary: bytes) -> None:
        self._chunks = chunks
        self._delimiter = b"\r\n--" + boundary
        # The first delimiter may stand at the very beginning. So may one behind the empty line that ends the headers:
        # that line's end is left in the buffer.
        self._buffer = bytearray(b"\r\n")
        self._octets = 0

    async def file(self) -> File:
        """Read as far as the beginning of the content of the part named `file`.

        Raises:
            Problem: the body breaks a rule before, or that beginning does.
        """
        await self._skip_content()
        while (headers := await self._headers()) is not None:
            parameters = _disposition(headers)
            if parameters.get("name") == "file":
                return await self._begin(headers, parameters.get("filename"))
            await self._skip_content()
        raise bad_upload()

    async def finish(self) -> None:
        """Read what is behind the file's content.

        Raises:
            Problem: there is another file, the closing delimiter never comes, or the body is too large.
        """
        while (headers := await self._headers()) is not None:
            if _disposition(headers).get("name") == "file":
                raise bad_upload()
            await self._skip_content()
        # The epilogue says nothing.
        async for chunk in self._chunks:
            self._count(chunk)

    async def _begin(self, headers: _Headers, filename: str | None) -> File:
        if not filename:
            raise bad_upload()
        pieces = self._content()
        beginning = b""
        while len(beginning) < _BEGINNING and (piece := await anext(pieces, None)) is not None:
            beginning += piece
        content_type = next((name for start, name in _TYPES if start.match(beginning)), None)
        declared = _first(headers, "content-type")
        if content_type is None or (
            declared is not None and declared.partition(";")[0].strip(" \t").lower() != content_type
        ):
            raise bad_file_type()
        return File(filename, content_type, _limited(beginning, pieces))

    async def _headers(self) -> _Headers | None:
        """Behind a delimiter: the headers of the part that follows, names in small letters; None behind the last one.

        Raises:
            Problem: there is neither.
        """
        await self._fill(2)
        if self._buffer.startswith(b"--"):
            return None
        head = bytes(await self._take_head())
        blanks, _, lines = head.partition(b"\r\n")
        if blanks.strip(b" \t"):
            raise bad_upload()
        headers: _Headers = []
        for line in lines.decode("latin-1").split("\r\n") if lines else []:
            name, colon, value = line.partition(":")
            if not colon or not name:
                raise bad_upload()
            headers.append((name.lower(), value.strip(" \t")))
        return headers

    async def _take_head(self) -> bytearray:
        """All as far as the empty line, whose end stays."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > _LARGEST_HEAD:
                raise bad_upload()
            await self._fill(len(self._buffer) + 1)
        if end > _LARGEST_HEAD:
            raise bad_upload()
        head = self._buffer[:end]
        del self._buffer[: end + 2]
        return head

    async def _skip_content(self) -> None:
        async for _ in self._content():
            pass

    async def _content(self) -> AsyncIterator[bytes]:
        """What precedes the next delimiter, piece by piece; at the end that is taken away, too.

        Raises:
            Problem: the body ends before.
        """
        while self._delimiter.startswith(self._buffer):
            if len(self._buffer) == len(self._delimiter):
                break
            await self._fill(len(self._buffer) + 1)
        if not self._buffer.startswith(self._delimiter):
            del self._buffer[:2]
        while (end := self._buffer.find(self._delimiter)) < 0:
            if ready := len(self._buffer) - self._begun():
                yield bytes(self._buffer[:ready])
                del self._buffer[:ready]
            await self._fill(len(self._buffer) + 1)
        if end:
            yield bytes(self._buffer[:end])
        del self._buffer[: end + len(self._delimiter)]

    def _begun(self) -> int:
        """How many octets at the buffer's end may be the beginning of a delimiter."""
        longest = min(len(self._buffer), len(self._delimiter) - 1)
        return next((count for count in range(longest, 0, -1) if self._delimiter.startswith(self._buffer[-count:])), 0)

    async def _fill(self, octets: int) -> None:
        """Have so many octets in the buffer.

        Raises:
            Problem: the body ends before, or is too large.
        """
        while len(self._buffer) < octets:
            chunk = await anext(self._chunks, None)
            if chunk is None:
                raise bad_upload()
            self._count(chunk)
            self._buffer += chunk

    def _count(self, chunk: bytes) -> None:
        self._octets += len(chunk)
        if self._octets > LARGEST_BODY:
            raise large_file()


async def _limited(beginning: bytes, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The whole content, whose beginning was read already."""
    size = len(beginning)
    yield beginning
    async for piece in pieces:
        size += len(piece)
        if size > _LARGEST_FILE:
            raise large_file()
        yield piece


def _disposition(headers: _Headers) -> dict[str, str]:
    header = _first(headers, "content-disposition")
    parameters = None if header is None else read_disposition(header)
    if parameters is None:
        raise bad_upload()
    return parameters


def _first(headers: _Headers, name: str) -> str | None:
    return next((value for found, value in headers if found == name), None)
