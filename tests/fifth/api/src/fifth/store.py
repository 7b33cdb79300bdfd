"""The statements: one method for each, with the rows as the contract shows them."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from fifth.answers import Document, to_time
from fifth.database import Database, Row
from fifth.tokens import Bearer

_POST = """
    SELECT posts.id, posts.author_id, users.username, posts.title, posts.body, posts.version, posts.created_at,
           posts.updated_at
    FROM posts JOIN users ON users.id = posts.author_id
"""
_FIELD_OF_KEY = {"users_username_key": "username", "users_email_key": "email"}


class TakenError(Exception):
    """Another user has this username or email; `field` says which."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class NoSuchUserError(Exception):
    """The user isn't in the database."""


@dataclass(frozen=True, slots=True)
class User:
    """A user."""

    id: int
    username: str
    email: str
    password_hash: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Post:
    """A post, with its author's name."""

    id: int
    author: Bearer
    title: str
    body: str
    version: int
    created_at: datetime
    updated_at: datetime

    @property
    def tag(self) -> str:
        """Its ETag."""
        return f'"{self.id}-{self.version}"'

    def document(self) -> Document:
        """The post as it is sent."""
        return {
            "id": self.id,
            "author": {"id": self.author.id, "username": self.author.username},
            "title": self.title,
            "body": self.body,
            "version": self.version,
            "created_at": to_time(self.created_at),
            "updated_at": to_time(self.updated_at),
        }


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What is known of a file; `storage_name` is where its content is."""

    filename: str
    content_type: str
    size: int
    sha256: str
    storage_name: str


class Store:
    """The database, by what is asked of it. Every method may raise `UnavailableError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def answers(self) -> None:
        """Ask for nothing but an answer."""
        await self._database.row("SELECT 1")

    async def add_user(self, username: str, email: str, password_hash: str) -> tuple[int, datetime]:
        """Insert a user; returns its id, and when it was made.

        Raises:
            TakenError: another user has the username or the email.
        """
        statement = """
            INSERT INTO users (username, email, password_hash) VALUES ($1, $2, $3) RETURNING id, created_at
        """
        try:
            row = await self._database.row(statement, username, email, password_hash)
        except asyncpg.UniqueViolationError as error:
            raise TakenError(_FIELD_OF_KEY[error.constraint_name or ""]) from error
        assert row is not None  # noqa: S101 - RETURNING gives one
        return row["id"], row["created_at"]

    async def user_of_email(self, email: str) -> User | None:
        """The user who has the email."""
        return _user(await self._database.row(f"{_USER} WHERE email = $1", email))

    async def user(self, identifier: int) -> User | None:
        """The user of the id."""
        return _user(await self._database.row(f"{_USER} WHERE id = $1", identifier))

    async def newest_posts(self, count: int, before: int | None) -> list[Post]:
        """The posts with the highest ids, highest first; of those below `before` where it is given."""
        if before is None:
            rows = await self._database.rows(f"{_POST} ORDER BY posts.id DESC LIMIT $1", count)
        else:
            rows = await self._database.rows(
                f"{_POST} WHERE posts.id < $2 ORDER BY posts.id DESC LIMIT $1", count, before
            )
        return [_post(row) for row in rows]

    async def post(self, identifier: int) -> Post | None:
        """The post of the id."""
        row = await self._database.row(f"{_POST} WHERE posts.id = $1", identifier)
        return None if row is None else _post(row)

    async def add_post(self, author: Bearer, title: str, body: str) -> Post:
        """Insert a post.

        Raises:
            NoSuchUserError: its author isn't in the database.
        """
        statement = """
            INSERT INTO posts (author_id, title, body) VALUES ($1, $2, $3)
            RETURNING id, version, created_at, updated_at
        """
        try:
            row = await self._database.row(statement, author.id, title, body)
        except asyncpg.ForeignKeyViolationError as error:
            raise NoSuchUserError from error
        assert row is not None  # noqa: S101 - RETURNING gives one
        return Post(row["id"], author, title, body, row["version"], row["created_at"], row["updated_at"])

    async def change_post(self, identifier: int, author: Bearer, title: str, body: str) -> Post | None:
        """Update a post of this author; None where there is no such post of theirs."""
        statement = """
            UPDATE posts SET title = $3, body = $4, version = version + 1, updated_at = now()
            WHERE id = $1 AND author_id = $2 RETURNING version, created_at, updated_at
        """
        row = await self._database.row(statement, identifier, author.id, title, body)
        if row is None:
            return None
        return Post(identifier, author, title, body, row["version"], row["created_at"], row["updated_at"])

    async def remove_post(self, identifier: int, author: Bearer) -> bool:
        """Delete a post of this author; False where there is no such post of theirs."""
        statement = "DELETE FROM posts WHERE id = $1 AND author_id = $2 RETURNING id"
        return await self._database.row(statement, identifier, author.id) is not None

    async def is_post(self, identifier: int) -> bool:
        """Whether there is a post of the id, whoever wrote it."""
        return await self._database.row("SELECT id FROM posts WHERE id = $1", identifier) is not None

    async def add_file(self, owner: Bearer, file: StoredFile) -> int:
        """Insert a file; returns its id.

        Raises:
            NoSuchUserError: its owner isn't in the database.
        """
        statement = """
            INSERT INTO files (owner_id, filename, content_type, size, sha256, storage_name)
            VALUES ($1, $2, $3, $4, $5, $6) RETURNING id
        """
        values = (owner.id, file.filename, file.content_type, file.size, file.sha256, file.storage_name)
        try:
            row = await self._database.row(statement, *values)
        except asyncpg.ForeignKeyViolationError as error:
            raise NoSuchUserError from error
        assert row is not None  # noqa: S101 - RETURNING gives one
        identifier: int = row["id"]
        return identifier

    async def file(self, identifier: int) -> StoredFile | None:
        """The file of the id."""
        statement = "SELECT filename, content_type, size, sha256, storage_name FROM files WHERE id = $1"
        row = await self._database.row(statement, identifier)
        return None if row is None else StoredFile(*row)


_USER = "SELECT id, username, email, password_hash, created_at FROM users"


def _user(row: Row | None) -> User | None:
    return None if row is None else User(*row)


def _post(row: Row) -> Post:
    return Post(
        row["id"],
        Bearer(row["author_id"], row["username"]),
        row["title"],
        row["body"],
        row["version"],
        row["created_at"],
        row["updated_at"],
    )
