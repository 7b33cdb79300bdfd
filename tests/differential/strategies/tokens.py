"""Authorization fields: valid, expired, forged, confused and malformed."""

from collections.abc import Mapping

from hypothesis import strategies as st

from tests.differential.template import NOBODY, SPOILS, Token

_ALGORITHMS = ("none", "None", "NONE", "", "hs256", "HS256 ", "HS384", "HS512", "RS256", "ES256", "PS256", "EdDSA")

_HEADERS = st.sampled_from(
    [
        b'{"typ":"JWT","alg":"HS256"}',
        b'{"alg":"HS256"}',
        b'{"alg":"HS256","typ":"JWT","kid":"../../../dev/null"}',
        b'{"alg":"HS256","jku":"http://127.0.0.1:1/","jwk":{"kty":"oct","k":""},"x5u":"x"}',
        b'{"alg":"HS256","typ":5}',
        b' { "alg" : "HS256" } ',
        b'{"alg":"\\u0048S256"}',
        b'{"Alg":"HS256"}',
        b'{"typ":"JWT"}',
        b'{"alg":null}',
        b'{"alg":["HS256"]}',
        b'{"alg":256}',
        b'["HS256"]',
        b'"HS256"',
        b"{}",
        b"",
        b"not json",
        b'{"alg":"HS256"',
        b'{"alg":"HS256"}x',
        b"\xff\xfe",
        *(f'{{"alg":"{algorithm}","typ":"JWT"}}'.encode() for algorithm in _ALGORITHMS),
    ]
)

_MEMBERS = {
    b"sub": b'"<<user:0>>"',
    b"name": b'"<<name:0>>"',
    b"iat": b"<<now+0>>",
    b"exp": b"<<now+3600>>",
    b"iss": b'"fairground"',
    b"aud": b'"fairground-api"',
}

_VALUES: dict[bytes, list[bytes]] = {
    b"sub": [
        b'"0"',
        b'"01"',
        b'"-1"',
        b'" 1"',
        b'"1 "',
        b"1",
        b'"1e1"',
        b'"9223372036854775808"',
        b'"x"',
        b'""',
        b'"1;DROP TABLE users"',
        b'"%d"' % NOBODY,
        b'"\xef\xbc\x91"',
    ],
    b"name": [
        b'""',
        b'"ab"',
        b'"Not A Name"',
        b"5",
        b'"' + b"n" * 33 + b'"',
        b'"a-b"',
        b'"\xc3\xa9__"',
        b'"a\\u0000b"',
    ],
    b"iat": [b"<<now+600>>", b"0", b"-1", b"1.5", b"1e9", b"1.0", b'"1"', b"true"],
    b"exp": [
        b"<<now+0>>",
        b"<<now-1>>",
        b"<<now-86400>>",
        b"0",
        b"-1",
        b"<<now+60>>.5",
        b"9e9",
        b'"<<now+60>>"',
        b"true",
        b"9223372036854775807",
        b"<<now+60>>.0",
    ],
    b"iss": [b'"Fairground"', b'["fairground"]', b'""', b'"fairground "', b"1", b'"\\u0066airground"'],
    b"aud": [
        b'["fairground-api"]',
        b'["x","fairground-api"]',
        b"[]",
        b'["x"]',
        b'"fairground"',
        b'"fairground-api "',
        b'{"fairground-api":1}',
        b"1",
        b'""',
        b'[["fairground-api"]]',
        b'["fairground-api",5]',
        b'["fairground-api",null]',
    ],
    b"nbf": [b"<<now-600>>", b"<<now+600>>", b"null", b"0", b"1.5", b'"0"', b"true", b"-5", b"<<now-1>>"],
    b"jti": [b'"x"', b"{}", b"[[[[1]]]]", b"1e999", b'"\\u0000"'],
    b"Sub": [b'"1"'],
}


def _claims(changes: Mapping[bytes, bytes | None]) -> bytes:
    members = {**_MEMBERS, **changes}
    return b"{" + b",".join(b'"%s":%s' % item for item in members.items() if item[1] is not None) + b"}"


_CHANGES = st.sampled_from(
    [{name: value} for name, values in _VALUES.items() for value in values]
    + [{name: None} for name in _MEMBERS]
    + [{name: value} for name in _MEMBERS for value in (b"null", b"{}", b"[]", b'{"a":1}')]
)

_CLAIMS = _CHANGES.map(_claims) | st.sampled_from(
    [b"[]", b"", b"null", b"{}", b"not json", b'{"sub":', b"\xff", b'"x"']
)

_KEYS = st.sampled_from(["", "secret", "x" * 32, "-----BEGIN PUBLIC KEY-----", "\0" * 32])

tokens = (
    st.just(Token())
    | st.builds(Token, claims=_CLAIMS)
    | st.builds(Token, header=_HEADERS)
    | st.builds(Token, header=_HEADERS, spoil=st.sampled_from(["no signature", "two parts"]))
    | st.builds(Token, key=_KEYS)
    | st.builds(
        Token,
        digest=st.sampled_from(["sha384", "sha512"]),
        header=st.sampled_from(
            [b'{"alg":"HS384","typ":"JWT"}', b'{"alg":"HS512","typ":"JWT"}', b'{"alg":"HS256","typ":"JWT"}']
        ),
    )
    | st.builds(Token, spoil=st.sampled_from(sorted(SPOILS)))
)

Authorization = tuple[tuple[tuple[str, bytes], ...], Token | None]
"""Fields, and the token for which `<<signed>>` in them stands."""


def valid(user: int = 0) -> Authorization:
    """The field of a user whom the program knows."""
    return (("Authorization", b"Bearer <<token:%d>>" % user),), None


_SCHEMES = st.sampled_from(
    [
        b"Bearer <<token:0>>",
        b"bearer <<token:0>>",
        b"BEARER    <<token:0>>",
        b"Bearer",
        b"Bearer ",
        b"<<token:0>>",
        b"",
        b"Basic <<token:0>>",
        b"Bearer:<<token:0>>",
        b"Bearer<<token:0>>",
        b"Bearer <<token:0>> x",
        b"Bearer\t<<token:0>>",
        b"Bearer <<token:0>>,",
        b'Bearer "<<token:0>>"',
        b"Bearer <<token:0>>, Bearer <<token:0>>",
        b"Bearer \xc3\xa9",
        b"Bearer  \t <<token:0>>",
        b"Token <<token:0>>",
        b"Bearer a.b.c",
        b"Bearer ..",
        b"Bearer <<token:0>>=",
    ]
)

_SPELLED: "st.SearchStrategy[Authorization]" = st.tuples(
    st.sampled_from(["Authorization", "authorization", "AUTHORIZATION"]), _SCHEMES
).map(lambda field: ((field,), None))

_TWICE: "st.SearchStrategy[Authorization]" = st.just(
    ((("Authorization", b"Bearer <<token:0>>"), ("Authorization", b"Bearer <<token:0>>")), None)
)

_SIGNED: "st.SearchStrategy[Authorization]" = tokens.map(
    lambda token: ((("Authorization", b"Bearer <<signed>>"),), token)
)

users = st.sampled_from([0, 0, 0, 0, 1])

mostly_valid = st.integers(0, 9).flatmap(
    lambda number: users.map(valid) if number < 8 else _SPELLED | _TWICE | _SIGNED | st.just(((), None))
)
"""What a request that isn't about tokens has."""

hostile = _SIGNED | _SIGNED | _SIGNED | _SPELLED | _TWICE
"""What a request that is about tokens has."""
