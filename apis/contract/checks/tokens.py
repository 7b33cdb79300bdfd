"""Access tokens that must be taken, and those that must be refused."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Mapping
from itertools import count

from apis.contract import tokens
from apis.contract.checks import problems
from apis.contract.checks.answers import Account, Health, PostPage, User
from apis.contract.checks.context import Context
from apis.contract.checks.expect import expect, expect_equal, expect_json, expect_problem
from apis.contract.checks.model import check

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

_PLAIN = str.maketrans("-_", "+/")
"""From base64url to plain base64."""

_SHA2 = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


def _encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _signed(secret: str, claims: Mapping[str, object], algorithm: str = "HS256", *, key: bytes | None = None) -> str:
    """Write a token whose header names the algorithm, signed with that HMAC or, where it is none, with HS256."""
    header = json.dumps({"alg": algorithm, "typ": "JWT"}, separators=(",", ":")).encode()
    signed = f"{_encoded(header)}.{_encoded(json.dumps(claims, separators=(',', ':')).encode())}"
    digest = _SHA2.get(algorithm, hashlib.sha256)
    signature = hmac.new(secret.encode() if key is None else key, signed.encode(), digest).digest()
    return f"{signed}.{_encoded(signature)}"


def _distinct(secret: str, claims: Mapping[str, object]) -> Iterator[str]:
    """Tokens of these claims without end, each with another signature."""
    return (_signed(secret, {**claims, "number": number}) for number in count())


def _raw(secret: str, head: str, payload: bytes) -> str:
    return _sealed(secret, f"{head}.{_encoded(payload)}")


def _sealed(secret: str, signed: str) -> str:
    """Write a token whose first two parts are these octets, whatever they are."""
    return f"{signed}.{_encoded(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())}"


def _with_spare_bits(part: str) -> str:
    """The same octets in base64url with a bit set behind the last of them; a part of whole groups has no such bit."""
    return part[:-1] + _ALPHABET[_ALPHABET.index(part[-1]) ^ 1] if len(part) % 4 else ""


def _expect_refused(context: Context, authorization: str, what: str) -> None:
    answer = context.get("/api/users/me", headers={"Authorization": authorization})
    expect(answer.status == 401, f"A token with {what}: expected status 401, saw {answer.status}.")
    expect_problem(answer, problems.BAD_TOKEN)


def _expect_taken(context: Context, authorization: str, what: str) -> None:
    answer = context.get("/api/users/me", headers={"Authorization": authorization})
    expect(answer.status == 200, f"A token with {what}: expected status 200, saw {answer.status}.")
    expect_equal(expect_json(answer, 200, Account).id, context.alice.id, f"id of the user of a token with {what}")


@check()
def algorithms_but_hs256_are_refused(context: Context) -> None:
    """`none`, other HMACs, asymmetric ones and other spellings, however they are signed."""
    secret = context.target.jwt_secret
    claims = tokens.claims_of(context.alice.id, context.alice.username)
    _expect_taken(context, f"Bearer {_signed(secret, claims)}", "alg HS256")
    for algorithm in ("none", "None", "", "hs256", "Hs256", "HS384", "HS512", "RS256", "ES256", "PS256", "EdDSA"):
        token = _signed(secret, claims, algorithm)
        _expect_refused(context, f"Bearer {token}", f"alg {algorithm!r}")
        _expect_refused(context, f"Bearer {token.rpartition('.')[0]}.", f"alg {algorithm!r} and no signature")
    header, _, rest = _signed(secret, claims).partition(".")
    headers: tuple[object, ...] = ({"typ": "JWT"}, {"alg": None}, {"alg": ["HS256"]}, ["HS256"])
    for value in headers:
        changed = _encoded(json.dumps(value).encode())
        signed = f"{changed}.{rest.partition('.')[0]}"
        _expect_refused(context, f"Bearer {_sealed(secret, signed)}", f"the header {value} for {header}")


@check()
def signatures_are_verified_octet_for_octet(context: Context) -> None:
    """Another key, a changed part, a shortened, padded or non-canonical encoding: all refused."""
    secret = context.target.jwt_secret
    claims = tokens.claims_of(context.alice.id, context.alice.username)
    token = _signed(secret, claims)
    head, payload, signature = token.split(".")
    # Only `>`, `?` and `~` give these characters in ASCII: its other parts have none.
    unlike = next(token for token in _distinct(secret, claims) if {"-", "_"} & set(token.rpartition(".")[2]))
    _expect_taken(context, f"Bearer {unlike}", "a signature that is another in plain base64")
    other = _encoded(json.dumps(tokens.claims_of(context.bob.id, context.bob.username)).encode())
    flipped = ("B" if signature[0] == "A" else "A") + signature[1:]
    for what, bad in (
        ("another key", _signed(secret + "x", claims)),
        ("an empty key", _signed(secret, claims, key=b"")),
        ("another's claims", f"{head}.{other}.{signature}"),
        ("a changed signature", f"{head}.{payload}.{flipped}"),
        ("bits left over in the signature", f"{head}.{payload}.{_with_spare_bits(signature)}"),
        ("a padded signature", f"{token}="),
        ("a shortened signature", token[:-2]),
        ("no signature", f"{head}.{payload}."),
        ("two parts", f"{head}.{payload}"),
        ("four parts", f"{token}.{signature}"),
        ("an empty fourth part", f"{token}."),
        ("the alphabet of plain base64", unlike.translate(_PLAIN)),
        ("a claim set that is no JSON", _raw(secret, head, b"not json")),
        ("a claim set that is no object", _raw(secret, head, b"[]")),
        ("dots only", ".."),
    ):
        _expect_refused(context, f"Bearer {bad}", what)


@check()
def claims_must_be_there_and_right(context: Context) -> None:
    """Each of the six, of its type and value; `nbf` where it is given."""
    secret, member = context.target.jwt_secret, context.alice
    claims = tokens.claims_of(member.id, member.username)
    now = int(time.time())
    for name in claims:
        without = {key: value for key, value in claims.items() if key != name}
        _expect_refused(context, f"Bearer {_signed(secret, without)}", f"no {name}")
        _expect_refused(context, f"Bearer {_signed(secret, claims | {name: None})}", f"{name} null")
        _expect_refused(context, f"Bearer {_signed(secret, {**claims, name: {}})}", f"an object for {name}")
    wrong: tuple[tuple[str, object], ...] = (
        ("sub", member.id),
        ("sub", ""),
        ("sub", "0"),
        ("sub", f"0{member.id}"),
        ("sub", f" {member.id}"),
        ("sub", f"{member.id}; DROP TABLE users"),
        ("sub", "9223372036854775808"),
        ("name", ""),
        ("name", "Not A Name"),
        ("name", 5),
        ("iat", str(now)),
        ("exp", str(now + 60)),
        ("exp", True),
        ("iss", "Fairground"),
        ("iss", ["fairground"]),
        ("aud", "fairground"),
        ("aud", ["another", "audience"]),
        ("aud", []),
        ("aud", ["fairground-api", 5]),
        ("aud", ["fairground-api", None]),
        ("aud", "fairground-api "),
        ("nbf", now + 600),
    )
    for name, value in wrong:
        _expect_refused(context, f"Bearer {_signed(secret, {**claims, name: value})}", f"{name} {value!r}")
    right: tuple[tuple[str, object], ...] = (
        ("aud", ["another", "fairground-api"]),
        ("iat", now + 600),
        ("nbf", now - 600),
        ("roles", {"admin": [True]}),
    )
    for name, value in right:
        _expect_taken(context, f"Bearer {_signed(secret, {**claims, name: value})}", f"{name} {value!r}")


@check()
def expired_tokens_are_refused_without_leeway(context: Context) -> None:
    """A token expired five seconds ago is refused; libraries are lenient for up to a minute unless told."""
    secret, member = context.target.jwt_secret, context.alice
    now = int(time.time())
    for age in (5, 30, 86_400):
        claims = tokens.claims_of(member.id, member.username, issued_at=now - tokens.LIFETIME - age)
        _expect_refused(context, f"Bearer {_signed(secret, claims)}", f"exp {age} s ago")
    _expect_refused(context, f"Bearer {tokens.mint_token(secret, member.id, member.username, lifetime=0)}", "exp now")


@check()
def authorization_is_one_bearer_token(context: Context) -> None:
    """The scheme in any case, one or more spaces, the token; nothing else, and once."""
    token = context.alice.token
    for value in (f"Bearer {token}", f"bearer {token}", f"BEARER   {token}"):
        _expect_taken(context, value, f"the scheme of {value[:12]!r}")
    _expect_refused(context, "", "an empty Authorization")
    for value in (
        "Bearer",
        token,
        f"Token {token}",
        f"Basic {token}",
        f"Bearer:{token}",
        f"Bearer{token}",
        f"Bearer {token} x",
        f"Bearer {token},",
        f"Bearer {token}, Bearer {token}",
        f'Bearer "{token}"',
    ):
        _expect_refused(context, value, f"Authorization {value[:12]!r}…")
    twice = (("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}"))
    expect_problem(context.get("/api/users/me", headers=twice), problems.BAD_TOKEN)
    expect_problem(context.get(f"/api/users/me?access_token={token}"), problems.BAD_TOKEN)
    _expect_refused(context, f"Bearer\t{token}", "a tab behind the scheme")


@check()
def routes_without_a_token_ignore_authorization(context: Context) -> None:
    """A bad token, another scheme and a repeated field change nothing where none is required."""
    bad = (("Authorization", "Bearer nonsense"), ("Authorization", "Basic eDp4"))
    expect_json(context.get("/healthz", headers=bad), 200, Health)
    expect_json(context.get(f"/api/users/{context.alice.id}", headers=bad), 200, User)
    expect_json(context.get("/api/posts?limit=1", headers=bad), 200, PostPage)
    login = json.dumps({"email": context.alice.email, "password": "a wrong password"}).encode()
    headers = (*bad, ("Content-Type", "application/json"))
    answer = context.send("POST", "/api/auth/login", content=login, headers=headers)
    expect_problem(answer, problems.BAD_LOGIN)


@check()
def parts_are_unpadded_base64url(context: Context) -> None:
    """Header and claims with padding, white space, plain base64 or bits left over are refused, though signed."""
    secret = context.target.jwt_secret
    # Wherever three question marks stand, one of them ends a group and is encoded as `_`.
    claims = {**tokens.claims_of(context.alice.id, context.alice.username), "note": "???"}
    header = b'{"alg":"HS256","typ":"JWT","kid":"???"}'
    parts: dict[str, str] = {}
    for name, text in (("header", header), ("claims", json.dumps(claims).encode())):
        # White space behind the object moves the end of its octets to where base64url has bits left over.
        padded = next(octets for octets in (text, text + b" ") if len(octets) % 3)
        parts[name] = _encoded(padded)
    _expect_taken(context, f"Bearer {_sealed(secret, '.'.join(parts.values()))}", "white space behind its parts")
    for name, good in parts.items():
        for what, bad in (
            ("padding", good + "=" * (-len(good) % 4)),
            ("bits left over", _with_spare_bits(good)),
            ("plain base64", good.translate(_PLAIN)),
            ("a dollar sign", f"{good[:4]}${good[4:]}"),
            ("nothing in it", ""),
        ):
            signed = ".".join((parts | {name: bad}).values())
            _expect_refused(context, f"Bearer {_sealed(secret, signed)}", f"{what} in its {name}")


@check()
def other_members_of_the_header_are_not_looked_at(context: Context) -> None:
    """`typ`, `kid`, `crit` and others may be missing or anything."""
    secret = context.target.jwt_secret
    claims = _encoded(json.dumps(tokens.claims_of(context.alice.id, context.alice.username)).encode())
    for header in (
        {"alg": "HS256"},
        {"typ": "at+jwt", "alg": "HS256"},
        {"alg": "HS256", "typ": 5, "cty": "JWT", "zip": "DEF"},
        {"alg": "HS256", "typ": "JWT", "kid": "../../dev/null", "jku": "http://127.0.0.1:1/", "jwk": {"k": "eA"}},
        {"alg": "HS256", "typ": "JWT", "crit": ["exp"], "b64": True},
    ):
        signed = f"{_encoded(json.dumps(header).encode())}.{claims}"
        _expect_taken(context, f"Bearer {_sealed(secret, signed)}", f"the header {header}")


@check()
def numbers_are_integers_as_they_are_written(context: Context) -> None:
    """`iat`, `exp` and `nbf` with a fraction, an exponent or more than 63 bits are refused; `nbf` may be null."""
    secret = context.target.jwt_secret
    head = _encoded(b'{"alg":"HS256","typ":"JWT"}')
    now = int(time.time())
    claims = {"sub": f'"{context.alice.id}"', "name": f'"{context.alice.username}"', "iss": '"fairground"'}
    claims |= {"aud": '"fairground-api"', "iat": str(now), "exp": str(now + 600)}

    def token(**changes: str) -> str:
        members = ",".join(f'"{name}":{value}' for name, value in (claims | changes).items())
        return f"Bearer {_raw(secret, head, f'{{{members}}}'.encode())}"

    _expect_taken(context, token(), "integers")
    for name in ("iat", "exp", "nbf"):
        early = now - 5 if name == "nbf" else now + 600
        for value in (f"{early}.0", f"{early}.5", f"{early}e0", "1e9", "4E9", f'"{early}"', "[]", "false", str(2**63)):
            _expect_refused(context, token(**{name: value}), f"{name} {value}")
    for changes in ({"nbf": "null"}, {"nbf": str(now)}, {"nbf": "0"}, {"iat": "0"}, {"exp": "4102444800"}):
        _expect_taken(context, token(**changes), str(changes))
