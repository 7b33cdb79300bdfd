"""Uploads and downloads: bodies of multipart/form-data, right ones and wrong ones."""

from dataclasses import dataclass

from hypothesis import strategies as st

from apis.contract.checks.multipart import JPEG, PDF, PNG, WEBP
from tests.differential.strategies import tokens
from tests.differential.strategies.tokens import Authorization
from tests.differential.template import Field, Template

_BOUNDARIES = [b"b", b"X-0123456789", b"a'()+_,./:=?z", b"--", b"-" * 70, b"boundary with blanks"]


@dataclass(frozen=True)
class _Part:
    disposition: bytes | None
    content_type: bytes | None
    content: bytes
    more: bytes = b""

    def encode(self) -> bytes:
        fields = b"" if self.disposition is None else b"Content-Disposition: " + self.disposition + b"\r\n"
        fields += b"" if self.content_type is None else b"Content-Type: " + self.content_type + b"\r\n"
        return fields + self.more + b"\r\n" + self.content


_NAMES = [
    b"a.png",
    b"../../etc/passwd",
    b"C:\\\\temp\\\\a b.png",
    b".htaccess",
    b"..",
    b"/",
    b"a/",
    b"Zo\xc3\xab (1).jpg",
    b"\xff\xfe",
    b"n" * 200,
    b"",
    b'a\\"b',
    b"a%2e%2e%2fb",
    b"a;b=c",
    b"-rf",
    b"CON",
    b"\xe2\x80\xae.png",
    b"....a",
    b"a\\\\",
    b" ",
    b"~",
    b"\\a\\b\\c",
    b"$(id)",
    b"a\tb",
    b"." * 120,
    b"\xc3\xa9" * 120,
    b"a" * 99 + b"\xc3\xa9b",
    b"_",
    b"a\\\\..\\\\b",
]

_named = st.sampled_from(_NAMES).map(lambda name: b'form-data; name="file"; filename="' + name + b'"')

_dispositions = st.sampled_from(
    [
        b"form-data; name=file; filename=a.png",
        b"FORM-DATA;NAME=file;\tFileName=a.png",
        b'form-data; name="file"; filename=a+b.png ; x=y',
        b'form-data;name="file";filename="a.png";name="x"',
        b'form-data; name="x"; name="file"; filename="a.png"',
        b'form-data ;\t name="file"\t; filename="a.png" \t',
        b'form-data; filename="a.png"; name="file"',
        b'form-data; name="fi\\le"; filename="a.png"',
        b"form-data; name=file; filename=",
        b"form-data; name=file; filename",
        b'form-data; name="file"; filename="a.png',
        b'form-data; name="file"; filename="a.png"x',
        b'form-data; name="file"; filename=a"b.png',
        b"form-data; name=\"file\"; filename*=UTF-8''a.png",
        b'form-data; name="file"; filename*=UTF-8\'\'b.png; filename="a.png"',
        b'form-data; name="file" filename="a.png"',
        b'form-data; name = "file"; filename="a.png"',
        b'form-data; ; name="file"; filename="a.png"',
        b'form-data; name="file"; filename="a.png";',
        b'attachment; name="file"; filename="a.png"',
        b"form-data",
        b"",
        b";",
        b'form-data; name="file"',
        b'form-data; name="File"; filename="a.png"',
        b'form-data; name=""; filename="a.png"',
        b'form-data; filename="a.png"',
        b'form-data; name="file\\"; filename="a.png"',
        b'form-data; name="file"; filename="a\\',
        b"form-data; name=f\xc3\xafle; filename=a",
        b"form-data; name=file; filename=\xf0\x9f\x98\x80",
        b"form-data, name=file; filename=a",
        b"form-data; name=file, filename=a",
    ]
)

_kinds = st.sampled_from(
    [
        (b"image/png", PNG),
        (b"image/jpeg", JPEG),
        (b"image/webp", WEBP),
        (b"application/pdf", PDF),
        (b"image/png", PNG[:8]),
        (b"image/jpeg", JPEG[:3]),
        (b"image/webp", WEBP[:12]),
        (b"application/pdf", PDF[:5]),
        (b"image/png", PNG + b"\r\n--\r\n--not the boundary\r\n"),
        (b"image/png", PNG + b"<?php system($_GET[0]); ?><script>alert(1)</script>"),
        (b"application/pdf", PDF + b"PK\x03\x04" + bytes(40)),
        (b"image/jpeg", b"\xff\xd8\xff\xfe/*" + PDF),
        (b"image/png", PNG + b"\r\n" * 40),
        (b"image/png", PNG + b"-" * 300),
    ]
)

_bad_contents = st.sampled_from(
    [
        b"",
        b"GIF89a" + bytes(20),
        PNG[:7],
        b"\x00" + PNG,
        WEBP[:11],
        WEBP[:8] + b"WAVE" + bytes(9),
        b"%PDF",
        b"<svg/>",
        b"MZ" * 9,
        b"\xef\xbb\xbf" + PDF,
        b"\r\n" + PNG,
        b" %PDF-1.7",
        b"\xff\xd8",
        b"RIFF",
        b"#!/bin/sh\nid\n",
        b"PK\x03\x04" + PNG,
    ]
)

_types = st.sampled_from(
    [
        None,
        b"IMAGE/PNG",
        b"image/png; charset=binary",
        b" image/png\t",
        b"image/jpeg",
        b"",
        b"text/html",
        b"image/pngx",
        b"image/png,",
        b"application/octet-stream",
        b"image/ png",
        b"image/webp",
        b"application/pdf",
    ]
)

_more = st.sampled_from(
    [b""] * 6
    + [
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Transfer-Encoding: quoted-printable\r\n",
        b"X-A: b\r\nx-a: c\r\n",
        b'Content-Disposition: form-data; name="other"\r\n',
        b"Content-Type: text/plain\r\n",
        b"X-Long: " + b"x" * 3_000 + b"\r\n",
        b"X-Empty:\r\n",
        b"Content-Length: 5\r\n",
    ]
)


def _good(disposition: bytes, kind: tuple[bytes, bytes], more: bytes) -> _Part:
    return _Part(disposition, kind[0], kind[1], more)


_good_parts = st.builds(_good, _named, _kinds, st.just(b""))
_parts = (
    _good_parts
    | st.builds(_good, _dispositions | _named, _kinds, _more)
    | st.builds(_Part, _named | _dispositions, _types, _kinds.map(lambda kind: kind[1]) | _bad_contents, _more)
    | st.builds(
        _Part,
        st.sampled_from([b'form-data; name="note"', b"form-data;name=a", None]),
        st.none(),
        st.binary(max_size=30),
    )
)

_preambles = st.sampled_from([b""] * 8 + [b"preamble\r\n", b"\r\n", b"--\r\n", b"two\r\nlines\r\n", b"without end"])
_ends = st.sampled_from([b"--\r\n"] * 10 + [b"--", b"--\r\nepilogue", b"", b"\r\n", b"-", b"--\r\n\r\n--b\r\n"])


def _body(boundary: bytes, parts: list[_Part], preamble: bytes, end: bytes) -> bytes:
    delimiter = b"--" + boundary
    return preamble + b"".join(delimiter + b"\r\n" + part.encode() + b"\r\n" for part in parts) + delimiter + end


def _spoiled(body: bytes, place: int, removed: int, insert: bytes) -> bytes:
    place %= len(body) + 1
    return body[:place] + insert + body[place + removed :]


def _quoted(boundary: bytes) -> bytes:
    return b'multipart/form-data; boundary="' + boundary + b'"'


def _plain(boundary: bytes) -> bytes:
    return b"multipart/form-data; boundary=" + boundary


_request_types = st.sampled_from(
    [
        b"multipart/form-data",
        b"multipart/form-data; boundary=",
        b'multipart/form-data; boundary=""',
        b"multipart/form-data; boundary=" + b"b" * 71,
        b"multipart/form-data; boundary=another",
        b"Multipart/Form-Data; charset=utf-8; BOUNDARY=b",
        b"multipart/form-data ;boundary=b",
        b'multipart/form-data;boundary="b";x=y',
        b"multipart/mixed; boundary=b",
        b"multipart/form-datax; boundary=b",
        b"application/json",
        b"image/png",
        b"",
    ]
)


def _upload(content_type: bytes, body: bytes, cut: tuple[int, ...] | None, who: Authorization) -> Template:
    return Template("POST", "/api/files", (("Content-Type", content_type), *who[0]), body, cut, who[1])


_cuts = st.none() | st.lists(st.integers(0, 2_000), max_size=6).map(tuple)
_valid = tokens.users.map(tokens.valid)


def _with_boundary(
    boundary: bytes, parts: list[_Part], preamble: bytes, end: bytes, cut: tuple[int, ...] | None
) -> Template:
    return _upload(_quoted(boundary), _body(boundary, parts, preamble, end), cut, tokens.valid())


def _with_fault(part: _Part, place: int, removed: int, insert: bytes, who: Authorization) -> Template:
    body = _spoiled(_body(b"b", [part], b"", b"--\r\n"), place, removed, insert)
    return _upload(_plain(b"b"), body, None, who)


def _of_type(content_type: bytes, part: _Part, who: Authorization) -> Template:
    return _upload(content_type, _body(b"b", [part], b"", b"--\r\n"), None, who)


uploads = (
    st.builds(
        _with_boundary,
        st.sampled_from(_BOUNDARIES),
        _good_parts.map(lambda part: [part]),
        st.just(b""),
        st.just(b"--\r\n"),
        _cuts,
    )
    | st.builds(_with_boundary, st.just(b"b"), st.lists(_parts, max_size=3), _preambles, _ends, _cuts)
    | st.builds(
        _with_fault,
        _good_parts,
        st.integers(0, 600),
        st.integers(0, 3),
        st.sampled_from([b"", b"\r\n", b"\n", b"--b", b"\r\n--b", b"\x00", b'"', b";", b"\r\n\r\n", b" ", b":"]),
        _valid,
    )
    | st.builds(
        _of_type,
        _request_types,
        _parts,
        tokens.mostly_valid,
    )
)


_IGNORED_FIELDS: list[tuple[Field, ...]] = [
    (),
    (),
    (("Range", b"bytes=0-3"),),
    (("If-None-Match", b"*"),),
    (("Accept", b"text/plain"),),
]


def _download(method: str, file: str, fields: tuple[Field, ...]) -> Template:
    return Template(method, f"/api/files/{file}", fields)


downloads = st.builds(
    _download,
    st.sampled_from(["GET", "GET", "HEAD"]),
    st.sampled_from(["<<file:0>>", "<<file:0>>", "<<file:1>>", "<<file:2>>", "9200000000000000000", "0", "x"]),
    st.sampled_from(_IGNORED_FIELDS),
)
