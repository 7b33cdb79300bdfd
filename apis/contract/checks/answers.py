"""The shapes of the contract's JSON answers: members of their types, in any order, and no others."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from documents.base import Document, Sha256

Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
Time = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$")]


class Author(Document):
    """The author within a post."""

    id: Id
    username: str


class User(Author):
    """A user as everyone sees it."""

    created_at: Time


class Account(User):
    """A user as they see themselves."""

    email: str


class AccessToken(Document):
    """What a login gives."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: Literal[3600]


class Post(Document):
    """A post."""

    id: Id
    author: Author
    title: str
    body: str
    version: Id
    created_at: Time
    updated_at: Time

    @property
    def tag(self) -> str:
        """Its ETag."""
        return f'"{self.id}-{self.version}"'


class PostPage(Document):
    """A page of posts."""

    items: tuple[Post, ...]
    next_before: Id | None


class StoredFile(Document):
    """An uploaded file."""

    id: Id
    filename: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$")]
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


class FieldError(Document):
    """A field that is wrong."""

    field: str
    message: str


class Problem(Document):
    """An error; a 422 has `errors`. It may have more members."""

    model_config = ConfigDict(extra="allow")

    title: Annotated[str, Field(min_length=1)]
    status: int
    errors: tuple[FieldError, ...] | None = None
