"""What one implementation was made to hold: users, posts and files, under ids that are its own."""

import json
from dataclasses import dataclass, field


@dataclass
class KnownUser:
    """A user and all that is known of them."""

    id: int
    username: str
    email: str
    password: str
    created_at: str

    def public(self) -> bytes:
        """The body of the 200 that anyone gets."""
        return written({"id": self.id, "username": self.username, "created_at": self.created_at})

    def own(self) -> bytes:
        """The body of the 200 that they get themselves."""
        return written({"id": self.id, "username": self.username, "email": self.email, "created_at": self.created_at})


@dataclass
class KnownPost:
    """A post, and whether Redis holds it: None where an answer that isn't compared may have filled it."""

    id: int
    author_id: int
    author_name: str
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
        """The members of the post, in order."""
        return {
            "id": self.id,
            "author": {"id": self.author_id, "username": self.author_name},
            "title": self.title,
            "body": self.body,
            "version": self.version,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }


@dataclass
class KnownFile:
    """A file."""

    id: int
    filename: str
    content_type: str
    content: bytes


@dataclass
class World:
    """What an implementation holds; lists grow alike for all implementations, so that an index means the same."""

    secret: str
    users: list[KnownUser] = field(default_factory=list[KnownUser])
    posts: list[KnownPost] = field(default_factory=list[KnownPost])
    files: list[KnownFile] = field(default_factory=list[KnownFile])

    def user(self, user_id: int) -> KnownUser | None:
        return next((user for user in self.users if user.id == user_id), None)

    def post(self, post_id: int) -> KnownPost | None:
        return next((post for post in self.posts if post.id == post_id), None)

    def forget_cached(self) -> None:
        """Assume no longer that Redis holds a post, nor that it doesn't."""
        for post in self.posts:
            post.is_cached = None

    def file(self, file_id: int) -> KnownFile | None:
        return next((file for file in self.files if file.id == file_id), None)


def written(value: object) -> bytes:
    """JSON in the contract's one way of writing it.

    Python's own, told to leave non-ASCII and to put no spaces, is exactly that: section 5 of the contract.
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
