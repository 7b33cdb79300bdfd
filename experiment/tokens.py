"""Access tokens for the seeded users, minted for each cell with the lab's JWT secret.

They are secrets: they go to the host as a file of mode 0600 that is removed with the cell, never into the run's
folder, a command line or a log.
"""

from collections.abc import Iterable

from apis.contract.seed import seeded_user
from apis.contract.tokens import mint_token


def token_file(jwt_secret: str, users: Iterable[int], *, lifetime_seconds: int) -> bytes:
    """Mint a token for each of the seeded users, valid from now.

    The APIs don't compare a token's time of issue with their clock, so a host whose clock is behind accepts it as well.

    Args:
        jwt_secret: the key of HS256 that the APIs share.
        users: ids of seeded users.
        lifetime_seconds: how long the tokens hold.

    Returns:
        The file that `replay.lua` reads: a line ``<user id> <token>`` for each user.
    """
    tokens = (
        (user, mint_token(jwt_secret, user, seeded_user(user).username, lifetime=lifetime_seconds)) for user in users
    )
    return "".join(f"{user} {token}\n" for user, token in tokens).encode()
