"""The database as the seed made it, whatever tests have written since."""

from apis.contract.checks import Target, open_context
from apis.contract.seed import POST_COUNT, USER_COUNT


def restore_seed(target: Target) -> None:
    """Remove the rows that the seed doesn't have, and all that Redis holds."""
    with open_context(target) as context:
        context.database.execute("DELETE FROM files")
        context.database.execute("DELETE FROM posts WHERE id > %s", (POST_COUNT,))
        context.database.execute("DELETE FROM users WHERE id > %s", (USER_COUNT,))
        context.redis.flushdb()  # pyright: ignore[reportUnknownMemberType]
