"""Login."""

import base64
import json
import statistics
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

from apis.contract import tokens
from apis.contract.checks import problems
from apis.contract.checks.answers import AccessToken, Account, Health
from apis.contract.checks.context import Context
from apis.contract.checks.expect import expect, expect_equal, expect_invalid, expect_json, expect_problem
from apis.contract.checks.model import check
from apis.contract.checks.wire import Answer
from apis.contract.seed import USER_COUNT, seeded_user

_CLOCKS_APART = 60
"""Seconds by which the target's clock may differ from the checks' own."""

_LOGINS_AT_ONCE = 24
"""Enough hashes to keep a few CPUs busy for some tenths of a second."""


def _log_in(context: Context, email: str, password: str) -> Answer:
    return context.post("/api/auth/login", {"email": email, "password": password})


def _decoded(part: str) -> object:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


@check()
def login_answers_a_token_with_the_claims(context: Context) -> None:
    """200 with an HS256 token of exactly the six claims, valid for an hour from now."""
    member = context.alice
    start = int(time.time())
    answer = expect_json(_log_in(context, member.email, member.password), 200, AccessToken)
    parts = answer.access_token.split(".")
    expect_equal(len(parts), 3, "parts of the token")
    expect_equal(_decoded(parts[0]), {"alg": "HS256", "typ": "JWT"}, "header of the token")
    window = range(start - _CLOCKS_APART, start + _CLOCKS_APART)
    possible = [tokens.claims_of(member.id, member.username, issued_at=second) for second in window]
    claims = _decoded(parts[1])
    expect(claims in possible, f"Claims: expected {possible[_CLOCKS_APART]} but for the clock, saw {claims}.")
    account = expect_json(context.get("/api/users/me", token=answer.access_token), 200, Account)
    expect_equal(account.id, member.id, "id of the token's user")


@check()
def login_folds_the_email(context: Context) -> None:
    """The email is found in any case."""
    expect_json(_log_in(context, context.alice.email.upper(), context.alice.password), 200, AccessToken)


@check()
def seeded_users_log_in(context: Context) -> None:
    """Hashes that another argon2 library made are verified."""
    for user_id in (1, USER_COUNT):
        user = seeded_user(user_id)
        answer = expect_json(_log_in(context, user.email, user.password), 200, AccessToken)
        account = expect_json(context.get("/api/users/me", token=answer.access_token), 200, Account)
        expected = Account(id=user.id, username=user.username, email=user.email, created_at=user.created_at)
        expect_equal(account, expected, "the seeded user")


@check("database")
def passwords_are_stored_as_the_contract_says(context: Context) -> None:
    """argon2id in PHC format, m=19456, t=2, p=1, a salt of 16 octets of its own and a hash of 32."""
    query = "SELECT password_hash FROM users WHERE id = ANY(%s)"
    rows = context.database.execute(query, ([context.alice.id, context.bob.id],)).fetchall()
    salts: set[str] = set()
    for (stored,) in rows:
        parts = str(stored).split("$")
        expect_equal(parts[:4], ["", "argon2id", "v=19", "m=19456,t=2,p=1"], "parameters of the stored hash")
        expect_equal([len(part) for part in parts[4:]], [22, 43], "lengths of salt and hash in base64")
        salts.add(parts[4])
    expect_equal(len(salts), 2, "distinct salts of two users")


@check()
def wrong_password_and_unknown_email_look_the_same(context: Context) -> None:
    """401 with one and the same body."""
    member = context.alice
    expect_problem(_log_in(context, member.email, member.password + "x"), problems.BAD_LOGIN)
    expect_problem(_log_in(context, member.email, member.password.swapcase()), problems.BAD_LOGIN)
    expect_problem(_log_in(context, context.bob.email, member.password), problems.BAD_LOGIN)
    expect_problem(_log_in(context, f"{context.new_name()}@example.test", member.password), problems.BAD_LOGIN)


@check(attempts=3)
def unknown_email_takes_as_long_as_a_wrong_password(context: Context) -> None:
    """The median time of the one is at least 0.6 of the other's: a missing hash would be a tenth or less."""

    def seconds(email: str) -> float:
        start = time.perf_counter()
        expect_problem(_log_in(context, email, "a wrong password"), problems.BAD_LOGIN)
        return time.perf_counter() - start

    known, unknown = context.alice.email, f"{context.new_name()}@example.test"
    pairs = [(seconds(known), seconds(unknown)) for _ in range(7)]
    wrong, nobody = (statistics.median(times) for times in zip(*pairs, strict=True))
    expect(
        nobody > 0.6 * wrong, f"Unknown email: expected about {wrong:.4f} s, as a wrong password, saw {nobody:.4f} s."
    )


@check(attempts=3)
def registration_hashes_before_it_inserts(context: Context) -> None:
    """A registration that finds its username taken takes as long as one that is done, at least 0.6 of it."""

    def seconds(username: str, status: int) -> float:
        registration = {"username": username, "email": f"{context.new_name()}@example.test", "password": "a password"}
        start = time.perf_counter()
        answer = context.post("/api/users", registration)
        expect_equal(answer.status, status, "status of a registration")
        return time.perf_counter() - start

    pairs = [(seconds(context.new_name(), 201), seconds(context.alice.username, 409)) for _ in range(7)]
    done, taken = (statistics.median(times) for times in zip(*pairs, strict=True))
    expect(taken > 0.6 * done, f"A taken username: expected about {done:.4f} s, as a registration, saw {taken:.4f} s.")


@check()
def login_validates_like_registration(context: Context) -> None:
    """422 for fields missing or out of bounds, in schema order."""
    expect_invalid(context.post("/api/auth/login", {}), ("email", problems.REQUIRED), ("password", problems.REQUIRED))
    expect_invalid(
        _log_in(context, "nobody", "short"), ("email", problems.EMAIL_RULE), ("password", problems.PASSWORD_RULE)
    )
    expect_invalid(_log_in(context, context.alice.email, "p" * 73), ("password", problems.PASSWORD_RULE))
    expect_invalid(_log_in(context, context.alice.email, "pass\0word"), ("password", problems.NO_NUL_RULE))
    answer = context.post("/api/auth/login", {"email": context.alice.email, "password": 12345678})
    expect_problem(answer, problems.BAD_JSON)


@check(attempts=3)
def hashing_does_not_hold_up_other_requests(context: Context) -> None:
    """`/healthz` is answered while most of a burst of logins still wait for their hash, since few are computed at once.

    Were all computed at once, the first would be done when most are.
    """
    email = context.alice.email
    with ThreadPoolExecutor(_LOGINS_AT_ONCE) as pool:
        logins = [pool.submit(_log_in, context, email, "a wrong password") for _ in range(_LOGINS_AT_ONCE)]
        wait(logins, return_when=FIRST_COMPLETED)
        expect_json(context.get("/healthz"), 200, Health)
        waiting = sum(not login.done() for login in logins)
    for login in logins:
        expect_problem(login.result(), problems.BAD_LOGIN)
    expect(
        waiting > _LOGINS_AT_ONCE // 2,
        f"/healthz: expected an answer while most of {_LOGINS_AT_ONCE} logins wait, saw {waiting} waiting.",
    )
