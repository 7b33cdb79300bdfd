"""Section 9 of the contract: what comes of the body of an upload, as a reader finds it from front to back."""

import re
from dataclasses import dataclass

from apis.contract.checks.problems import BAD_FILE_TYPE, BAD_UPLOAD, LARGE_FILE, Problem
from tests.differential.model.expectation import NotComparedError

BODY_MAXIMUM = 2_162_688
_FILE_MAXIMUM = 2_097_152
_HEADERS_MAXIMUM = 4_096
_PREFIX = 12

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]"
_PLAIN_PARAMETERS = re.compile(rb'(?:[ \t]*;[ \t]*%s+=(?:%s*|"[^"\\]*"))*' % (_TOKEN, _TOKEN))
_PARAMETER = re.compile(rb';[ \t]*(%s+)=("[^"\\]*"|%s*)' % (_TOKEN, _TOKEN))
_FIELD = re.compile(rb"(%s+):([\t\x20-\x7e\x80-\xff]*)" % _TOKEN)
_DISPOSITION = re.compile(
    rb'[ \t]*;[ \t]*([^=;" \t]+)=(?:"((?:[^"\\]|\\.)*)"|([^; \t"][^; \t]*|))(?=[; \t]|$)', re.DOTALL
)


class BreachError(Exception):
    """The first breach in a body."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


@dataclass(frozen=True)
class Upload:
    """A file that is taken."""

    filename: str
    content_type: str
    content: bytes


def read_upload(content_type: bytes, body: bytes, *, declared: bool) -> Upload:
    """Read an upload whose Content-Type is multipart/form-data.

    Args:
        content_type: the field's value.
        body: all of it.
        declared: whether its length is known from the beginning.

    Raises:
        BreachError: it is refused.
        NotComparedError: the contract leaves open what comes of it.
    """
    if declared and len(body) > BODY_MAXIMUM:
        raise BreachError(LARGE_FILE)
    delimiter = b"--" + _boundary(content_type)
    cut = body[: BODY_MAXIMUM + 1]
    if re.search(rb"(?<!\r)\n" + re.escape(delimiter), cut):
        raise NotComparedError  # A bare LF ahead of a delimiter may be taken for a line end.
    reader = _Reader(cut, delimiter, BAD_UPLOAD if len(body) <= BODY_MAXIMUM else LARGE_FILE)
    found: Upload | None = None
    while reader.next_part():
        headers = reader.headers()
        about = parse_disposition(headers.get(b"content-disposition"))
        if about.get(b"name") != b"file":
            reader.content()
            continue
        filename = about.get(b"filename", b"")
        if found is not None or not filename:
            raise BreachError(BAD_UPLOAD)
        found = _file(reader, filename, headers.get(b"content-type"))
    if found is None:
        raise BreachError(BAD_UPLOAD)
    return found


def _file(reader: "_Reader", filename: bytes, declared: bytes | None) -> Upload:
    kind = detected(reader.prefix())
    if kind is None or (declared is not None and declared.partition(b";")[0].strip(b" \t").lower() != kind.encode()):
        raise BreachError(BAD_FILE_TYPE)
    content = reader.content(limit=_FILE_MAXIMUM)
    return Upload(safe_name(filename), kind, content)


def _boundary(content_type: bytes) -> bytes:
    _, semicolon, rest = content_type.partition(b";")
    parameters = semicolon + rest
    if not _PLAIN_PARAMETERS.fullmatch(parameters.rstrip(b" \t")):
        raise NotComparedError
    boundaries = [value for name, value in _PARAMETER.findall(parameters) if name.lower() == b"boundary"]
    if len(boundaries) > 1:
        raise NotComparedError
    boundary = boundaries[0].strip(b'"') if boundaries else b""
    if not 1 <= len(boundary) <= 70:
        raise BreachError(BAD_UPLOAD)
    if not re.fullmatch(rb"[0-9A-Za-z'()+_,./:=? -]*[0-9A-Za-z'()+_,./:=?-]", boundary):
        raise NotComparedError  # RFC 2046 has no such boundary.
    return boundary


class _Reader:
    """Goes through a body from delimiter to delimiter; `end` is the breach where it ends too early."""

    def __init__(self, body: bytes, delimiter: bytes, end: Problem) -> None:
        self._body = body
        self._delimiter = delimiter
        self._end = end
        self._place = -1  # Behind the last delimiter; at first, none was found.

    def next_part(self) -> bool:
        """Go behind the next delimiter; false if it is the closing one."""
        if self._place < 0:
            start = 0 if self._body.startswith(self._delimiter) else self._find(0) + 2
            self._place = start + len(self._delimiter)
        rest = self._body[self._place : self._place + 2]
        if rest == b"\r\n":
            self._place += 2
            return True
        if rest == b"--":
            behind = self._body[self._place + 2 : self._place + 4]
            if behind not in {b"", b"\r\n"}:
                raise NotComparedError
            return False
        if len(rest) < 2:
            raise BreachError(self._end)
        raise NotComparedError  # Blanks behind a delimiter, or a longer word: RFC 2046 leaves it to the reader.

    def headers(self) -> dict[bytes, bytes]:
        """The first field of each name, by lower-case name."""
        if self._body[self._place : self._place + 2] == b"\r\n":
            self._place += 2
            return {}
        end = self._body.find(b"\r\n\r\n", self._place)
        # A delimiter among the headers, or none of their end: a reader may notice one or the other first.
        if end < 0 or self._delimiter in self._body[self._place : end]:
            self._refuse_unless_open(self._body[self._place :])
            raise BreachError(self._end)
        if end - self._place > _HEADERS_MAXIMUM - 64:
            raise NotComparedError
        lines = self._body[self._place : end].split(b"\r\n")
        self._place = end + 4
        fields: dict[bytes, bytes] = {}
        for line in lines:
            match = _FIELD.fullmatch(line)
            if match is None:
                raise NotComparedError  # Folded, without a colon, with control characters: readers differ.
            fields.setdefault(match[1].lower(), match[2].strip(b" \t"))
        return fields

    def _refuse_unless_open(self, rest: bytes) -> None:
        if self._delimiter in rest or len(rest) > _HEADERS_MAXIMUM - 64 or b"\n" in rest.replace(b"\r\n", b""):
            raise NotComparedError

    def prefix(self) -> bytes:
        """The first octets of the content."""
        end = self._body.find(b"\r\n" + self._delimiter, self._place)
        if end < 0:
            left = len(self._body) - self._place
            if left < _PREFIX:
                raise BreachError(self._end)
            if left < _PREFIX + len(self._delimiter) + 4:
                raise NotComparedError  # What was read may be the beginning of a delimiter.
            end = len(self._body)
        elif end - self._place < _PREFIX and self._body[end + 2 + len(self._delimiter) :] in {b"", b"-", b"\r"}:
            raise NotComparedError  # A delimiter that is cut off: whether the content ends there is left to the reader.
        return self._body[self._place : min(end, self._place + _PREFIX)]

    def content(self, *, limit: int | None = None) -> bytes:
        """The content up to the next delimiter, and go behind that one."""
        end = self._body.find(b"\r\n" + self._delimiter, self._place)
        length = (len(self._body) if end < 0 else end) - self._place
        if limit is not None and length > limit:
            raise BreachError(LARGE_FILE)
        if end < 0:
            raise BreachError(self._end)
        content = self._body[self._place : end]
        self._place = end + 2 + len(self._delimiter)
        return content

    def _find(self, start: int) -> int:
        end = self._body.find(b"\r\n" + self._delimiter, start)
        if end < 0:
            if self._delimiter in self._body or b"\n" + self._delimiter in self._body:
                raise NotComparedError
            raise BreachError(self._end)
        return end


def parse_disposition(header: bytes | None) -> dict[bytes, bytes]:
    """The first of each parameter of a Content-Disposition.

    Raises:
        BreachError: it is missing, or not of the form.
    """
    if header is None:
        raise BreachError(BAD_UPLOAD)
    kind, semicolon, rest = header.partition(b";")
    if kind.strip(b" \t").lower() != b"form-data":
        raise BreachError(BAD_UPLOAD)
    rest = (semicolon + rest).rstrip(b" \t")
    parameters: dict[bytes, bytes] = {}
    while rest:
        match = _DISPOSITION.match(rest)
        if match is None:
            raise BreachError(BAD_UPLOAD)
        quoted, plain = match[2], match[3]
        value = plain if quoted is None else re.sub(rb"\\(.)", rb"\1", quoted, flags=re.DOTALL)
        parameters.setdefault(match[1].lower(), value)
        rest = rest[match.end() :]
    return parameters


def safe_name(filename: bytes) -> str:
    """The safe file name."""
    name = re.split(rb"[/\\]", filename)[-1]
    name = re.sub(rb"[^A-Za-z0-9._-]+", b"_", name).lstrip(b".")[:100]
    return name.decode() or "file"


def detected(prefix: bytes) -> str | None:
    """The type that the first octets tell."""
    if prefix.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if prefix.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if prefix.startswith(b"RIFF") and prefix[8:12] == b"WEBP":
        return "image/webp"
    if prefix.startswith(b"%PDF-"):
        return "application/pdf"
    return None
