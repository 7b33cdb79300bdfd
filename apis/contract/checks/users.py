"""Registration, and reading users."""

from apis.contract.checks import problems
from apis.contract.checks.answers import Account, User
from apis.contract.checks.context import Context
from apis.contract.checks.expect import (
    expect_answer,
    expect_created,
    expect_equal,
    expect_invalid,
    expect_json,
    expect_problem,
)
from apis.contract.checks.model import check
from apis.contract.checks.wire import Answer

NOBODY = 9_000_000_000_000_000_000
"""An id that nothing has."""


def _registration(context: Context, **changes: object) -> dict[str, object]:
    username = context.new_name()
    return {"username": username, "email": f"{username}@example.test", "password": "a good password"} | changes


def _register(context: Context, **changes: object) -> Answer:
    return context.post("/api/users", _registration(context, **changes))


def _registered(context: Context, **changes: object) -> Account:
    return expect_created(_register(context, **changes), Account, "/api/users/")


@check()
def registration_answers_the_user_and_its_location(context: Context) -> None:
    """201 with id, username, email and created_at, and the user's path in `Location`."""
    name = context.new_name()
    answer = context.post("/api/users", _registration(context, username=name, email=f"{name}@example.test"))
    account = expect_created(answer, Account, "/api/users/")
    expect_equal((account.username, account.email), (name, f"{name}@example.test"), "username and email")


@check()
def email_is_stored_in_lower_case(context: Context) -> None:
    """A-Z in an email are folded."""
    name = context.new_name()
    account = _registered(context, username=name, email=f"{name.upper()}@EXAMPLE.Test")
    expect_equal(account.email, f"{name}@example.test", "email")


@check()
def user_is_read_without_email(context: Context) -> None:
    """200 with id, username and created_at, for GET and HEAD."""
    account = _registered(context)
    path = f"/api/users/{account.id}"
    user = expect_json(context.get(path), 200, User)
    expect_equal(user, User(id=account.id, username=account.username, created_at=account.created_at), "the user")
    head = context.send("HEAD", path)
    length = str(len(user.model_dump_json().encode()))
    expect_answer(head, 200, content_type="application/json")
    expect_equal(head.header("content-length"), length, "Content-Length of HEAD")
    expect_equal(head.body, b"", "body of HEAD")


@check()
def unknown_user_is_not_found(context: Context) -> None:
    """404 with the detail for a user."""
    expect_problem(context.get(f"/api/users/{NOBODY}"), problems.NO_USER)
    expect_problem(context.get("/api/users/9223372036854775807"), problems.NO_USER)
    expect_problem(context.send("HEAD", f"/api/users/{NOBODY}"), problems.NO_USER)


@check()
def me_is_the_user_of_the_token(context: Context) -> None:
    """200 with email, for the token's `sub`."""
    for member in (context.alice, context.bob):
        account = expect_json(context.get("/api/users/me", token=member.token), 200, Account)
        seen = (account.id, account.username, account.email)
        expect_equal(seen, (member.id, member.username, member.email), "id, username and email")


@check()
def me_needs_a_token(context: Context) -> None:
    """401 without one."""
    expect_problem(context.get("/api/users/me"), problems.BAD_TOKEN)
    expect_problem(context.send("HEAD", "/api/users/me"), problems.BAD_TOKEN)


@check()
def taken_username_or_email_is_a_conflict(context: Context) -> None:
    """409 that names what is taken; where both are, the username. Emails are compared folded."""
    taken = context.alice
    expect_problem(_register(context, username=taken.username), problems.USERNAME_TAKEN)
    expect_problem(_register(context, email=taken.email), problems.EMAIL_TAKEN)
    expect_problem(_register(context, email=taken.email.upper()), problems.EMAIL_TAKEN)
    expect_problem(_register(context, username=taken.username, email=taken.email), problems.USERNAME_TAKEN)
    expect_problem(_register(context, username=taken.username, email=context.bob.email), problems.USERNAME_TAKEN)


@check()
def values_on_the_bounds_are_taken(context: Context) -> None:
    """The shortest and longest username, email and password register."""
    name = context.new_name()
    _registered(context, username=(name + "_" * 32)[:32])
    _registered(context, email=f"{name}@{'x' * (253 - len(name))}")
    _registered(context, email=f"!#$%&'*+/=?^_`{{|}}~.\"<>\\{name}@x")
    for password in ("p" * 8, "p" * 72, "ééää", "p" * 68 + "😀"):
        _registered(context, password=password)


@check()
def three_characters_are_enough(context: Context) -> None:
    """The shortest username and email are taken, or found taken by an earlier run; they are not out of bounds."""
    for changes in ({"username": "a_0"}, {"email": "a@b"}):
        answer = _register(context, **changes)
        taken = problems.USERNAME_TAKEN if "username" in changes else problems.EMAIL_TAKEN
        if answer.status == 409:
            expect_problem(answer, taken)
        else:
            expect_created(answer, Account, "/api/users/")


@check()
def values_out_of_bounds_are_refused(context: Context) -> None:
    """422 with the field's message for each."""
    for username in ("", "ab", "a" * 33, "Alice", "al ice", "al-ice", "alicé", "ali\0ce", " alice", "alice\n"):
        expect_invalid(_register(context, username=username), ("username", problems.USERNAME_RULE))
    for email in (
        "",
        "a@",
        "@b",
        "ab@",
        "@ab",
        "abc",
        "a@b@c",
        "a b@c",
        "é@example.test",
        "a\0b@c",
        "a@b\n",
        "\x7fa@b",
        "a" * 250 + "@b.cd",
    ):
        expect_invalid(_register(context, email=email), ("email", problems.EMAIL_RULE))
    for password in ("", "p" * 7, "p" * 73, "é" * 37, "ééé"):
        expect_invalid(_register(context, password=password), ("password", problems.PASSWORD_RULE))
    for password in ("\0" * 8, "p" * 8 + "\0", "\0", "\0" * 80):
        expect_invalid(_register(context, password=password), ("password", problems.NO_NUL_RULE))


@check()
def missing_and_null_are_the_same(context: Context) -> None:
    """422 for a member that is missing or null, in schema order, once for each."""
    required = [(field, problems.REQUIRED) for field in ("username", "email", "password")]
    expect_invalid(context.post("/api/users", {}), *required)
    expect_invalid(context.post("/api/users", {"password": None, "email": None, "username": None}), *required)
    expect_invalid(_register(context, email=None), required[1])


@check()
def all_faults_are_listed_in_schema_order(context: Context) -> None:
    """One 422 lists every field at fault, however the members are ordered."""
    registration = {"password": "short", "email": "nobody", "username": "NO"}
    expect_invalid(
        context.post("/api/users", registration),
        ("username", problems.USERNAME_RULE),
        ("email", problems.EMAIL_RULE),
        ("password", problems.PASSWORD_RULE),
    )
    expect_invalid(
        context.post("/api/users", {"email": "nobody", "password": "a good password"}),
        ("username", problems.REQUIRED),
        ("email", problems.EMAIL_RULE),
    )


@check()
def unknown_members_are_ignored(context: Context) -> None:
    """Whatever their value; names are case-sensitive."""
    _registered(context, id=1, created_at={"a": [None, 1.5, {"username": 7}]}, Username=5, admin=True)
    registration = _registration(context)
    registration["Username"] = registration.pop("username")
    expect_invalid(context.post("/api/users", registration), ("username", problems.REQUIRED))
