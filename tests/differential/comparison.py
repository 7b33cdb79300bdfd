"""Making the answers of different implementations comparable: what each chose for itself becomes a symbol."""

import re
from collections.abc import Collection, Iterable, Mapping

from apis.contract.checks.expect import NOT_COMPARED
from tests.differential.line import Outcome
from tests.differential.world import World

_TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_TOKEN = re.compile(rb'"access_token":"[^"]*"')
_IDS = {
    "user": re.compile(rb'(?<!\\)("id":)(\d+)(?=,"username")'),
    "post": re.compile(rb'(?<!\\)("id":|"next_before":)(\d+)(?=,"author"|\}$)'),
    "file": re.compile(rb'(?<!\\)("id":)(\d+)(?=,"filename")'),
}
"""Users, posts and files are counted apart: what an id is of is told by what stands around it."""
_PLACES = {
    "user": re.compile(r"^(/api/users/)(\d+)"),
    "post": re.compile(r'^("|/api/posts/)(\d+)'),
    "file": re.compile(r"^(/api/files/)(\d+)"),
}
"""Paths, and the tags of posts."""

Comparable = tuple[str, int | None, tuple[tuple[str, str], ...], bytes]


class Symbols:
    """What the implementations chose, by value: the first post of each is the same post."""

    def __init__(self, worlds: Collection[World], nonces: Iterable[str]) -> None:
        self._ids: dict[tuple[str, int], str] = {}
        for world in worlds:
            for kind, things in (("user", world.users), ("post", world.posts), ("file", world.files)):
                self._ids |= {(kind, thing.id): f"<{kind} {number}>" for number, thing in enumerate(things)}
        self._words = {
            user.username.encode(): b"<name %d>" % number for world in worlds for number, user in enumerate(world.users)
        } | {nonce.encode(): b"<nonce>" for nonce in nonces}

    def comparable(self, outcome: Outcome) -> Comparable:
        """An outcome without what may differ: `X-Cache` among it, since the model knows what it must be."""
        answer = outcome.answer
        if answer is None:
            return outcome.kind, None, (), outcome.detail.encode()
        headers = tuple(
            sorted(
                (name, self._header(name, value))
                for name, value in answer.headers
                if name not in NOT_COMPARED | {"x-cache"}
            )
        )
        return outcome.kind, answer.status, headers, self._body(answer.body)

    def _header(self, name: str, value: str) -> str:
        if name == "content-length":
            return "<length>"  # Ids and tokens may have different lengths; each is compared with its own body.
        for kind, pattern in _PLACES.items():
            value = pattern.sub(lambda match, kind=kind: match[1] + self._symbol(kind, match[2]), value)
        return value

    def _body(self, body: bytes) -> bytes:
        for word, symbol in self._words.items():
            body = body.replace(word, symbol)
        body = _TOKEN.sub(b'"access_token":"<token>"', _TIME.sub(b"<time>", body))
        for kind, pattern in _IDS.items():
            body = pattern.sub(lambda match, kind=kind: match[1] + self._symbol(kind, match[2].decode()).encode(), body)
        return body

    def _symbol(self, kind: str, number: str) -> str:
        return self._ids.get((kind, int(number)), number)


def strays(seen: Mapping[str, Comparable]) -> list[str]:
    """The implementations that aren't of the majority; all of them where there is none."""
    groups: dict[Comparable, list[str]] = {}
    for name, comparable in seen.items():
        groups.setdefault(comparable, []).append(name)
    if len(groups) == 1:
        return []
    largest = max(groups.values(), key=len)
    if sum(len(group) == len(largest) for group in groups.values()) > 1:
        return sorted(seen)
    return sorted(name for group in groups.values() if group is not largest for name in group)
