"""The shapes of the contract's JSON answers: members in their order, of their types, and no others."""

from typing import Annotated, Literal

from pydantic import Field

from documents.base import Document, Sha256

Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
Time = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$")]


class User(Document):
    """A user as everyone sees it."""

    id: Id
    username: str
    created_at: Time


class Account(Document):
    """A user as they see themselves."""

    id: Id
    username: str
    email: str
    created_at: Time


class AccessToken(Document):
    """What a login gives."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: Literal[3600]


class Author(Document):
    """The author within a post."""

    id: Id
    username: str


class Post(Document):
    """A post."""

    id: Id
    author: Author
    title: str
    body: str
    version: Id
    created_at: Time
    updated_at: Time


class PostPage(Document):
    """A page of posts."""

    items: tuple[Post, ...]
    next_before: Id | None


class StoredFile(Document):
    """An uploaded file."""

    id: Id
    filename: str
    content_type: Literal["image/png", "image/jpeg", "image/webp", "application/pdf"]
    size: int
    sha256: Sha256


class Health(Document):
    """The process answers."""

    status: Literal["ok"]


class Readiness(Document):
    """Which services answer."""

    postgres: Literal["up", "down"]
    redis: Literal["up", "down"]
