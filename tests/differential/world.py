"""What one implementation was made to hold: users, posts and files, under ids of its own.

A request may name them by holes, which the world fills: `<<post:0>>` is the id of the first post of a program,
`<<tag:0>>` its ETag; there are `<<user:0>>`, `<<name:0>>`, `<<email:0>>`, `<<EMAIL:0>>`, `<<password:0>>` and
`<<file:0>>`. The number begins again behind the last. `<<nonce>>` is a word that no other world has.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from apis.contract.checks.context import NOBODY
from apis.contract.seed import POST_COUNT, USER_COUNT, seeded_post, seeded_user

_HOLE = re.compile(r"<<(?:nonce|([a-zA-Z]+):(\d+))>>")

_PAGE = """
    SELECT json_build_object(
        'id', posts.id, 'author', json_build_object('id', users.id, 'username', users.username), 'title', posts.title,
        'body', posts.body, 'version', posts.version,
        'created_at', to_char(posts.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'updated_at', to_char(posts.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
    FROM posts JOIN users ON users.id = posts.author_id
    WHERE posts.id < coalesce(%(before)s, 9223372036854775807) ORDER BY posts.id DESC LIMIT %(limit)s + 1
"""


@dataclass
class User:
    """A user."""

    id: int
    username: str
    email: str
    password: str
    created_at: str

    def shown(self, *, with_email: bool = False) -> dict[str, object]:
        """The user as JSON, for everyone or for themselves."""
        email = {"email": self.email} if with_email else {}
        return {"id": self.id, "username": self.username, **email, "created_at": self.created_at}


@dataclass
class Post:
    """A post. `is_cached` says whether Redis holds it; None means that it isn't known."""

    id: int
    author: User
    title: str
    body: str
    version: int
    created_at: str
    updated_at: str
    is_cached: bool | None = False
    is_deleted: bool = False

    @property
    def tag(self) -> str:
        return f'"{self.id}-{self.version}"'

    def shown(self) -> dict[str, object]:
        """The post as JSON."""
        return {
            "id": self.id,
            "author": {"id": self.author.id, "username": self.author.username},
            "title": self.title,
            "body": self.body,
            "version": self.version,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }


@dataclass
class File:
    """A file."""

    id: int
    filename: str
    content_type: str
    content: bytes


@dataclass
class World:
    """What an implementation holds. Its lists grow like those of the others."""

    secret: str = field(repr=False)
    nonce: str
    users: list[User] = field(default_factory=list[User])
    posts: list[Post] = field(default_factory=list[Post])
    files: list[File] = field(default_factory=list[File])

    def user(self, user_id: int) -> User | None:
        """The user with an id, a seeded one among them."""
        if 1 <= user_id <= USER_COUNT:
            seeded = seeded_user(user_id)
            return User(seeded.id, seeded.username, seeded.email, seeded.password, seeded.created_at)
        return next((user for user in self.users if user.id == user_id), None)

    def user_of(self, email: str) -> User | None:
        """The user with an email, a seeded one among them."""
        match = re.fullmatch(r"user_(\d{4})@example\.test", email)
        return self.user(int(match[1])) if match else next((user for user in self.users if user.email == email), None)

    def is_taken(self, username: str, email: str) -> bool:
        """Whether a user has the name or the email."""
        match = re.fullmatch(r"user_(\d{4})", username)
        seeded = match is not None and self.user(int(match[1])) is not None
        return seeded or self.user_of(email) is not None or any(user.username == username for user in self.users)

    def post(self, post_id: int) -> Post | None:
        """The post with an id, a seeded one among them."""
        if 1 <= post_id <= POST_COUNT:
            seeded = seeded_post(post_id)
            author = self.user(seeded.author_id)
            assert author is not None
            time = seeded.created_at
            return Post(post_id, author, seeded.title, seeded.body, 1, time, time, is_cached=None)
        return next((post for post in self.posts if post.id == post_id and not post.is_deleted), None)

    def file(self, file_id: int) -> File | None:
        """The file with an id."""
        return next((file for file in self.files if file.id == file_id), None)

    def fill(self, text: str) -> str:
        """Fill the holes of a text."""
        return _HOLE.sub(self._value, text)

    def _value(self, match: "re.Match[str]") -> str:
        if match[1] is None:
            return self.nonce
        return _HOLES[match[1]](self, int(match[2]))


_HOLES: dict[str, Callable[[World, int], str]] = {
    "user": lambda world, number: str(world.users[number % len(world.users)].id),
    "name": lambda world, number: world.users[number % len(world.users)].username,
    "email": lambda world, number: world.users[number % len(world.users)].email,
    "EMAIL": lambda world, number: world.users[number % len(world.users)].email.upper(),
    "password": lambda world, number: world.users[number % len(world.users)].password,
    "post": lambda world, number: str(world.posts[number % len(world.posts)].id),
    "tag": lambda world, number: world.posts[number % len(world.posts)].tag,
    "file": lambda world, number: str(world.files[number % len(world.files)].id if world.files else NOBODY),
}


def read_page(database: "psycopg.Connection[tuple[Any, ...]]", limit: int, before: int | None) -> dict[str, object]:
    """The page of posts as PostgreSQL has it: all implementations, and other tests, write posts."""
    rows = [row[0] for row in database.execute(_PAGE, {"before": before, "limit": limit}).fetchall()]
    return {"items": rows[:limit], "next_before": rows[limit - 1]["id"] if len(rows) > limit else None}
