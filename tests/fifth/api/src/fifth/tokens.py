"""Access tokens: JWTs signed with HS256.

Written here, since PyJWT looks at a header's `crit`, which the contract has nobody look at.
"""

import base64
import binascii
import hmac
import json
import time
from dataclasses import dataclass

from fifth.answers import to_json
from fifth.identifiers import is_username, parse_id

LIFETIME = 3_600
_ISSUER = "fairground"
_AUDIENCE = "fairground-api"
_HEADER = b'{"alg":"HS256","typ":"JWT"}'
_PARTS = 3


class BadTokenError(ValueError):
    """The token is refused."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whom a token was given to."""

    id: int
    username: str


class Tokens:
    """Mints and verifies, with one secret."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def mint(self, bearer: Bearer) -> str:
        """A token that is valid for an hour from now."""
        now = int(time.time())
        claims = {
            "sub": str(bearer.id),
            "name": bearer.username,
            "iat": now,
            "exp": now + LIFETIME,
            "iss": _ISSUER,
            "aud": _AUDIENCE,
        }
        signed = f"{_encode(_HEADER)}.{_encode(to_json(claims))}"
        return f"{signed}.{_encode(self._sign(signed))}"

    def verify(self, token: str) -> Bearer:
        """Whom the token was given to.

        Raises:
            BadTokenError: it is none, another signed it, or it isn't valid now.
        """
        parts = token.split(".")
        if len(parts) != _PARTS:
            raise BadTokenError
        header, payload, signature = map(_decode, parts)
        if _object(header).get("alg") != "HS256":
            raise BadTokenError
        if not hmac.compare_digest(signature, self._sign(f"{parts[0]}.{parts[1]}")):
            raise BadTokenError
        return _bearer(_object(payload))

    def _sign(self, signed: str) -> bytes:
        return hmac.digest(self._secret, signed.encode(), "sha256")


def _bearer(claims: dict[str, object]) -> Bearer:
    now = int(time.time())
    issued, expires, not_before = (claims.get(name) for name in ("iat", "exp", "nbf"))
    if not _is_time(issued) or not _is_time(expires) or not isinstance(expires, int) or expires <= now:
        raise BadTokenError
    if not_before is not None and (not _is_time(not_before) or not isinstance(not_before, int) or not_before > now):
        raise BadTokenError
    if claims.get("iss") != _ISSUER or not _is_audience(claims.get("aud")):
        raise BadTokenError
    subject, name = claims.get("sub"), claims.get("name")
    if not isinstance(subject, str) or not isinstance(name, str) or not is_username(name):
        raise BadTokenError
    identifier = parse_id(subject)
    if identifier is None:
        raise BadTokenError
    return Bearer(identifier, name)


def _is_audience(audience: object) -> bool:
    if not isinstance(audience, list):
        return audience == _AUDIENCE
    names = list[object](audience)
    return _AUDIENCE in names and all(isinstance(name, str) for name in names)


def _is_time(value: object) -> bool:
    """Whether it is an integer as it is written. JSON's true and false are such to Python, too."""
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def _object(octets: bytes) -> dict[str, object]:
    try:
        value: object = json.loads(octets.decode())
    except (ValueError, RecursionError) as error:
        raise BadTokenError from error
    if not isinstance(value, dict):
        raise BadTokenError
    return dict[str, object](value)


def _encode(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _decode(part: str) -> bytes:
    """The octets of a part; written as anything but their one encoding, it is refused."""
    try:
        octets = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError) as error:
        raise BadTokenError from error
    if _encode(octets) != part:
        raise BadTokenError
    return octets
