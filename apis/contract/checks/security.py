"""Tokens that must be refused, hostile input, and hostile connections."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping

from apis.contract import tokens
from apis.contract.checks import problems
from apis.contract.checks.answers import Account, Health
from apis.contract.checks.context import Context
from apis.contract.checks.expect import expect, expect_equal, expect_json, expect_problem
from apis.contract.checks.model import check
from apis.contract.checks.wire import Wire, request_octets

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

_SHA2 = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}

_INJECTIONS = (
    "'; DROP TABLE posts; --",
    "' OR '1'='1",
    "$1 %s %(x)s {0} ${jndi:ldap://127.0.0.1/}",
    "\\'; SELECT pg_sleep(5); --",
    "\r\nSET x y\r\n",
)

_HEAD_TAKEN = 16 * 1024
_HEAD_REFUSED = 20 * 1024 + 1


def _encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _signed(secret: str, claims: Mapping[str, object], algorithm: str = "HS256", *, key: bytes | None = None) -> str:
    """Write a token whose header names the algorithm, signed with that HMAC or, where it is none, with HS256."""
    header = json.dumps({"alg": algorithm, "typ": "JWT"}, separators=(",", ":")).encode()
    signed = f"{_encoded(header)}.{_encoded(json.dumps(claims, separators=(',', ':')).encode())}"
    digest = _SHA2.get(algorithm, hashlib.sha256)
    signature = hmac.new(secret.encode() if key is None else key, signed.encode(), digest).digest()
    return f"{signed}.{_encoded(signature)}"


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
        signature = _encoded(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())
        _expect_refused(context, f"Bearer {signed}.{signature}", f"the header {value} for {header}")


@check()
def signatures_are_verified_octet_for_octet(context: Context) -> None:
    """Another key, a changed part, a shortened, padded or non-canonical encoding: all refused."""
    secret = context.target.jwt_secret
    claims = tokens.claims_of(context.alice.id, context.alice.username)
    token = _signed(secret, claims)
    head, payload, signature = token.split(".")
    other = _encoded(json.dumps(tokens.claims_of(context.bob.id, context.bob.username)).encode())
    spare_bits = signature[:-1] + _ALPHABET[_ALPHABET.index(signature[-1]) ^ 1]
    flipped = ("B" if signature[0] == "A" else "A") + signature[1:]
    for what, bad in (
        ("another key", _signed(secret + "x", claims)),
        ("an empty key", _signed(secret, claims, key=b"")),
        ("another's claims", f"{head}.{other}.{signature}"),
        ("a changed signature", f"{head}.{payload}.{flipped}"),
        ("bits left over in the signature", f"{head}.{payload}.{spare_bits}"),
        ("a padded signature", f"{token}="),
        ("a shortened signature", token[:-2]),
        ("no signature", f"{head}.{payload}."),
        ("two parts", f"{head}.{payload}"),
        ("four parts", f"{token}.{signature}"),
        ("an empty fourth part", f"{token}."),
        ("the alphabet of plain base64", f"{head}.{payload}.{'+/' + signature[2:]}"),
        ("a claim set that is no JSON", _raw(secret, head, b"not json")),
        ("a claim set that is no object", _raw(secret, head, b"[]")),
        ("dots only", ".."),
    ):
        _expect_refused(context, f"Bearer {bad}", what)


def _raw(secret: str, head: str, payload: bytes) -> str:
    signed = f"{head}.{_encoded(payload)}"
    return f"{signed}.{_encoded(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())}"


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
    expect_json(context.get("/healthz", headers={"Authorization": "Bearer nonsense"}), 200, Health)


@check()
def hostile_texts_are_only_texts(context: Context) -> None:
    """SQL, templates and commands of Redis in texts are stored and read like any other."""
    for text in _INJECTIONS:
        post = context.new_post(title=text, body=text)
        for _ in range(2):
            expect_equal(
                context.get(f"/api/posts/{post.id}").body, post.model_dump_json().encode(), f"the post {text!r}"
            )
        answer = context.post("/api/auth/login", {"email": "a'--@b", "password": text + "12345678"})
        expect_problem(answer, problems.BAD_LOGIN)


@check()
def pipelined_requests_are_answered_in_order(context: Context) -> None:
    """Requests sent at once on a connection get their answers one by one, and the connection stays open."""
    posts = [context.new_post(title=f"Number {number}") for number in range(3)]
    body = b'{"title":""}'
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {context.alice.token}"}
    octets = (
        request_octets(f"GET /api/posts/{posts[0].id}")
        + request_octets("GET /healthz")
        + request_octets("POST /api/posts", headers=headers, body=body)
        + request_octets(f"HEAD /api/posts/{posts[1].id}")
        + request_octets(f"GET /api/posts/{posts[2].id}")
    )
    expected = (
        ("GET the first post in a pipeline", 200, posts[0].model_dump_json()),
        ("GET /healthz in a pipeline", 200, '{"status":"ok"}'),
        ("POST /api/posts in a pipeline", 422, None),
        ("HEAD the second post in a pipeline", 200, ""),
        ("GET the third post in a pipeline", 200, posts[2].model_dump_json()),
    )
    with Wire(context.target.base_url) as wire:
        wire.send(octets)
        for request, status, text in expected:
            answer = wire.require_answer(request)
            expect_equal(answer.status, status, f"{request}: status")
            if text is not None:
                expect_equal(answer.body, text.encode(), f"{request}: body")


@check()
def malformed_heads_get_a_4xx_or_nothing(context: Context) -> None:
    """Never a 2xx, no 5xx but those that RFC 9112 names, and the connection is of no further use."""
    follow_up = request_octets("GET /healthz")
    for octets, exception in (
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64) + b"\r\n\r\n", None),
        (b"GET\r\n\r\n", None),
        (b"GET /healthz\r\n\r\n", None),
        (b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n", 505),
        (b"GET /healthz HTTP/1.1\r\nHost x\r\n\r\n", None),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\nBad Name: y\r\n\r\n", None),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\nName : y\r\n\r\n", None),
        (b"G\x00T /healthz HTTP/1.1\r\nHost: x\r\n\r\n", None),
        (b"POST /api/users HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", None),
        (b"POST /api/users HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\n", None),
        (b"POST /api/users HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n12345", None),
        (b"POST /api/users HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", None),
        (b"POST /api/users HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: nonsense\r\n\r\n", 501),
    ):
        request = f"Malformed {octets[:70]!r}"
        with Wire(context.target.base_url) as wire:
            wire.send(octets)
            wire.send_if_open(follow_up)
            answer = wire.answer(request)
            status = None if answer is None else answer.status
            expect(
                status is None or status == exception or 400 <= status < 500,
                f"{request}: expected a 4xx or the connection closed, saw {status}.",
            )
            expect(wire.is_closed_within(5), f"{request}: expected the connection closed afterwards.")


@check()
def smuggled_requests_get_no_answer(context: Context) -> None:
    """With both lengths given, what one of them takes for a second request is never answered, and the end is near."""
    smuggled = request_octets("GET /healthz")
    body = b"0\r\n\r\n" + smuggled
    for lengths in (
        f"Content-Length: {len(body) - len(smuggled)}\r\nTransfer-Encoding: chunked",
        f"Content-Length: {len(body)}\r\nTransfer-Encoding: chunked",
        f"Transfer-Encoding: chunked\r\nContent-Length: {len(body)}",
    ):
        head = "POST /api/auth/login HTTP/1.1\r\nHost: fairground.test\r\nContent-Type: application/json\r\n"
        with Wire(context.target.base_url) as wire:
            wire.send(f"{head}{lengths}\r\n\r\n".encode() + body)
            first = wire.answer("POST /api/auth/login with both lengths")
            if first is None:
                continue
            expect(400 <= first.status < 500, f"Both lengths: expected a 4xx or the end, saw {first.status}.")
            rest = wire.rest(5)
            expect(rest is not None, "Both lengths: expected the connection closed after the answer, saw it open.")
            expect(rest == b"", f"Both lengths: the smuggled request was answered with {rest!r}.")


@check()
def head_has_a_limit(context: Context) -> None:
    """16 KiB of head and 64 fields are taken; more than 20 KiB get a 4xx or the connection closed."""
    base = request_octets("GET /healthz", headers={"X-Padding": ""})
    padding = "x" * (_HEAD_TAKEN - len(base))
    expect_json(context.exchange(request_octets("GET /healthz", headers={"X-Padding": padding})), 200, Health)
    fields = {f"X-Field-{number}": "x" * 100 for number in range(63)}
    expect_json(context.exchange(request_octets("GET /healthz", headers=fields)), 200, Health)
    long_query = "x" * (_HEAD_TAKEN - 100)
    expect_json(
        context.exchange(request_octets(f"GET /healthz?{long_query}"), request="GET /healthz?xxx…"), 200, Health
    )
    for octets in (
        request_octets("GET /healthz", headers={"X-Padding": "x" * _HEAD_REFUSED}),
        request_octets(f"GET /healthz?{'x' * _HEAD_REFUSED}"),
    ):
        with Wire(context.target.base_url) as wire:
            wire.send_if_open(octets)
            answer = wire.answer("GET with too large a head")
        status = None if answer is None else answer.status
        expect(status is None or 400 <= status < 500, f"A head over 20 KiB: expected a 4xx or the end, saw {status}.")


@check()
def slow_clients_are_given_up(context: Context) -> None:
    """A head that isn't complete after 10 s, however it trickles, and a body that stops for 10 s end the connection."""
    headers = {"Content-Type": "application/json", "Content-Length": "100"}
    with (
        Wire(context.target.base_url) as silent,
        Wire(context.target.base_url) as trickling,
        Wire(context.target.base_url) as stopped,
    ):
        silent.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        trickling.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        stopped.send(request_octets("POST /api/auth/login", headers=headers) + b'{"email":')
        start = time.monotonic()
        while time.monotonic() - start < 8:
            time.sleep(1)
            trickling.send_if_open(b"x")
        expect(not silent.is_closed_within(0.1), "A head was given up before 8 s: expected 10 s.")
        for wire, what in (
            (silent, "a head that stopped"),
            (trickling, "a head that trickles"),
            (stopped, "a body that stopped"),
        ):
            left = 15 - (time.monotonic() - start)
            expect(wire.is_closed_within(left), f"After 15 s with {what}: expected the connection closed.")
    expect_json(context.get("/healthz"), 200, Health)
