"""Registration, login, tokens, and reading users."""

import statistics
import time
import warnings
from collections.abc import Mapping

import jwt

from apis.contract import tokens
from apis.contract.checks import expect
from apis.contract.checks.answers import AccessToken, Account, Problem, User
from apis.contract.checks.context import NOBODY, Context
from apis.contract.checks.model import CheckFailedError, check
from apis.contract.checks.wire import CONTENT_TYPE, PNG, Answer, Part, multipart
from apis.contract.seed import USER_COUNT, seeded_user

_CLOCKS_APART = 60
"""Seconds by which the target's clock may differ from the checks'."""


def _register(context: Context, **changes: object) -> Answer:
    name = context.new_name()
    registration = {"username": name, "email": f"{name}@example.test", "password": "a good password"}
    return context.post("/api/users", registration | changes)


def _log_in(context: Context, email: str, password: str) -> Answer:
    return context.post("/api/auth/login", {"email": email, "password": password})


@check()
def registration_answers_the_user_with_the_email_in_lower_case(context: Context) -> None:
    """201 with the user and its path in `Location`; everyone reads it without the email."""
    name = context.new_name()
    answer = _register(context, username=name, email=f"{name.upper()}@Example.TEST", admin=True)
    account = expect.created(answer, Account, "/api/users/")
    expect.equal((account.username, account.email), (name, f"{name}@example.test"), "username and email")
    user = expect.json(context.get(f"/api/users/{account.id}"), 200, User)
    expect.equal(user, User(id=account.id, username=name, created_at=account.created_at), "the user")
    expect.json(_log_in(context, f"{name}@EXAMPLE.test", "a good password"), 200, AccessToken)


@check()
def taken_username_or_email_is_a_conflict(context: Context) -> None:
    """409 for either and for both; emails are compared in lower case."""
    name, email = context.alice.username, context.alice.email.upper()
    for changes in ({"username": name}, {"email": email}, {"username": name, "email": email}):
        expect.problem(_register(context, **changes), 409)


@check()
def values_on_the_bounds_are_taken(context: Context) -> None:
    """The shortest and longest username and password and the longest email register, and log in."""
    name, label = context.new_name(), "d" * 61
    email = f"{name}{'x' * (64 - len(name))}@{label}.{label}.{label[1:]}.test"
    expect.equal(len(email), 254, "length of the email")
    expect.created(_register(context, username=(name + "_" * 32)[:32], email=email), Account, "/api/users/")
    # An earlier run may have taken it.
    expect.status(_register(context, username="a_0"), 201, 409)
    for password in ("p" * 8, "p" * 72, "ééää", " 345678 ", "p" * 68 + "😀"):
        email = f"A.b+c_d-1{context.new_name()}@x-1.example.test"
        account = expect.created(_register(context, email=email, password=password), Account, "/api/users/")
        expect.equal(account.email, email.lower(), "email")
        expect.json(_log_in(context, email, password), 200, AccessToken)


@check()
def values_out_of_bounds_are_refused(context: Context) -> None:
    """422 with each field that is wrong, or 400."""
    long = "a" * 250 + "@b.cd"
    wrong: dict[str, tuple[object, ...]] = {
        "username": (None, "", "ab", "a" * 33, "Alice", "al ice", "al-ice", "alicé", "ali\0ce", " alice", "alice\n"),
        "email": (None, "a\0b@example.test", long),
        "password": (None, "", "p" * 7, "p" * 73, "é" * 37, "ééé", "p" * 8 + "\0"),
    }
    for name, values in wrong.items():
        for value in values:
            expect.problem(_register(context, **{name: value}), 422, 400, fields=[name])
    for registration in ({}, {"username": "NO", "email": long, "password": "short"}):
        expect.problem(context.post("/api/users", registration), 422, 400, fields=list(wrong))
    expect.problem(context.post("/api/auth/login", {}), 422, 400, fields=["email", "password"])
    expect.problem(context.post("/api/auth/login", {"email": context.alice.email}), 422, 400, fields=["password"])


@check()
def login_answers_a_token_with_the_claims(context: Context) -> None:
    """200 with an HS256 token of exactly the six claims, valid for an hour from now, which is the user's."""
    for member in (context.alice, context.bob):
        start = int(time.time())
        token = expect.json(_log_in(context, member.email, member.password), 200, AccessToken).access_token
        secret, audience = context.target.jwt_secret, tokens.AUDIENCE
        try:
            claims = jwt.decode(token, secret, algorithms=["HS256"], audience=audience, leeway=_CLOCKS_APART)
        except jwt.InvalidTokenError as error:
            raise CheckFailedError(f"The token: expected one that is valid, saw {error}.") from error
        late = int(claims.get("iat", 0)) - start
        expected = tokens.claims_of(member.id, member.username, issued_at=start + late)
        expect.equal(claims, expected, "claims")
        expect.that(abs(late) <= _CLOCKS_APART, f"iat: expected about {start}, saw {start + late}.")
        for each in (token, member.token):
            account = expect.json(context.get("/api/users/me", token=each), 200, Account)
            seen = (account.id, account.username, account.email)
            expect.equal(seen, (member.id, member.username, member.email), "id, username and email")


@check()
def seeded_users_log_in(context: Context) -> None:
    """Hashes that another argon2 library made are verified."""
    for user in map(seeded_user, (1, USER_COUNT)):
        token = expect.json(_log_in(context, user.email, user.password), 200, AccessToken).access_token
        account = expect.json(context.get("/api/users/me", token=token), 200, Account)
        expected = Account(id=user.id, username=user.username, email=user.email, created_at=user.created_at)
        expect.equal(account, expected, "the seeded user")


@check("database")
def passwords_are_stored_as_the_contract_says(context: Context) -> None:
    """argon2id in PHC format, m=19456, t=2, p=1, a salt of 16 bytes for each and a hash of 32."""
    query = "SELECT password_hash FROM users WHERE id = ANY(%s)"
    rows = context.database.execute(query, ([context.alice.id, context.bob.id],)).fetchall()
    hashes = [str(row[0]).split("$") for row in rows]
    for stored in hashes:
        expect.equal(stored[:4], ["", "argon2id", "v=19", "m=19456,t=2,p=1"], "parameters of the stored hash")
        expect.equal([len(part) for part in stored[4:]], [22, 43], "lengths of salt and hash in base64")
    expect.equal(len({stored[4] for stored in hashes}), 2, "distinct salts of two users")


@check(attempts=3)
def wrong_password_and_unknown_email_look_the_same(context: Context) -> None:
    """401 with the same content; an unknown email takes 0.6 of a wrong password's median time or more.

    So does a login that was made before: its hash is computed again.
    """

    def timed(email: str, password: str) -> tuple[Answer, float]:
        start = time.perf_counter()
        answer = _log_in(context, email, password)
        return answer, time.perf_counter() - start

    alice, unknown = context.alice, f"{context.new_name()}@example.test"
    refused = [
        timed(alice.email, alice.password.swapcase())[0],
        timed(context.bob.email, alice.password)[0],
        timed(unknown, "a wrong password")[0],
    ]
    for answer in refused:
        expect.problem(answer, 401)
    contents = [Problem.model_validate_json(answer.body) for answer in refused]
    expect.equal(contents[1], contents[0], "the answer to another's password")
    expect.equal(contents[2], contents[0], "the answer to an unknown email")
    rounds = [
        (
            timed(alice.email, f"a wrong password {number}"),
            timed(unknown, "a wrong password"),
            timed(alice.email, alice.password),
        )
        for number in range(7)
    ]
    wrong, nobody, again = (statistics.median(seconds for _, seconds in column) for column in zip(*rounds, strict=True))
    expect.that(nobody > 0.6 * wrong, f"Unknown email: expected about {wrong:.4f} s, saw {nobody:.4f} s.")
    expect.that(again > 0.6 * wrong, f"The same login again: expected about {wrong:.4f} s, saw {again:.4f} s.")
    statuses = {tuple(answer.status for answer, _ in each) for each in rounds}
    expect.equal(statuses, {(401, 401, 200)}, "statuses of a wrong password, an unknown email and the right password")


@check()
def bad_tokens_are_refused(context: Context) -> None:
    """401 for other algorithms, keys, issuers and audiences, for expired tokens, without a claim, and for no token.

    There is no leeway. Other claims and the time of issue don't matter.
    """
    secret, alice = context.target.jwt_secret, context.alice
    issued = expect.json(_log_in(context, alice.email, alice.password), 200, AccessToken).access_token
    # On the target's clock, which may differ from this one.
    now = int(jwt.decode(issued, options={"verify_signature": False})["iat"])
    claims = tokens.claims_of(alice.id, alice.username, issued_at=now)

    def token(changes: Mapping[str, object] | None = None, *, key: str = secret, algorithm: str = "HS256") -> str:
        changed = {name: value for name, value in {**claims, **(changes or {})}.items() if value is not None}
        # For other algorithms the secret is short, of which PyJWT warns.
        with warnings.catch_warnings(action="ignore"):
            return jwt.encode(changed, "" if algorithm == "none" else key, algorithm=algorithm)

    for changes in ({"nbf": now - 60, "jti": "a", "roles": ["admin"]}, {"iat": now + 600}):
        expect.json(context.get("/api/users/me", token=token(changes)), 200, Account)
    head, _, signature = token().split(".")
    subjects = ("", "abc", "0", "-1", "9223372036854775808", "1; DROP TABLE users")
    bad = {
        "another key": token(key=secret + "x"),
        "the claims of another": f"{head}.{context.bob.token.split('.')[1]}.{signature}",
        "no signature": token().rpartition(".")[0] + ".",
        "two parts": token().rpartition(".")[0],
        "nonsense": "nonsense",
        **{f"another {name}": token({name: "another"}) for name in ("iss", "aud")},
        **{f"no {name}": token({name: None}) for name in ("iss", "aud", "exp", "sub", "name")},
        **{f"the sub {subject!r}": token({"sub": subject}) for subject in subjects},
        **{f"alg {algorithm}": token(algorithm=algorithm) for algorithm in ("none", "HS384", "HS512")},
        **{f"exp {age} s ago": token({"exp": now - age}) for age in (1, 30, 86_400)},
    }
    for what, value in bad.items():
        answer = context.get("/api/users/me", token=value)
        expect.that(answer.status == 401, f"A token with {what}: expected status 401, saw {answer.status}.")
        expect.unauthorized(answer)
    for fields in ({}, {"Authorization": "Bearer"}, {"Authorization": f"Basic {token()}"}, {"Authorization": token()}):
        expect.unauthorized(context.get("/api/users/me", headers=fields))


@check()
def routes_with_a_token_need_one(context: Context) -> None:
    """401 without a token; 401 or 404 for a user who isn't in the database, where the answer needs the user."""
    path, content, form = f"/api/posts/{context.new_post().id}", {"title": "t", "body": "b"}, multipart(Part(PNG))
    for answer in (
        context.get(f"/api/users/me?access_token={context.alice.token}"),
        context.post("/api/posts", content),
        context.put(path, content),
        context.delete(path),
        context.send("POST", "/api/files", content=form, headers={"Content-Type": CONTENT_TYPE}),
    ):
        expect.unauthorized(answer)
    token = tokens.mint_token(context.target.jwt_secret, NOBODY, "nobody")
    expect.problem(context.get("/api/users/me", token=token), 401, 404)
    expect.problem(context.post("/api/posts", content, token=token), 401, 404)
    expect.problem(context.upload(Part(PNG), token=token), 401, 404)
    expect.problem(context.put(path, content, token=token), 403)
    expect.problem(context.delete(path, token=token), 403)
