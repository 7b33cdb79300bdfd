"""Inputs that an API must refuse, that the contract leaves open, or that some layer takes as something else.

Each is tried here; `tests/differential` draws some at random.
"""

import json
from collections.abc import Mapping

from apis.contract.checks.context import NOBODY
from apis.contract.checks.wire import KINDS, PNG
from tests.differential.steps import Form, Json, Token

JPEG, WEBP, PDF = KINDS["image/jpeg"], KINDS["image/webp"], KINDS["application/pdf"]

NO_USER = Token(user=str(NOBODY), name="nobody")
"""A valid token of a user whom the database doesn't have."""

INJECTIONS = (
    "'; DROP TABLE posts; --",
    "' OR '1'='1",
    '" OR ""="',
    "1; SELECT pg_sleep(3)--",
    "\\'; SELECT 1; --",
    "$1 %s %(x)s {0} {{7*7}} ${jndi:ldap://127.0.0.1/a}",
    '","version":99,"x":"',
    "\r\nSET post:1 x\r\n",
    "*1\r\n$8\r\nFLUSHALL\r\n",
    "\r\nX-Injected: yes\r\n\r\n",
    "<script>alert(1)</script>",
    "../../../etc/passwd",
    "%00%0d%0a",
    "\u202e\u2066\u200b\ufeff\ufffe\uffff",
    "\u2028\u2029\u0085\u00a0",
    "\x7f\x1f\x01\x0b\x08\f\t\r\n",
    "\U0010ffff\U00010000\ud7ff\ue000",
    "I \u0130 \u0131 \xdf \u1e9e \ufb01 \u212a",
    " ",
)
"""Texts that some layer may take as something else than text."""

BAD_TEXTS: tuple[object, ...] = ("", "\0", "a\0b", None, 0, -1.5, 10**400, True, [], ["a"], {}, {"$ne": None})
"""Values that neither a title nor a body may have."""


def _claims(*claims: tuple[str, str]) -> tuple[Token, ...]:
    return tuple(Token(claims={name: text}, verdict="wrong") for name, text in claims)


_PUBLIC_KEY = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs\n-----END PUBLIC KEY-----\n"
_NESTED = "[" * 40 + "]" * 40

GOOD_TOKENS = (
    Token(),
    Token(user="<<user:1>>", name="<<name:1>>"),
    Token(claims={"jti": '"x"', "nbf": "<<now-60>>", "scope": '{"a":[1,2.5,null]}'}),
    Token(claims={"iat": "<<now+600>>"}),
    Token(claims={"x": _NESTED}),
    Token(claims={"exp": "<<now+60>>"}),
    Token(name="a_name_that_changed"),
)
OPEN_TOKENS = tuple(
    Token(claims=claims, verdict="open")
    for claims in (
        {"nbf": "<<now+600>>"},
        {"nbf": '"x"'},
        {"iat": "0.5"},
        {"exp": "<<now+60>>.5"},
        {"exp": "9" * 30},
        {"aud": '["fairground-api","x"]'},
        {"x": "[" * 1_000 + "]" * 1_000},
        {"x": f'"{"x" * 6_000}"'},
    )
)
"""What the contract leaves free, because libraries differ in it."""
BAD_TOKENS = (
    *_claims(("exp", "<<now-1>>"), ("exp", "<<now-86400>>"), ("exp", "0"), ("exp", "-1"), ("exp", ""), ("exp", "null")),
    *_claims(("iss", '"Fairground"'), ("iss", ""), ("iss", "1"), ("aud", '"fairground"'), ("aud", ""), ("aud", "[]")),
    *_claims(("sub", '""'), ("sub", ""), ("sub", '"x"'), ("sub", '"1;DROP TABLE users"'), ("sub", "[]")),
    *_claims(("sub", '"0"'), ("sub", '"-1"'), ("name", "")),
    *(Token(header=f'{{"alg":"{name}","typ":"JWT"}}', verdict="wrong") for name in ("none", "RS256", "HS384", "")),
    *(
        Token(header=f'{{"alg":"{name}","typ":"JWT"}}', key=key, verdict="wrong")
        for name in ("HS256", "RS256", "none")
        for key in ("", "secret", "x" * 32, _PUBLIC_KEY)
    ),
    *(
        Token(header=f'{{"alg":"{name}","typ":"JWT"}}', signature=signature, verdict="wrong")
        for name in ("none", "None", "HS256")
        for signature in ("", ".", ".AAAA", ".AAAA.AAAA")
    ),
    *(Token(header=f'{{"alg":"HS{size}","typ":"JWT"}}', digest=f"sha{size}", verdict="wrong") for size in (384, 512)),
    Token(header='{"alg":"HS256","kid":"../../../../dev/null"}', key="", verdict="wrong"),
    Token(header='{"alg":"HS256","jwk":{"kty":"oct","k":"aw"}}', key="k", verdict="wrong"),
    *(Token(header=text, verdict="wrong") for text in ("", "{}", "[]", "x", '{"alg":["HS256"]}')),
    *(Token(payload=text, verdict="wrong") for text in ("", "{}", "[]", "null", "x", '{"sub":')),
)
"""Tokens of another algorithm, key, issuer or audience, without a signature or a claim, expired, and other texts."""

NOT_JSON = (
    *(b"", b"x", b"{", b"[]", b"null", b'"a"', b"1", b"true", b"{,}", b'{"a"}', b"{a:1}", b"{'title':'a','body':'b'}"),
    *(b'{"title":"a","body":"b"', b'{"title":"a" "body":"b"}', b'{"title":"a\n","body":"b"}'),
    b'{"title":"\\x41","body":"b"}',
    *(b'{"title":"a","body":"b\\u12"}', b'{"title":NaN,"body":"b"}', b'{"title":01,"body":"b"}'),
    *(b'{"title":"a","body":' + b"[" * 2_000, b"\x00", b"\x1f\x8b\x08", b"title=a&body=b"),
)
"""Bodies that aren't a JSON object."""


def open_json(members: Mapping[str, str]) -> tuple[Json, ...]:
    """Bodies with these members in which readers differ: each may be refused, or taken in one way or another."""
    written = json.dumps(members).encode()
    last = list(members)[-1].encode()
    octets = (
        written[:-1] + b',"%s":"b"}' % last,
        written[:-1] + b',"%s":null}' % last,
        written.replace(b'"%s"' % last, b'"%s"' % last.capitalize()),
        written + b"x",
        written + written,
        b"\xef\xbb\xbf" + written,
        written[:-1] + b',"x":' + b"[" * 1_000 + b"]" * 1_000 + b"}",
        written[:-1] + b',"x":1e999}',
        written[:-1] + b',"x":"\\ud800"}',
        *(written[:-2] + text + b'"}' for text in (b"\\ud800", b"\\udc00\\ud800", b"\\ud83d\\n")),
        *(written[:-2] + text + b'"}' for text in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xe2\x82")),
    )
    return tuple(Json(members, octets=each, verdict="open") for each in octets)


BAD_FORMS = (
    Form(content=PNG, disposition='form-data; name="other"; filename="a.png"', verdict="wrong"),
    Form(content=PNG, disposition='form-data; name="file"', verdict="wrong"),
    Form(content=PNG, disposition="form-data", verdict="wrong"),
    Form(content=PNG, after=b"", verdict="wrong"),
    Form(content=PNG, after=b"\r\n<<delimiter>>"[:-9], verdict="wrong"),
    Form(content=PNG, media_type="multipart/form-data", verdict="wrong"),
    Form(content=PNG, media_type="multipart/form-data; boundary=another", verdict="wrong"),
    Form(content=b"", filename=""),
    *(Form(content=text) for text in (b"", b"GIF89a", PNG[:7], b"\0" + PNG, b"<svg/>", b"MZ", b"\r\n" + PNG)),
    *(Form(content=text, declared="image/webp") for text in (WEBP[:11], WEBP[:8] + b"WAVE", b"RIFF")),
    *(Form(content=PNG, declared=kind) for kind in ("image/jpeg", "text/html", "application/octet-stream")),
    Form(content=JPEG, declared="application/pdf"),
)
"""Uploads that are refused."""

_OTHER_PART = b'<<delimiter>>\r\nContent-Disposition: form-data; name="note"\r\n\r\na note\r\n'
_SECOND_FILE = b'\r\n<<delimiter>>\r\nContent-Disposition: form-data; name="file"; filename="b.pdf"\r\n\r\n' + PDF

GOOD_FORMS = (
    Form(content=PNG),
    Form(content=JPEG, declared="image/jpeg", filename="photo-1_B.jpg"),
    Form(content=WEBP, declared="image/webp", filename="n" * 100),
    Form(content=PDF, declared="application/pdf", filename="n" * 101),
    Form(content=PNG + b"\r\n--\r\n--not-the-boundary\r\n"),
    Form(content=PNG + b"<?php system($_GET[0]); ?><script>alert(1)</script>"),
    Form(content=PDF + b"PK\x03\x04" + bytes(40), declared="application/pdf"),
    Form(content=PNG, before=_OTHER_PART),
)
OPEN_FORMS = (
    Form(content=PNG, declared=None),
    Form(content=PNG, before=b"preamble\r\n", verdict="open"),
    Form(content=PNG, after=_SECOND_FILE + b"\r\n<<delimiter>>--\r\n", verdict="open"),
    Form(content=PNG, after=b"\r\n<<delimiter>>--\r\nepilogue", verdict="open"),
    Form(content=PNG, disposition="form-data; name=file; filename={filename}", verdict="open"),
    Form(content=PNG, disposition="FORM-DATA; NAME=file; FileName={filename}", verdict="open"),
    Form(content=PNG, disposition="form-data; name=\"file\"; filename*=UTF-8''..%2F..%2Fx.png", verdict="open"),
    Form(content=PNG, disposition='form-data; name="file"; filename="{filename}"\r\nX-A: yyy', verdict="open"),
)

FILE_NAMES = (
    *("../../../../etc/passwd", "..\\\\..\\\\win.ini", "/etc/shadow", "C:\\\\boot.ini", "....//x", "..%2f..%2fx"),
    *(".", "..", "...", "/", "a/..", "~root/.ssh", ".htaccess", "x.php;.png", "x.php%00.png", "$(reboot).png", "`id`"),
    *("|id", "-rf", "CON", "x::$DATA", "\u202egnp.exe", "x" * 250, "<script>.png", "file://x", "%s%n", "*", " ", "_"),
    *("Zoë (1).jpg", "a;b=c", "a b.png", "é" * 100, "." * 120, "\udcff\udcfe", "a\tb", "'; DROP TABLE x", "a%22b"),
)
"""File names that lead elsewhere, run something, or end a header."""

BAD_IDS = (
    *("0", "-1", "x", "1.0", "1e3", "0x10", "9223372036854775808", "18446744073709551617", "1" * 500, "1,2"),
    *("NaN", "null", "'", "*", "$1", "1;DROP"),
)
FREE_IDS = ("01", "+1", "%31", "1%00", "1%2F", "%27%20OR%201=1")
"""What may stand for an id in a path."""
