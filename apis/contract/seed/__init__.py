"""The seeded database: who and what is in it, and the SQL that puts it there, the same octets every time."""

from apis.contract.seed.content import (
    POST_COUNT,
    USER_COUNT,
    SeededUser,
    author_of,
    post_ids,
    seeded_post,
    seeded_user,
    user_ids,
)
from apis.contract.seed.script import SEED_SHA256, write_seed

__all__ = [
    "POST_COUNT", "SEED_SHA256", "USER_COUNT", "SeededUser", "author_of", "post_ids", "seeded_post", "seeded_user",
    "user_ids", "write_seed",
]  # fmt: skip
