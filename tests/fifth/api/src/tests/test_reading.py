"""What is read of requests: JSON objects, fields, queries, ids and tokens."""

import base64
import hmac
import time

import pytest

from fifth.answers import to_json
from fifth.fields import LOGIN, POST, REGISTRATION, page_query, validated
from fifth.identifiers import LARGEST_ID, IdConvertor, is_username, parse_id
from fifth.json_object import NotAnObjectError, read_object
from fifth.problems import Problem
from fifth.tokens import BadTokenError, Bearer, Tokens

SECRET = b"a secret of some thirty-two octets"
ALICE = Bearer(7, "alice")


def nested(depth: int) -> bytes:
    return b'{"other":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"[]",
        b"null",
        b'"text"',
        b'\xef\xbb\xbf{"title":"t"}',
        b'{"title":"\xff"}',
        b'{"title":"t"} x',
        b'{"title":"t",}',
        b'{"title":"t","title":"t"}',
        b'{"other":1,"other":2}',
        b'{"title":"t","\\u0074itle":"t"}',
        b'{"title":1}',
        b'{"title":[]}',
        b'{"title":"\\ud800"}',
        b'{"other":["\\udc00"]}',
        b'{"\\ud800x":1}',
        b'{"other":NaN}',
        b'{"other":01}',
        b'{"title":"a\tb"}',
        b"{'title':'t'}",
        nested(33),
        b"[" * 60_000,
    ],
)
def test_what_is_no_object_of_the_contract_is_refused(octets: bytes):
    with pytest.raises(NotAnObjectError):
        read_object(octets, ("title",))


@pytest.mark.parametrize(
    ("octets", "found"),
    [
        (b"{}", {}),
        (b' \t\r\n{"title":"t"}\n', {"title": "t"}),
        (b'{"title":null,"body":"b"}', {"body": "b"}),
        (b'{"Title":"t"}', {}),
        (b'{"title":"\\ud83d\\ude00"}', {"title": "\N{GRINNING FACE}"}),
        (b'{"title":"\\u0000"}', {"title": "\0"}),
        (b'{"other":{"a":1,"a":2},"n":' + b"9" * 5_000 + b"}", {}),
        (nested(32), {}),
        (b'{"other":[' + b"[]," * 50 + b"{}]}", {}),
    ],
)
def test_known_members_are_read(octets: bytes, found: dict[str, str]):
    assert read_object(octets, ("title", "body")) == found


def test_every_field_at_fault_is_told_in_its_order():
    with pytest.raises(Problem) as refused:
        validated({"username": "No", "password": "short"}, REGISTRATION)
    content = refused.value.answer().body.decode()
    assert [content.index(f'"field":"{name}"') for name in ("username", "email", "password")] == sorted(
        content.index(f'"field":"{name}"') for name in ("username", "email", "password")
    )
    assert "is required" in content


@pytest.mark.parametrize(
    ("rules", "field", "text", "message"),
    [
        (LOGIN, "email", "@b.c", "must be 3 to 254 visible ASCII characters with one @ between others"),
        (LOGIN, "email", "a@b@c", "must be 3 to 254 visible ASCII characters with one @ between others"),
        (LOGIN, "email", "a@" + "b" * 253, "must be 3 to 254 visible ASCII characters with one @ between others"),
        (LOGIN, "password", "\0" * 100, "must not contain U+0000"),
        (LOGIN, "password", "ü" * 37, "must be 8 to 72 bytes"),
        (POST, "title", "", "must be 1 to 200 characters"),
        (POST, "title", "\N{GRINNING FACE}" * 201, "must be 1 to 200 characters"),
        (POST, "body", "x" * 20_001, "must be 1 to 20000 characters"),
        (LOGIN, "email", "a@" + "b" * 252, None),
        (LOGIN, "password", "ü" * 36, None),
        (POST, "title", "\N{GRINNING FACE}" * 200, None),
    ],
)
def test_fields_have_their_rules(rules, field: str, text: str, message: str | None):  # noqa: ANN001
    assert rules[field](text) == message


def test_queries_are_read_piece_by_piece():
    assert page_query("") == (20, None)
    assert page_query("limit=100&before=9223372036854775807&x=&&y") == (100, LARGEST_ID)
    for query in (
        "limit=0",
        "limit=101",
        "limit=",
        "limit",
        "limit=1&limit=1",
        "before=0",
        "before=9223372036854775808",
        "limit=%31",
    ):
        with pytest.raises(Problem):
            page_query(query)


def test_ids_are_the_numbers_of_a_bigint():
    for identifier in (1, 9, 10, 922_337_203_685_477_580, LARGEST_ID - 1, LARGEST_ID, 10**18, 8 * 10**18):
        assert parse_id(str(identifier)) == identifier
    for text in ("", "0", "01", "+1", "1.0", "a", "1\n", str(LARGEST_ID + 1), str(10**19), "9223372036854775810"):
        assert parse_id(text) is None, text
    assert IdConvertor().convert("12") == 12
    assert [is_username(text) for text in ("abc", "a_9", "ab", "a" * 33, "Abc", "abc\n")] == [True] * 2 + [False] * 4


def sealed(header: bytes, payload: bytes) -> str:
    signed = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (header, payload))
    signature = base64.urlsafe_b64encode(hmac.digest(SECRET, signed.encode(), "sha256")).rstrip(b"=").decode()
    return f"{signed}.{signature}"


def claims(**changes: object) -> bytes:
    now = int(time.time())
    members: dict[str, object] = {"sub": "7", "name": "alice", "iat": now, "exp": now + 60}
    return to_json({**members, "iss": "fairground", "aud": "fairground-api", **changes})


HEADER = b'{"alg":"HS256"}'


def test_a_token_names_whom_it_was_minted_for():
    tokens = Tokens(SECRET)
    assert tokens.verify(tokens.mint(ALICE)) == ALICE
    assert tokens.verify(sealed(b'{"alg":"HS256","crit":["exp"]}', claims(aud=["x", "fairground-api"]))) == ALICE
    with pytest.raises(BadTokenError):
        Tokens(SECRET + b"x").verify(tokens.mint(ALICE))


@pytest.mark.parametrize(
    "token",
    [
        "",
        "..",
        "a.b",
        sealed(b'{"alg":"none"}', claims()),
        sealed(b'{"alg":"hs256"}', claims()),
        sealed(b"[]", claims()),
        sealed(HEADER, b"[]"),
        sealed(HEADER, claims(sub=7)),
        sealed(HEADER, claims(sub="07")),
        sealed(HEADER, claims(name="No")),
        sealed(HEADER, claims(iat=True)),
        sealed(HEADER, claims(exp=2**63)),
        sealed(HEADER, claims(iat=1.5)),
        sealed(HEADER, claims(nbf=int(time.time()) + 60)),
        sealed(HEADER, claims(iss="other")),
        sealed(HEADER, claims(aud=["fairground-api", 5])),
        sealed(HEADER, claims()) + "=",
        sealed(HEADER, claims()) + ".",
    ],
)
def test_other_tokens_are_refused(token: str):
    with pytest.raises(BadTokenError):
        Tokens(SECRET).verify(token)


def test_a_token_ends_at_its_second(monkeypatch: pytest.MonkeyPatch):
    token = sealed(HEADER, claims(iat=0, exp=1_000, nbf=900))
    for now, valid in ((899.9, False), (900, True), (999.9, True), (1_000, False)):
        monkeypatch.setattr("fifth.tokens.time.time", lambda now=now: now)
        if valid:
            assert Tokens(SECRET).verify(token) == ALICE
        else:
            with pytest.raises(BadTokenError):
                Tokens(SECRET).verify(token)
