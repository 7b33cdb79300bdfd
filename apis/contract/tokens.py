"""Access tokens as the contract has them, minted where the secret is known."""

import time

import jwt

ISSUER = "fairground"
AUDIENCE = "fairground-api"
LIFETIME = 3_600
"""Seconds that a token of the API is valid."""

Claims = dict[str, str | int | list[str]]


def claims_of(user_id: int, username: str, *, issued_at: int | None = None, lifetime: int = LIFETIME) -> Claims:
    """The claims of a token for the user.

    Args:
        user_id: the user's id.
        username: the user's name, which the API shows as the author's in what it answers to a creation or update.
        issued_at: seconds since 1970; now unless given.
        lifetime: seconds from then to its expiry.
    """
    start = int(time.time()) if issued_at is None else issued_at
    return {
        "sub": str(user_id),
        "name": username,
        "iat": start,
        "exp": start + lifetime,
        "iss": ISSUER,
        "aud": AUDIENCE,
    }


def mint_token(secret: str, user_id: int, username: str, *, lifetime: int = LIFETIME) -> str:
    """Mint the token that a login of the user would give, without asking the API."""
    return jwt.encode(dict(claims_of(user_id, username, lifetime=lifetime)), secret, algorithm="HS256")
