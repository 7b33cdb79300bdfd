"""Comparing what was seen with what the contract says; each function raises `CheckFailedError` where they differ."""

import re
from collections.abc import Collection
from typing import TypeVar

from pydantic import ValidationError

from apis.contract.checks.answers import Post, Problem
from apis.contract.checks.model import CheckFailedError
from apis.contract.checks.wire import Answer
from documents.base import Document

Shape = TypeVar("Shape", bound=Document)

_SHOWN = 400
"""Characters of a value that a message has."""

CAUSES = re.compile(
    r"(?i)sqlstate|\bpg_|psql|relation \\?\"|duplicate key|users_[a-z]+_key|violates|terminating connection"
    r"|canceling statement|cached plan|connection (refused|reset)|no such file or|127\.0\.0\.1|panicked|goroutine"
    r"|stack ?trace|exception|\.[a-z]{1,5}:\d|/uploads"
)
"""What the cause of an error looks like; no answer may show one."""


def that(condition: object, message: str) -> None:
    """Fail with the message unless the condition holds."""
    if not condition:
        raise CheckFailedError(message)


def equal(seen: object, expected: object, what: str) -> None:
    """Compare two values."""
    that(seen == expected, f"{what}: expected {_cut(repr(expected))}, saw {_cut(repr(seen))}.")


def status(answer: Answer, *statuses: int) -> None:
    """Expect one of some statuses."""
    expected = " or ".join(map(str, statuses))
    seen = f"{answer.status} with the body {_body(answer)}"
    that(answer.status in statuses, f"{answer.request}: expected status {expected}, saw {seen}.")


def json(answer: Answer, code: int, shape: type[Shape]) -> Shape:
    """Compare status, media type and body with a shape; gives the content."""
    status(answer, code)
    return _content(answer, "application/json", shape)


def created(answer: Answer, shape: type[Shape], path: str) -> Shape:
    """Compare a 201 with a shape that has an id, and its `Location` with the path and that id; gives the content."""
    content = json(answer, 201, shape)
    equal(answer.header("location"), f"{path}{content.model_dump()['id']}", f"{answer.request}: Location")
    return content


def post(answer: Answer, expected: Post, cache: str | None = None) -> None:
    """Compare the answer of `GET /api/posts/{id}` with a post, and its headers as `tagged` does."""
    equal(json(answer, 200, Post), expected, f"{answer.request}: the post")
    tagged(answer, expected, cache)


def tagged(answer: Answer, expected: Post, cache: str | None = None) -> None:
    """Compare ETag with a post's and X-Cache with HIT or MISS; where neither is given, it may be either."""
    equal(answer.header("etag"), expected.tag, f"{answer.request}: ETag")
    seen = answer.header("x-cache")
    that(seen in ((cache,) if cache else ("HIT", "MISS")), f"{answer.request}: X-Cache: expected {cache}, saw {seen}.")


def problem(answer: Answer, *statuses: int, fields: Collection[str] = ()) -> None:
    """Expect one of some statuses, a problem document, no cause in it, and of a 422 that it names just the fields."""
    status(answer, *statuses)
    document = _content(answer, "application/problem+json", Problem)
    equal(document.status, answer.status, f"{answer.request}: member status")
    # All of it: a message has only its beginning.
    text = answer.body.decode(errors="replace")
    that(not CAUSES.search(text), f"{answer.request}: expected no cause of the error, saw {_body(answer)}.")
    if answer.status == 422:
        named = None if document.errors is None else sorted({error.field for error in document.errors})
        wanted = sorted(fields) or named
        that(named is not None and named == wanted, f"{answer.request}: expected errors of {wanted}, saw {named}.")


def unauthorized(answer: Answer) -> None:
    """Expect the 401 of a token, which has a challenge."""
    problem(answer, 401)
    challenge = answer.header("www-authenticate")
    that(re.match(r"(?i)bearer\b", challenge), f"{answer.request}: WWW-Authenticate: expected Bearer, saw {challenge}.")


def no_fault(answer: Answer | None) -> None:
    """Expect no 5xx, except for 501 and 505; None stands for a connection that was closed instead."""
    if answer is not None:
        seen = f"{answer.status} with the body {_body(answer)}"
        that(answer.status < 500 or answer.status in {501, 505}, f"{answer.request}: expected no 5xx, saw {seen}.")


def value(octets: bytes, shape: type[Shape], what: str) -> Shape:
    """Compare JSON with a shape; gives the content."""
    try:
        return shape.model_validate_json(octets)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        message = f"{what}: expected a {shape.__name__}, saw {_cut(repr(octets))}: {faults}."
        raise CheckFailedError(message) from error


def _content(answer: Answer, media_type: str, shape: type[Shape]) -> Shape:
    equal(answer.media_type, media_type, f"{answer.request}: media type")
    return value(answer.body, shape, answer.request)


def _body(answer: Answer) -> str:
    return _cut(repr(answer.body.decode(errors="replace")))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
