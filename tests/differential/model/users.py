"""Registration and login in the model."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping

from apis.contract.checks import problems
from apis.contract.seed import USER_COUNT, seeded_user
from tests.differential.model.expectation import JSON, Expected, problem
from tests.differential.model.json_body import LOGIN, REGISTRATION
from tests.differential.model.json_request import read_json
from tests.differential.model.upload import Upload
from tests.differential.request import Request
from tests.differential.world import KnownUser, World, written

_ID = rb"(?P<id>[1-9]\d{0,18})"
_TIME = rb"(?P<created>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)"
_SEEDED_NAME = re.compile(r"user_(\d{4})")


def register(world: World, request: Request) -> Expected:
    """What a registration gets."""
    read = read_json(request, REGISTRATION)
    if isinstance(read, Expected):
        return read
    username, email, password = read["username"], folded(read["email"]), read["password"]
    if _is_seeded(username) or any(user.username == username for user in world.users):
        return problem(problems.USERNAME_TAKEN)
    if _is_seeded(email.removesuffix("@example.test")) or any(user.email == email for user in world.users):
        return problem(problems.EMAIL_TAKEN)
    rest = written({"username": username, "email": email})[1:-1]
    pattern = re.compile(rb'\{"id":' + _ID + b"," + re.escape(rest) + rb',"created_at":"' + _TIME + rb'"\}')

    def learn(groups: Mapping[str, bytes]) -> None:
        world.users.append(KnownUser(int(groups["id"]), username, email, password, groups["created"].decode()))

    return Expected(201, JSON, pattern, headers={"location": "/api/users/{id}"}, learn=learn)


def log_in(world: World, request: Request) -> Expected:
    """What a login gets."""
    read = read_json(request, LOGIN)
    if isinstance(read, Expected):
        return read
    email, password = folded(read["email"]), read["password"]
    user = _found(world, email)
    if user is None or user.password != password:
        return problem(problems.BAD_LOGIN)
    pattern = re.compile(rb'\{"access_token":"(?P<token>[A-Za-z0-9_.-]+)","token_type":"Bearer","expires_in":3600\}')
    return Expected(200, JSON, pattern, inspect=lambda groups: token_fault(groups["token"], world.secret, user))


def token_fault(token: bytes, secret: str, user: KnownUser) -> str | None:
    """Tell how a token that a login gave isn't the contract's."""
    signed, _, signature = token.rpartition(b".")
    digest = base64.urlsafe_b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).rstrip(b"=")
    if not hmac.compare_digest(digest, signature):
        return "expected a token signed with the secret"
    header, claims = (
        json.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))) for part in signed.split(b".")
    )
    if header != {"alg": "HS256", "typ": "JWT"}:
        return f"expected the header of section 7 in the token, saw {header}"
    issued = claims.get("iat")
    expected = {
        "sub": str(user.id),
        "name": user.username,
        "iat": issued,
        "exp": issued + 3600 if isinstance(issued, int) else None,
        "iss": "fairground",
        "aud": "fairground-api",
    }
    return None if claims == expected else f"expected the claims {expected} in the token, saw {claims}"


def file_pattern(taken: Upload) -> "re.Pattern[bytes]":
    """The body of an upload's 201."""
    rest = written(
        {
            "filename": taken.filename,
            "content_type": taken.content_type,
            "size": len(taken.content),
            "sha256": hashlib.sha256(taken.content).hexdigest(),
        }
    )
    return re.compile(rb'\{"id":' + _ID + b"," + re.escape(rest[1:]))


def folded(email: str) -> str:
    """The email with A to Z in lower case; it has no other letters that fold."""
    return email.lower()


def _found(world: World, email: str) -> KnownUser | None:
    user = next((user for user in world.users if user.email == email), None)
    name = email.removesuffix("@example.test")
    if user is not None or not _is_seeded(name):
        return user
    seeded = seeded_user(int(name[-4:]))
    return KnownUser(seeded.id, seeded.username, seeded.email, seeded.password, seeded.created_at)


def _is_seeded(username: str) -> bool:
    match = _SEEDED_NAME.fullmatch(username)
    return match is not None and 1 <= int(match[1]) <= USER_COUNT
