"""Requests with holes, which each implementation's own ids, names and tokens fill.

A hole is `<<kind:number>>`: the number counts the users, posts or files that a program made, beginning anew behind the
last. `<<post:0>>` is an id, `<<tag:0>>` an ETag, `<<token:0>>` a token of the user 0; `<<nonce>>` is a word that is
nobody else's, and `<<now+5>>` seconds since 1970.
"""

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from apis.contract.tokens import mint_token
from tests.differential.request import RawRequest, Request
from tests.differential.world import World

_HOLE = re.compile(rb"<<(?:nonce|now([+-]\d+)|([a-zA-Z]+):(\d+))>>")

NOBODY = 9_200_000_000_000_000_000
"""An id that nothing has."""

_DIGESTS = {"sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}


@dataclass(frozen=True)
class Filler:
    """Fills holes for one implementation; `nonce` is its own."""

    world: World
    nonce: str

    def fill(self, octets: bytes) -> bytes:
        return _HOLE.sub(self._value, octets)

    def _value(self, match: "re.Match[bytes]") -> bytes:
        if match[0] == b"<<nonce>>":
            return self.nonce.encode()
        if match[1] is not None:
            return b"%d" % (int(time.time()) + int(match[1]))
        return _KINDS[match[2]](self.world, int(match[3])).encode()


def _user_token(world: World, number: int) -> str:
    user = world.users[number % len(world.users)]
    return mint_token(world.secret, user.id, user.username)


def _file_id(world: World, number: int) -> str:
    return str(world.files[number % len(world.files)].id if world.files else NOBODY)


_KINDS: dict[bytes, Callable[[World, int], str]] = {
    b"user": lambda world, number: str(world.users[number % len(world.users)].id),
    b"name": lambda world, number: world.users[number % len(world.users)].username,
    b"email": lambda world, number: world.users[number % len(world.users)].email,
    b"EMAIL": lambda world, number: world.users[number % len(world.users)].email.upper(),
    b"password": lambda world, number: world.users[number % len(world.users)].password,
    b"token": _user_token,
    b"post": lambda world, number: str(world.posts[number % len(world.posts)].id),
    b"tag": lambda world, number: world.posts[number % len(world.posts)].tag,
    b"file": _file_id,
}


@dataclass(frozen=True)
class Token:
    """A token to be signed: header and claims are JSON with holes, or anything else.

    `key` is `secret` or any other text; `spoil` names what is done to it afterwards, see `SPOILS`. Where that leaves it
    as it was, blanks behind the claims make it another token with the same meaning.
    """

    header: bytes = b'{"alg":"HS256","typ":"JWT"}'
    claims: bytes = (
        b'{"sub":"<<user:0>>","name":"<<name:0>>","iat":<<now+0>>,"exp":<<now+3600>>,'
        b'"iss":"fairground","aud":"fairground-api"}'
    )
    key: str = "secret"
    digest: str = "sha256"
    spoil: str = "nothing"

    def render(self, filler: Filler) -> bytes:
        key = filler.world.secret if self.key == "secret" else self.key
        header, claims = filler.fill(self.header), filler.fill(self.claims)
        signed = (self._signed(key, header, claims + b" " * blanks) for blanks in count())
        return next(
            spoiled for token in signed if (spoiled := SPOILS[self.spoil](token)) != token or self.spoil == "nothing"
        )

    def _signed(self, key: str, header: bytes, claims: bytes) -> bytes:
        parts = b".".join((encoded(header), encoded(claims)))
        signature = hmac.new(key.encode(), parts, _DIGESTS[self.digest]).digest()
        return parts + b"." + encoded(signature)


def encoded(octets: bytes) -> bytes:
    """Unpadded base64url."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=")


_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def _with_spare_bits(part: bytes) -> bytes:
    """Set the last of the bits that the encoding leaves over; where it leaves none, put in a character too many."""
    if len(part) % 4 == 0:
        return part + b"A"
    return part[:-1] + bytes([_ALPHABET[_ALPHABET.index(part[-1]) ^ 1]])


def _in_part(number: int, change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def spoil(token: bytes) -> bytes:
        parts = token.split(b".")
        parts[number] = change(parts[number])
        return b".".join(parts)

    return spoil


SPOILS: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda token: token,
    "no signature": lambda token: token.rpartition(b".")[0] + b".",
    "two parts": lambda token: token.rpartition(b".")[0],
    "four parts": lambda token: token + b".AAAA",
    "an empty fourth part": lambda token: token + b".",
    "padded signature": lambda token: token + b"=",
    "padded claims": _in_part(1, lambda part: part + b"=" * (-len(part) % 4 or 1)),
    "spare bits in the header": _in_part(0, _with_spare_bits),
    "spare bits in the claims": _in_part(1, _with_spare_bits),
    "spare bits in the signature": _in_part(2, _with_spare_bits),
    "flipped signature": _in_part(2, lambda part: (b"B" if part[:1] == b"A" else b"A") + part[1:]),
    "short signature": _in_part(2, lambda part: part[:-4]),
    "long signature": _in_part(2, lambda part: part + b"AAAA"),
    "plain base64": _in_part(2, lambda part: part.translate(bytes.maketrans(b"-_", b"+/"))),
    "a percent sign": _in_part(2, lambda part: part[:-2] + b"%3"),
    "an empty header": _in_part(0, lambda _: b""),
    "empty claims": _in_part(1, lambda _: b""),
    "dots": lambda _: b"..",
}
"""What can be done to a signed token; but for `nothing`, all of it makes it one to refuse."""


Field = tuple[str, bytes]
"""A name, and a value with holes."""


@dataclass(frozen=True)
class Template:
    """A request with holes. In the value of a field `<<signed>>` stands for `token`."""

    method: str
    target: str
    fields: tuple[Field, ...] = ()
    body: bytes | None = None
    cuts: tuple[int, ...] | None = None
    token: Token | None = None

    def render(self, filler: Filler) -> Request:
        """Fill the holes."""
        return Request(
            method=self.method.encode("latin-1"),
            target=filler.fill(self.target.encode("latin-1")),
            fields=tuple((name.encode("latin-1"), self._value(value, filler)) for name, value in self.fields),
            body=None if self.body is None else filler.fill(self.body),
            cuts=self.cuts,
        )

    def _value(self, value: bytes, filler: Filler) -> bytes:
        if self.token is not None and b"<<signed>>" in value:
            value = value.replace(b"<<signed>>", self.token.render(filler))
        return filler.fill(value)


@dataclass(frozen=True)
class RawTemplate:
    """Octets with holes, sent as they are."""

    sent: bytes

    def render(self, filler: Filler) -> RawRequest:
        """Fill the holes."""
        return RawRequest(filler.fill(self.sent))


Step = Template | RawTemplate
