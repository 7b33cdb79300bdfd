"""Requests with holes, see `world.py`: what a program is made of."""

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from tests.differential.world import World

Headers = tuple[tuple[str, str], ...]

Verdict = Literal["good", "wrong", "open"]
"""What the contract says of a part of a request: correct, a fault of its table, or free."""

_NOW = re.compile(r"<<now([+-]\d+)>>")
_BOUNDARY = b"fairground-7MA4YWxkTrZu0gW"
_CHUNK = 1_000


@dataclass(frozen=True)
class Token:
    """An access token, signed when it is sent. In its claims `<<now+5>>` stands for seconds since 1970.

    Attributes:
        user: The id of the user that a good one is for.
        name: Their name.
        claims: JSON texts by name, beside the usual claims or in place of them; an empty one removes a claim.
        payload: All claims as one text, in place of these.
        header: The first part.
        key: Another key than the secret.
        digest: Another digest than SHA-256.
        signature: What stands for the signature and the dot before it.
        verdict: What the contract says of the token.
    """

    user: str = "<<user:0>>"
    name: str = "<<name:0>>"
    claims: Mapping[str, str] = field(default_factory=dict[str, str])
    payload: str | None = None
    header: str = '{"alg":"HS256","typ":"JWT"}'
    key: str | None = None
    digest: str = "sha256"
    signature: str | None = None
    verdict: Verdict = "good"

    def text(self, world: World) -> str:
        """The token for a world."""
        usual = {
            "sub": json.dumps(self.user),
            "name": json.dumps(self.name),
            "iat": "<<now+0>>",
            "exp": "<<now+3600>>",
            "iss": '"fairground"',
            "aud": '"fairground-api"',
        }
        members = ",".join(f'"{name}":{text}' for name, text in {**usual, **self.claims}.items() if text)
        payload = "{" + members + "}" if self.payload is None else self.payload
        payload = _NOW.sub(lambda match: str(int(time.time()) + int(match[1])), world.fill(payload))
        signed = ".".join(_encoded(part.encode()) for part in (self.header, payload))
        key = world.secret if self.key is None else self.key
        digest = hmac.new(key.encode(), signed.encode(), getattr(hashlib, self.digest)).digest()
        return signed + (f".{_encoded(digest)}" if self.signature is None else self.signature)


def _encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


@dataclass(frozen=True)
class Json:
    """A JSON body: its members, and how they are written.

    Attributes:
        members: Values by name.
        octets: Sent in place of them; `verdict` is about these.
        ascii: Whether everything beyond ASCII is escaped.
        size: Blanks make the body so long.
        verdict: `open` where a reader may find other members than these.
    """

    members: Mapping[str, object] = field(default_factory=dict[str, object])
    octets: bytes | None = None
    ascii: bool = True
    size: int = 0
    verdict: Verdict = "good"
    media_type: str = "application/json"

    def render(self, world: World) -> bytes:
        """The body for a world."""
        if self.octets is not None:
            return world.fill(self.octets.decode("latin-1")).encode("latin-1")
        text = world.fill(json.dumps(self.members, ensure_ascii=self.ascii))
        return (text[:-1].ljust(self.size - 1) + "}").encode()

    def read(self, world: World) -> dict[str, object]:
        """The members for a world."""
        return json.loads(world.fill(json.dumps(self.members)))


@dataclass(frozen=True)
class Form:
    """An upload: a body of multipart/form-data with one part, and what is around it.

    Attributes:
        filename: As it is sent, without quotes in it.
        content: The file.
        declared: The part's `Content-Type`; None where it has none.
        disposition: The part's `Content-Disposition`, with `{filename}` in it.
        before: Octets before the first delimiter.
        after: Octets in place of the last delimiter.
        verdict: About the form; file name, type and size are judged apart.
    """

    filename: str = "a.png"
    content: bytes = b""
    declared: str | None = "image/png"
    disposition: str = 'form-data; name="file"; filename="{filename}"'
    before: bytes = b""
    after: bytes | None = None
    verdict: Verdict = "good"
    media_type: str = f"multipart/form-data; boundary={_BOUNDARY.decode()}"

    def render(self, _: World) -> bytes:
        """The body."""
        delimiter = b"--" + _BOUNDARY
        head = f"Content-Disposition: {self.disposition.format(filename=self.filename)}\r\n"
        head += "" if self.declared is None else f"Content-Type: {self.declared}\r\n"
        after = b"\r\n" + delimiter + b"--\r\n" if self.after is None else self.after
        before = self.before.replace(b"<<delimiter>>", delimiter)
        return b"".join(
            (before, delimiter, b"\r\n", head.encode("utf-8", "surrogateescape"), b"\r\n", self.content, after)
        ).replace(b"<<delimiter>>", delimiter)


@dataclass(frozen=True)
class Step:
    """A request of a program.

    Attributes:
        method: The method.
        path: Path and query, with holes.
        token: What is in `Authorization`.
        body: The body.
        media_type: Another `Content-Type` than the body's own; an empty one means none.
        headers: Further headers, with holes.
        is_chunked: Whether the body is sent in chunks.
        is_open: Whether the contract leaves the answer open: a header or the path is free.
    """

    method: str
    path: str
    token: Token | None = None
    body: Json | Form | None = None
    media_type: str | None = None
    headers: Headers = ()
    is_chunked: bool = False
    is_open: bool = False

    @property
    def content_type(self) -> str:
        """The `Content-Type` that is sent; empty if none is."""
        if self.media_type is not None:
            return self.media_type
        return "" if self.body is None else self.body.media_type

    def render(self, world: World) -> bytes:
        """The request as it is sent to the implementation that a world is of."""
        fields = [("Host", "fairground.test"), *((name, world.fill(value)) for name, value in self.headers)]
        if self.token is not None:
            fields.append(("Authorization", f"Bearer {self.token.text(world)}"))
        if self.content_type:
            fields.append(("Content-Type", self.content_type))
        body = b"" if self.body is None else self.body.render(world)
        if self.is_chunked:
            fields.append(("Transfer-Encoding", "chunked"))
            places = [*range(0, len(body), _CHUNK), len(body)]
            chunks = [body[start:end] for start, end in pairwise(places)]
            body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks if chunk) + b"0\r\n\r\n"
        elif self.body is not None:
            fields.append(("Content-Length", str(len(body))))
        lines = (f"{self.method} {world.fill(self.path)} HTTP/1.1", *(f"{name}: {text}" for name, text in fields))
        return "\r\n".join((*lines, "", "")).encode("utf-8", "surrogateescape") + body
