"""Sections 4 and 7 of the contract: whom an Authorization field speaks for."""

import base64
import hashlib
import hmac
import json
import re
import time
from typing import NamedTuple, cast

from tests.differential.model.expectation import NotComparedError

_BEARER = re.compile(rb"bearer +([^ ]+)", re.IGNORECASE)
_PART = re.compile(rb"[A-Za-z0-9_-]*")
_ID = re.compile(r"[1-9][0-9]{0,18}")
_USERNAME = re.compile(r"[a-z0-9_]{3,32}")

LARGEST_ID = 2**63 - 1

_NOT_COMPARED = 2**53
"""The contract leaves open whether a time from here on is taken: not every library holds it as an integer."""

_EARLIEST = -(2**63)
"""Few libraries hold an earlier time; the contract sets no lower bound."""


class Caller(NamedTuple):
    """Whom a valid token speaks for."""

    user_id: int
    username: str


def caller_of(authorizations: list[bytes], secret: str) -> Caller | None:
    """Whom the Authorization fields of a request speak for; None for a 401."""
    if len(authorizations) != 1:
        return None
    match = _BEARER.fullmatch(authorizations[0])
    return None if match is None else _verify(match[1], secret)


def _verify(token: bytes, secret: str) -> Caller | None:
    parts = token.split(b".")
    decoded = [octets for octets in map(_decode, parts) if octets is not None]
    if len(parts) != 3 or len(decoded) != 3:
        return None
    header, payload, signature = decoded
    signed = hmac.new(secret.encode(), b".".join(parts[:2]), hashlib.sha256).digest()
    if not hmac.compare_digest(signed, signature):
        return None
    algorithm, claims = _members(header), _members(payload)
    if algorithm is None or claims is None or algorithm.get("alg") != "HS256":
        return None
    return _accepted(claims)


def _decode(part: bytes) -> bytes | None:
    if not _PART.fullmatch(part) or len(part) % 4 == 1:
        return None
    octets = base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    return octets if base64.urlsafe_b64encode(octets).rstrip(b"=") == part else None


def _members(octets: bytes) -> dict[str, object] | None:
    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        if len(dict(pairs)) != len(pairs):
            raise NotComparedError
        return dict(pairs)

    try:
        value = json.loads(octets.decode(), object_pairs_hook=once)
    except ValueError:
        return None
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


def _accepted(claims: dict[str, object]) -> Caller | None:
    subject, name, audience = claims.get("sub"), claims.get("name"), claims.get("aud")
    if not isinstance(subject, str) or not is_id(subject):
        return None
    if not isinstance(name, str) or not _USERNAME.fullmatch(name) or claims.get("iss") != "fairground":
        return None
    if not _is_audience(audience):
        return None
    times = [claims.get("iat"), claims.get("exp"), *([] if claims.get("nbf") is None else [claims["nbf"]])]
    seconds = [value for value in times if isinstance(value, int) and not isinstance(value, bool)]
    if len(seconds) != len(times):
        return None
    if any(not _EARLIEST <= value < _NOT_COMPARED for value in seconds):
        raise NotComparedError
    now = time.time()
    if seconds[1] <= now or any(value > now for value in seconds[2:]):
        return None
    return Caller(int(subject), name)


def _is_audience(audience: object) -> bool:
    if not isinstance(audience, list):
        return audience == "fairground-api"
    listed = cast("list[object]", audience)
    return "fairground-api" in listed and all(isinstance(item, str) for item in listed)


def is_id(text: str) -> bool:
    """Whether a text is an id as in section 2."""
    return _ID.fullmatch(text) is not None and int(text) <= LARGEST_ID
