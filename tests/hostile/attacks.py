"""Attacks that are requests: what each must get is known, since it is no more than another request."""

import json

from apis.contract.checks.multipart import JPEG, PDF, PNG, WEBP
from tests.differential.strategies.texts import INJECTIONS
from tests.differential.template import Step, Template, Token

_JSON = ("Content-Type", b"application/json")
_OWNER = ("Authorization", b"Bearer <<token:0>>")

_PUBLIC_KEY = (
    "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9\n"
    "q9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg==\n-----END PUBLIC KEY-----\n"
)


def _text(text: str) -> bytes:
    return json.dumps(text).encode()


def _with_token(token: Token) -> Step:
    return Template("GET", "/api/users/me", (("Authorization", b"Bearer <<signed>>"),), token=token)


def _claims(exp: bytes, nbf: bytes = b"0", more: bytes = b"") -> bytes:
    return (
        b'{"sub":"<<user:0>>","name":"<<name:0>>","iat":0,"exp":' + exp + b',"nbf":' + nbf + b","
        b'"iss":"fairground","aud":"fairground-api"' + more + b"}"
    )


def tokens() -> list[Step]:
    """Confused algorithms, keys that are named by the token, expired and forged tokens."""
    headers = [
        b'{"alg":"%s","typ":"JWT"}' % name
        for name in (
            b"none",
            b"None",
            b"nOnE",
            b"",
            b"RS256",
            b"ES256",
            b"PS256",
            b"HS384",
            b"HS512",
            b"hs256",
            b"EdDSA",
        )
    ]
    confused = [Token(header=header, key=key) for header in headers for key in ("secret", _PUBLIC_KEY, "")]
    unsigned = [Token(header=header, spoil=spoil) for header in headers[:4] for spoil in ("no signature", "two parts")]
    named_keys = [
        Token(header=header, key=key)
        for header, key in (
            (b'{"alg":"HS256","kid":"../../../../dev/null"}', ""),
            (b'{"alg":"HS256","kid":"x\' UNION SELECT \'k"}', "k"),
            (b'{"alg":"HS256","jwk":{"kty":"oct","k":"aw"}}', "k"),
            (b'{"alg":"HS256","jku":"http://127.0.0.1:1/k","x5u":"http://127.0.0.1:1/k"}', "k"),
            (b'{"alg":"HS256","crit":["b64"],"b64":false}', "k"),
            (b'{"alg":"HS256","zip":"DEF"}', "k"),
        )
    ]
    old = [
        Token(claims=_claims(exp))
        for exp in (b"<<now+0>>", b"<<now-1>>", b"<<now-60>>", b"0", b"-1", b"<<now-99999999>>")
    ]
    early = [Token(claims=_claims(b"<<now+600>>", nbf=b"<<now+300>>"))]
    odd = [
        Token(claims=_claims(exp))
        for exp in (b"1e309", b"1e18", b"<<now+60>>.0", b'"<<now+60>>"', b"null", b"true", b"[]", b"-1e5", b"9.9e99")
    ]
    deep = [Token(claims=_claims(b"<<now-60>>", more=b',"x":' + b"[" * 4_000 + b"]" * 4_000), key="k")]
    long = [Token(claims=_claims(b"<<now+60>>", more=b',"x":"' + b"x" * 9_000 + b'"'), key="k")]
    valid = [
        Token(),
        Token(claims=_claims(b"<<now+60>>")),
        Token(header=b'{"alg":"HS256","kid":"../../x","crit":["x"]}'),
    ]
    return [
        _with_token(token) for token in (*confused, *unsigned, *named_keys, *old, *early, *odd, *deep, *long, *valid)
    ]


def injections() -> list[Step]:
    """SQL, JSON, templates and commands of Redis, wherever a text can be put."""
    steps: list[Step] = []
    for text in INJECTIONS:
        body = b'{"title":%s,"body":%s}' % (_text(text), _text(text * 3))
        login = b'{"email":%s,"password":%s}' % (_text(f"{text}@x"), _text(text))
        name = b'{"username":%s,"email":"<<nonce>>@x","password":%s}' % (_text(text), _text(text))
        encoded = "".join(f"%{octet:02x}" for octet in text.encode())
        disposition = b'form-data; name="file"; filename="' + encoded.encode() + b"'; DROP TABLE files; --" + b'"'
        steps += [
            Template("POST", "/api/posts", (_JSON, _OWNER), body),
            Template("PUT", "/api/posts/<<post:0>>", (_JSON, _OWNER), body),
            Template("GET", "/api/posts/<<post:0>>"),
            Template("GET", "/api/posts/<<post:0>>"),
            Template("POST", "/api/auth/login", (_JSON,), login),
            Template("POST", "/api/users", (_JSON,), name),
            Template("GET", f"/api/posts?limit={encoded}&before={encoded}"),
            Template("GET", f"/api/posts/{encoded}"),
            _upload(disposition, PNG),
        ]
    members = [
        b'{"title":"a","body":"b","id":1,"author":{"id":1},"author_id":1,"version":99,"created_at":"x"}',
        b'{"title":"a","body":"b","__proto__":{"admin":true},"constructor":{"prototype":{}}}',
        b'{"title":"a","body":"b","\\u0074itle":"c"}',
        b'{"title":{"$ne":null},"body":["b"]}',
        b'[{"title":"a","body":"b"}]',
        b'{"title":"a","body":"b"}{"title":"c","body":"d"}',
        b"[" * 60_000,
        b'{"x":' + b'{"x":' * 9_000 + b"1" + b"}" * 9_001,
        b'{"a":"' + b"\\u0061" * 10_000 + b'","title":"a","body":"b"}',
    ]
    return steps + [Template("POST", "/api/posts", (_JSON, _OWNER), member) for member in members]


def bad_utf8() -> list[Step]:
    """Octets that are no UTF-8, overlong and surrogate forms among them, where a text is expected."""
    bad = [
        b"\xff",
        b"\xfe\xff",
        b"\xc0\x80",
        b"\xc0\xaf",
        b"\xe0\x80\x80",
        b"\xed\xa0\x80",
        b"\xed\xbf\xbf",
        b"\xf5\x80\x80\x80",
    ]
    bad += [b"\xf4\x90\x80\x80", b"\x80", b"\xe2\x82", b"\xf0\x9f\x98", b"\xef\xbb\xbf", b"\xe9", b"\xc3"]
    steps: list[Step] = []
    for octets in bad:
        steps += [
            Template("POST", "/api/posts", (_JSON, _OWNER), b'{"title":"a%s","body":"b"}' % octets),
            Template("POST", "/api/posts", (_JSON, _OWNER), b'%s{"title":"a","body":"b"}' % octets),
            Template("POST", "/api/posts", (_JSON, _OWNER), b'{"title":"a","body":"b","x%s":1}' % octets),
            Template("POST", "/api/auth/login", (_JSON,), b'{"email":"a@b","password":"12345678%s"}' % octets),
            _upload(b'form-data; name="file"; filename="a%s.png"' % octets, PNG),
            Template("GET", "/api/users/me", (("Authorization", b"Bearer a%s.b.c" % octets),)),
            Template("GET", "/api/posts/<<post:0>>", (("If-None-Match", b'"%s"' % octets),)),
        ]
    return steps


def numbers() -> list[Step]:
    """Numbers at and beyond every bound."""
    values = ["0", "-0", "00", "-1", "+1", "01", "1e3", "0x10", "1.0", "NaN", "Infinity", "9223372036854775807"]
    values += [
        "9223372036854775808",
        "18446744073709551616",
        "18446744073709551617",
        "4294967297",
        "2147483648",
        "1_000",
    ]
    values += ["99999999999999999999", "1" * 5_000, "%31", "1%00", "1,2", "1;2", "", "100", "101"]
    steps: list[Step] = []
    for value in values:
        path = value or "%20"
        # Others may have stored files under the small ids.
        kinds = ("users", "posts") if value in {"100", "101"} else ("users", "posts", "files")
        steps += [Template("GET", f"/api/{kind}/{path}") for kind in kinds]
        steps += [Template("GET", f"/api/posts?limit={value}"), Template("GET", f"/api/posts?before={value}")]
        steps.append(Template("DELETE", f"/api/posts/{path}", (_OWNER,)))
        if value and value.lstrip("-").isdigit():
            body = b'{"title":"a","body":"b","id":%s,"x":%s}' % (value.encode(), value.encode())
            steps.append(Template("POST", "/api/posts", (_JSON, _OWNER), body))
            steps.append(Template("POST", "/api/posts", (_JSON, _OWNER), b'{"title":%s,"body":"b"}' % value.encode()))
    return steps


def file_names() -> list[Step]:
    """File names that lead elsewhere, run something, or end a header; each stored file is read back."""
    names = [
        b"../../../../etc/passwd",
        b"..\\\\..\\\\windows\\\\win.ini",
        b"/etc/shadow",
        b"C:\\\\boot.ini",
        b"....//....//x",
    ]
    names += [
        b"..%2f..%2fx",
        b"%2e%2e/x",
        b"..\xc0\xafx",
        b"..\xef\xbc\x8fx",
        b".",
        b"..",
        b"...",
        b"/",
        b"\\\\",
        b"a/..",
        b"~root/.ssh",
    ]
    names += [
        b".htaccess",
        b"x.php;.png",
        b"x.php%00.png",
        b'x.png\\"; filename=\\"y.exe',
        b"$(reboot).png",
        b"`id`",
        b"|id",
        b"-rf",
    ]
    names += [
        b"CON",
        b"NUL.png",
        b"x::$DATA",
        b"\xe2\x80\xaegnp.exe",
        b"x" * 3_000,
        b"a\tb",
        b"<script>.png",
        b"file://x",
        b"%s%n",
        b"*",
    ]
    steps: list[Step] = []
    for name in names:
        steps.append(_upload(b'form-data; name="file"; filename="' + name + b'"', PNG))
        steps.append(Template("GET", "/api/files/<<file:0>>"))
    return steps + [Template("GET", f"/api/files/<<file:{number}>>") for number in range(len(names))]


def polyglots() -> list[Step]:
    """Files that are two things at once: taken as what their first octets tell, and never shown as anything else."""
    contents = [
        PNG + b"<?php system($_GET['c']); ?>",
        PNG + b"<script>alert(document.domain)</script>",
        PNG + b"PK\x03\x04" + bytes(60) + b"PK\x05\x06" + bytes(18),
        JPEG[:4] + b"\x2f\x2a" + b"*/=1;alert(1);/*" + JPEG,
        WEBP + b"%PDF-1.7\n%%EOF",
        PDF + b"<html><script>alert(1)</script></html>",
        b"%PDF-1.7\n\x89PNG\r\n\x1a\n" + PNG,
        b"GIF89a/*" + bytes(20) + b"*/=alert(1)//",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"MZ" + bytes(60) + PNG,
        b"\x7fELF" + bytes(60),
        b"#!/bin/sh\nid\n",
        b"\xef\xbb\xbf<html>",
        b"\r\n" + PNG,
        b"",
    ]
    disposition = b'form-data; name="file"; filename="a.png"'
    steps: list[Step] = []
    for content in contents:
        for kind in (
            None,
            b"image/png",
            b"image/jpeg",
            b"text/html",
            b"image/svg+xml",
            b"application/pdf",
            b"image/webp",
        ):
            steps.append(_upload(disposition, content, kind))
            steps.append(Template("GET", "/api/files/<<file:0>>"))
    return [
        *steps,
        *(Template("GET", f"/api/files/<<file:{number}>>", (("Accept", b"text/html"),)) for number in range(14)),
    ]


def _upload(disposition: bytes, content: bytes, kind: bytes | None = None) -> Step:
    fields = b"Content-Disposition: " + disposition + b"\r\n"
    fields += b"" if kind is None else b"Content-Type: " + kind + b"\r\n"
    body = b"--b\r\n" + fields + b"\r\n" + content + b"\r\n--b--\r\n"
    return Template("POST", "/api/files", (("Content-Type", b"multipart/form-data; boundary=b"), _OWNER), body)


ATTACKS = {
    "tokens": tokens,
    "injections": injections,
    "bad UTF-8": bad_utf8,
    "numbers": numbers,
    "file names": file_names,
    "polyglots": polyglots,
}
