"""What the seeded database holds: 1,000 users and 10,000 posts, each a pure function of its id.

The users share a small number of passwords. An argon2id hash of the contract's parameters costs some 25 ms, so
a password for each user would make the seed cost half a minute of CPU and buy nothing: no measurement
depends on whether two users' hashes differ, and a login verifies the one hash that its user has.
"""

from datetime import UTC, datetime, timedelta

from pydantic import Field

from apis.contract.seed.text import Draw
from documents.base import Document

SEED = 20_260_131
"""The number from which all of the seed's texts and salts follow."""

USER_COUNT = 1_000
POST_COUNT = 10_000

PASSWORD_COUNT = 8
"""Distinct passwords, and distinct hashes, among the users."""

BODY_MINIMUM, BODY_MAXIMUM = 200, 4_000
"""Bounds of the length of a post's body, in characters."""

_FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_AUTHOR_STRIDE = 617
"""Prime to USER_COUNT, so that neighbouring posts have different authors and each user has equally many."""


class SeededUser(Document):
    """A user of the seeded database, with the password that logs them in. `created_at` is as the API shows it."""

    id: int
    username: str
    email: str
    password: str = Field(repr=False)
    created_at: str


class SeededPost(Document):
    """A post of the seeded database: version 1, updated when created. `created_at` is as the API shows it."""

    id: int
    author_id: int
    title: str
    body: str
    created_at: str


def user_ids() -> range:
    """The ids of the seeded users: 1 to USER_COUNT."""
    return range(1, USER_COUNT + 1)


def post_ids() -> range:
    """The ids of the seeded posts: 1 to POST_COUNT, the oldest first."""
    return range(1, POST_COUNT + 1)


def seeded_user(user_id: int) -> SeededUser:
    """Describe a seeded user.

    Raises:
        ValueError: no such user is seeded.
    """
    if user_id not in user_ids():
        raise ValueError(f"Users 1 to {USER_COUNT} are seeded; there is no user {user_id}.")
    username = f"user_{user_id:04d}"
    return SeededUser(
        id=user_id,
        username=username,
        email=f"{username}@example.test",
        password=f"seeded password {user_id % PASSWORD_COUNT}",
        created_at=_timestamp(timedelta(minutes=user_id)),
    )


def author_of(post_id: int) -> int:
    """The id of the user who owns a seeded post; each user owns POST_COUNT / USER_COUNT of them.

    Raises:
        ValueError: no such post is seeded.
    """
    if post_id not in post_ids():
        raise ValueError(f"Posts 1 to {POST_COUNT} are seeded; there is no post {post_id}.")
    return post_id * _AUTHOR_STRIDE % USER_COUNT + 1


def seeded_post(post_id: int) -> SeededPost:
    """Describe a seeded post.

    Raises:
        ValueError: no such post is seeded.
    """
    author_id = author_of(post_id)
    draw = Draw(SEED, post_id)
    return SeededPost(
        id=post_id,
        author_id=author_id,
        title=draw.title(),
        body=draw.body(draw.integer(BODY_MINIMUM, BODY_MAXIMUM)),
        created_at=_timestamp(timedelta(days=1, minutes=post_id, milliseconds=post_id % 1_000)),
    )


def _timestamp(since_first_day: timedelta) -> str:
    return (_FIRST_DAY + since_first_day).isoformat(timespec="milliseconds").replace("+00:00", "Z")
