"""The seed as a file of SQL for psql."""

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from argon2.low_level import Type, hash_secret

from apis.contract.seed.content import (
    POST_COUNT,
    SEED,
    USER_COUNT,
    post_ids,
    seeded_post,
    seeded_user,
    user_ids,
)
from documents.errors import ContractError
from documents.files import replacing

SEED_SHA256 = "22231fcb2bc1af96818cbdf175f2a3e4525da5058ac15e00942c1b204244e8f7"
"""SHA-256 of the file that `write_seed` writes."""

_TABLES = (
    ("users", "id, username, email, password_hash, created_at", USER_COUNT),
    ("posts", "id, author_id, title, body, version, created_at, updated_at", POST_COUNT),
)
"""Each table with the columns of its COPY and the last id in it."""

_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def write_seed(path: Path) -> None:
    """Write the seed as SQL for `psql -q -v ON_ERROR_STOP=1 -f`, into a database that has the schema and no rows.

    The file appears whole or not at all.

    Raises:
        ContractError: the octets are not those recorded in SEED_SHA256, so this database would not compare
            with others.
        OSError: the file can't be written.
    """
    digest = hashlib.sha256()
    with replacing(path) as file:
        for line in _script():
            octets = line.encode()
            digest.update(octets)
            file.write(octets)
        if digest.hexdigest() != SEED_SHA256:
            raise ContractError(
                f"The seed has the checksum {digest.hexdigest()} instead of the recorded {SEED_SHA256}. If its content "
                "was changed on purpose, record the new one in apis/contract/seed/script.py; else this Python "
                "generates another seed than the one that results are compared on."
            )


def _script() -> Iterator[str]:
    yield "SET client_encoding = 'UTF8';\n"
    yield "BEGIN;\n"
    for (table, columns, last_id), lines in zip(_TABLES, (_user_lines(), _post_lines()), strict=True):
        yield f"COPY {table} ({columns}) FROM STDIN;\n"
        yield from lines
        yield "\\.\n"
        yield f"ALTER TABLE {table} ALTER COLUMN id RESTART WITH {last_id + 1};\n"
    yield "COMMIT;\n"


def _user_lines() -> Iterator[str]:
    for user in map(seeded_user, user_ids()):
        yield _copy_line(user.id, user.username, user.email, _password_hash(user.password), user.created_at)


def _post_lines() -> Iterator[str]:
    for post in map(seeded_post, post_ids()):
        yield _copy_line(post.id, post.author_id, post.title, post.body, 1, post.created_at, post.created_at)


def _copy_line(*values: str | int) -> str:
    """Write a row in the text format of COPY.

    Source: PostgreSQL 17 documentation, COPY, "Text Format".
    """
    return "\t".join(str(value).translate(_ESCAPES) for value in values) + "\n"


@cache
def _password_hash(password: str) -> str:
    """The hash in PHC format. Its salt follows from the password: the seed's passwords are no secrets."""
    salt = hashlib.sha256(f"{SEED} {password}".encode()).digest()[:16]
    return hash_secret(
        password.encode(), salt, time_cost=2, memory_cost=19_456, parallelism=1, hash_len=32, type=Type.ID
    ).decode()
