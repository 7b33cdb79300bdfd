"""Registrations, logins, and reading users. Hashing passwords is dear: most of these are refused before it."""

from hypothesis import strategies as st

from tests.differential.strategies import json_bodies, tokens
from tests.differential.strategies.texts import INJECTIONS, json_text
from tests.differential.strategies.tokens import Authorization
from tests.differential.template import NOBODY, Template

_JSON = (("Content-Type", b"application/json"),)


def _post(path: str, body: bytes) -> Template:
    return Template("POST", path, _JSON, body)


_new_names = st.sampled_from([b"u<<nonce>>", b"<<nonce>>_", b"___<<nonce>>", b"<<nonce>>" + b"x" * 22])
BAD_NAMES = (
    *(b"", b"ab", b"U<<nonce>>", b"<<nonce>>-", b"<<nonce>>" + b"x" * 23, b" <<nonce>>", b"<<nonce>> "),
    *("é<<nonce>>".encode(), "ﬁ<<nonce>>".encode(), b"<<nonce>>\\u0000", b"<<nonce>>\\n", b"a.b", b"a@b"),
)
_bad_names = st.sampled_from(BAD_NAMES)
_taken_names = st.sampled_from([b"<<name:0>>", b"<<name:1>>", b"user_0001", b"user_1000"])

_new_emails = st.sampled_from(
    [b"<<nonce>>@b", b"A.B+<<nonce>>@Example.TEST", b"a@<<nonce>>", b"<<nonce>>'--@x", b"!<<nonce>>@~"]
)
_KELVIN_SIGN = b"\xe2\x84\xaa"
"""Its small letter is the ASCII k."""

BAD_EMAILS = (
    *(b"", b"a@", b"@b", b"a@b@c", b"ab", b"a b@c", "é@b".encode(), b"a@\\u0000", b"a@" + b"b" * 253),
    *(b"a@b\\u007f", b"a@\xef\xbd\x82", b"<a@b@>", b"@", b"@@@", b" a@b", b"a@b\\n", _KELVIN_SIGN + b"@k"),
)
_bad_emails = st.sampled_from(BAD_EMAILS)
_taken_emails = st.sampled_from([b"<<email:0>>", b"<<EMAIL:0>>", b"user_0001@example.test", b"User_0500@EXAMPLE.test"])

_new_passwords = st.sampled_from(
    [b"password", b"p" * 72, "ü".encode() * 36, "😀😀".encode(), b"\\u0001\\u001f 7 octets", b"'; DROP TABLE"]
)
BAD_PASSWORDS = (b"", b"1234567", b"p" * 73, "ü".encode() * 37, b"12345678\\u0000", b"\\u0000", "😀".encode())
_bad_passwords = st.sampled_from(BAD_PASSWORDS)


def _registration(username: bytes, email: bytes, password: bytes) -> Template:
    return _post("/api/users", b'{"username":"%s","email":"%s","password":"%s"}' % (username, email, password))


registrations = st.builds(_registration, _new_names | _taken_names, _new_emails | _taken_emails, _new_passwords)
"""They are hashed."""

bad_registrations = (
    st.builds(_registration, _bad_names, _new_emails | _bad_emails | _taken_emails, _new_passwords | _bad_passwords)
    | st.builds(_registration, _new_names | _taken_names, _bad_emails, _new_passwords | _bad_passwords)
    | st.builds(_registration, _new_names | _taken_names, _new_emails | _taken_emails, _bad_passwords)
    | json_bodies.bodies({"username": json_text, "email": st.just(b'"no email"'), "password": json_text}).map(
        lambda body: _post("/api/users", body)
    )
)
"""Refused before."""


def _login(email: bytes, password: bytes) -> Template:
    return _post("/api/auth/login", b'{"email":"%s","password":"%s"}' % (email, password))


def _typed_login(content_type: bytes, body: bytes) -> Template:
    return Template("POST", "/api/auth/login", (("Content-Type", content_type),), body)


logins = st.builds(
    _login,
    st.sampled_from([b"<<email:0>>", b"<<EMAIL:0>>", b"<<email:1>>", b"<<email:2>>", b"<<email:3>>"]),
    st.sampled_from([b"<<password:0>>", b"<<password:0>>", b"<<password:1>>", b"<<password:2>>", b"<<password:3>>"]),
) | st.builds(
    _login,
    st.sampled_from([b"nobody-<<nonce>>@example.test", b"user_0007@example.test", b"' OR 1=1--@x"]),
    st.sampled_from([b"seeded password 7", b"Seeded password 7", b"seeded password 7 ", "seeded passẅord".encode()]),
)
"""They are hashed."""

bad_logins = (
    st.builds(_login, _bad_emails, _new_passwords)
    | st.builds(_login, _new_emails, _bad_passwords)
    | json_bodies.bodies({"email": st.just(b'"no email"'), "password": json_text}).map(
        lambda body: _post("/api/auth/login", body)
    )
    | st.builds(
        _typed_login,
        json_bodies.content_types,
        st.sampled_from([b"", b"{}", b"[]", b'{"email":null}']),
    )
)
"""Refused before."""

_ids = st.sampled_from(["<<user:0>>", "<<user:1>>", "<<user:2>>", "1", "1000", str(NOBODY), "0", "01", "me "]).map(
    lambda text: text.strip() + ("/" if text.endswith(" ") else "")
)


def _read(method: str, user: str, query: str) -> Template:
    return Template(method, f"/api/users/{user}{query}")


reads = st.builds(
    _read,
    st.sampled_from(["GET", "GET", "HEAD"]),
    _ids,
    st.sampled_from(["", "?", "?id=1"]),
)


def _self(method: str, who: Authorization) -> Template:
    return Template(method, "/api/users/me", who[0], token=who[1])


selves = st.builds(
    _self,
    st.sampled_from(["GET", "GET", "GET", "HEAD"]),
    tokens.hostile,
)

injected_paths = (
    st.sampled_from(INJECTIONS)
    .map(lambda text: "/api/users/" + "".join(f"%{octet:02X}" for octet in text.encode()))
    .map(lambda path: Template("GET", path))
)
