"""Request files, a stream of HTTP/1.1 requests for each workload with the same bytes everywhere, and access tokens."""

import hashlib
import json
from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import TypeVar

from apis.contract.seed import SeededUser, author_of, post_ids, seeded_user, user_ids
from apis.contract.seed.content import BODY_MAXIMUM, BODY_MINIMUM
from apis.contract.seed.text import Draw
from apis.contract.tokens import mint_token
from documents.run import Workload

UPLOAD_BYTES = 32_768
"""The size of the file in an upload, without its multipart framing."""

EXPECTED_STATUS: dict[Workload, int] = {
    "read-post": 200,
    "list-posts": 200,
    "read-user": 200,
    "read-me": 200,
    "create-post": 201,
    "update-post": 200,
    "login": 200,
    "upload": 201,
}
"""The expected status of each workload with a single route; `mixed` has two, 200 and 201."""

MIXED_SHARES: dict[Workload, int] = {
    "read-post": 71,
    "list-posts": 15,
    "read-user": 5,
    "create-post": 5,
    "update-post": 4,
}
"""The routes of `mixed` in percent: exact in each hundred requests of the file."""

_POPULARITY_REQUESTS = 40_000
_LIST_REQUESTS = 4_000
_CREATE_REQUESTS = 4_000
_UPLOAD_REQUESTS = 256

_ONE_OLDER_PAGE_IN = 5
"""One list in five asks for an older page (`before`), the others for the first."""

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class RequestFile:
    """The requests of one workload. `users` are those whose tokens it needs, in rising order."""

    workload: Workload
    data: bytes
    users: tuple[int, ...]

    @property
    def sha256(self) -> str:
        """The SHA-256 of the file, as the manifest records it."""
        return hashlib.sha256(self.data).hexdigest()


def build_requests(workload: Workload, seed: int) -> RequestFile:
    """Build the request file of one workload over the seeded database; takes about a second at most."""
    source = _Source(Random(f"{seed}/{workload}"))  # noqa: S311 - a reproducible stream is wanted, not secrets
    data = b"".join(source.requests(workload))
    return RequestFile(workload=workload, data=data, users=tuple(sorted(source.users_with_token)))


class _Source:
    """Draws requests from one random sequence."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._texts = Draw(self._below(2**32), 1)
        self._users = tuple(map(seeded_user, user_ids()))
        # Zipf's law with exponent 1, over the posts in random order, so that popular ones are anywhere in the table.
        self._posts_by_rank = self._shuffled(post_ids())
        self._cumulative = tuple(accumulate(1 / rank for rank in range(1, len(self._posts_by_rank) + 1)))
        self.users_with_token: set[int] = set()

    def requests(self, workload: Workload) -> Iterator[bytes]:
        """The frames of a workload in their order."""
        match workload:
            case "mixed":
                yield from self._mixed()
            case "read-post":
                yield from self._repeated(_POPULARITY_REQUESTS, self._read_post)
            case "list-posts":
                yield from self._repeated(_LIST_REQUESTS, self._list_posts)
            case "read-user":
                yield from (self._read_user(user) for user in self._shuffled(self._users))
            case "read-me":
                yield from (self._frame("GET", "/api/users/me", user=user.id) for user in self._shuffled(self._users))
            case "create-post":
                yield from self._repeated(_CREATE_REQUESTS, self._create_post)
            case "update-post":
                yield from (self._update_post(post) for post in self._shuffled(self._posts_by_rank))
            case "login":
                yield from (self._login(user) for user in self._shuffled(self._users))
            case "upload":
                yield from (self._upload(number) for number in range(_UPLOAD_REQUESTS))

    def _mixed(self) -> Iterator[bytes]:
        # Updates don't follow the popularity of posts: authors edit their own posts, evenly spread.
        draws: dict[Workload, Callable[[], bytes]] = {
            "read-post": self._read_post,
            "list-posts": self._list_posts,
            "read-user": lambda: self._read_user(self._one_of(self._users)),
            "create-post": self._create_post,
            "update-post": lambda: self._update_post(self._one_of(self._posts_by_rank)),
        }
        hundred = [draws[route] for route, share in MIXED_SHARES.items() for _ in range(share)]
        for _ in range(_POPULARITY_REQUESTS // len(hundred)):
            for draw in self._shuffled(hundred):
                yield draw()

    @staticmethod
    def _repeated(count: int, draw: Callable[[], bytes]) -> Iterator[bytes]:
        return (draw() for _ in range(count))

    def _read_post(self) -> bytes:
        rank = bisect(self._cumulative, self._random.random() * self._cumulative[-1])
        return self._frame("GET", f"/api/posts/{self._posts_by_rank[rank]}")

    def _list_posts(self) -> bytes:
        if self._below(_ONE_OLDER_PAGE_IN):
            return self._frame("GET", "/api/posts")
        return self._frame("GET", f"/api/posts?before={self._one_of(self._posts_by_rank)}")

    def _read_user(self, user: SeededUser) -> bytes:
        return self._frame("GET", f"/api/users/{user.id}")

    def _create_post(self) -> bytes:
        return self._json("POST", "/api/posts", self._post(), user=self._one_of(self._users).id)

    def _update_post(self, post: int) -> bytes:
        return self._json("PUT", f"/api/posts/{post}", self._post(), user=author_of(post))

    def _login(self, user: SeededUser) -> bytes:
        return self._json("POST", "/api/auth/login", {"email": user.email, "password": user.password})

    def _upload(self, number: int) -> bytes:
        extension, content_type, first_bytes = (
            ("png", "image/png", b"\x89PNG\r\n\x1a\n") if number % 2 == 0 else ("pdf", "application/pdf", b"%PDF-1.7\n")
        )
        noise = hashlib.shake_256(f"{self._random.random()}".encode()).digest(UPLOAD_BYTES - len(first_bytes))
        boundary = f"fairground-{number:04d}"
        body = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="upload-{number}.{extension}"\r\n'
            f"Content-Type: {content_type}\r\n\r\n"
        ).encode() + b"".join((first_bytes, noise, f"\r\n--{boundary}--\r\n".encode()))
        user = self._one_of(self._users).id
        return self._frame("POST", "/api/files", user=user, body=body, kind=f"multipart/form-data; boundary={boundary}")

    def _json(self, method: str, path: str, value: dict[str, str], *, user: int | None = None) -> bytes:
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        return self._frame(method, path, user=user, body=body, kind="application/json")

    def _frame(
        self, method: str, path: str, *, user: int | None = None, body: bytes = b"", kind: str | None = None
    ) -> bytes:
        fields = ["Host: {host}"]
        if user is not None:
            self.users_with_token.add(user)
            fields.append(f"Authorization: Bearer {{token:{user}}}")
        if kind is not None:
            fields += [f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
        head = "\r\n".join((f"{method} {path} HTTP/1.1", *fields, "", "")).encode()
        return b"%d %d\n%b%b\n" % (len(head), len(body), head, body)

    def _post(self) -> dict[str, str]:
        """A title and a body like the seeded ones."""
        return {"title": self._texts.title(), "body": self._texts.body(self._texts.integer(BODY_MINIMUM, BODY_MAXIMUM))}

    def _below(self, limit: int) -> int:
        return int(self._random.random() * limit)

    def _one_of(self, items: Sequence[_Item]) -> _Item:
        return items[self._below(len(items))]

    def _shuffled(self, items: Iterable[_Item]) -> list[_Item]:
        """The items in random order (Fisher and Yates)."""
        shuffled = list(items)
        for last in range(len(shuffled) - 1, 0, -1):
            other = self._below(last + 1)
            shuffled[last], shuffled[other] = shuffled[other], shuffled[last]
        return shuffled


def token_file(jwt_secret: str, users: Iterable[int], *, lifetime_seconds: int) -> bytes:
    """Create a token for each of the seeded users, valid from now.

    The APIs don't compare a token's time of issue with their clock, so a host whose clock is behind accepts it too.

    Returns:
        The file that `replay.lua` reads: a line ``<user id> <token>`` for each user.
    """
    tokens = (
        (user, mint_token(jwt_secret, user, seeded_user(user).username, lifetime=lifetime_seconds)) for user in users
    )
    return "".join(f"{user} {token}\n" for user, token in tokens).encode()
