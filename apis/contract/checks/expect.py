"""Comparing an answer with the contract: status, the whole set of headers, and the body octet for octet."""

import json
from collections.abc import Mapping, Sequence
from typing import TypeVar

from pydantic import ValidationError

from apis.contract.checks.model import CheckFailedError
from apis.contract.checks.problems import INVALID, Problem
from apis.contract.checks.wire import Answer
from documents.base import Document

NOT_COMPARED = frozenset({"date", "server", "connection", "keep-alive"})
"""Headers that implementations may differ in. `Transfer-Encoding` isn't among them: no answer is chunked."""

Shape = TypeVar("Shape", bound=Document)

_SHOWN = 400


def expect(condition: object, message: str) -> None:
    """Fail with the message unless the condition holds.

    Raises:
        CheckFailedError: it doesn't hold.
    """
    if not condition:
        raise CheckFailedError(message)


def expect_answer(
    answer: Answer,
    status: int,
    *,
    content_type: str | None,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Compare status and headers, all of them, with what the contract says.

    Args:
        answer: what was seen.
        status: what it must be.
        content_type: the exact `Content-Type`, or None where neither it nor `Content-Length` may be there.
        headers: further headers that must be there, by lower-case name, with their exact values.

    Raises:
        CheckFailedError: something differs.
    """
    if answer.status != status:
        body = answer.body[:_SHOWN].decode(errors="replace")
        raise CheckFailedError(
            f"{answer.request}: expected status {status}, saw {answer.status} with the body {body!r}."
        )
    expected = {"x-content-type-options": "nosniff"} | dict(headers or {})
    if content_type is not None:
        expected["content-type"] = content_type
        expected["content-length"] = answer.header("content-length")
        if not answer.request.startswith("HEAD "):
            expected["content-length"] = str(len(answer.body))
    seen = sorted((name, value) for name, value in answer.headers if name not in NOT_COMPARED)
    expect(
        seen == sorted(expected.items()),
        f"{answer.request}: expected with status {status} exactly the headers {sorted(expected.items())}, saw {seen}.",
    )


def expect_json(answer: Answer, status: int, shape: type[Shape], *, headers: Mapping[str, str] | None = None) -> Shape:
    """Compare an answer with a shape: its members, their order and types, and JSON written in the contract's one way.

    Returns:
        The answer's content.

    Raises:
        CheckFailedError: something differs.
    """
    expect_answer(answer, status, content_type="application/json", headers=headers)
    try:
        content = shape.model_validate_json(answer.body)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise CheckFailedError(
            f"{answer.request}: expected a {shape.__name__}, saw {_shown(answer.body)}: {faults}."
        ) from error
    expect_body(answer, content.model_dump_json().encode())
    return content


def expect_created(answer: Answer, shape: type[Shape], path: str) -> Shape:
    """Compare a 201 with a shape that has an id, and its `Location` with the path of that id.

    Args:
        answer: what was seen.
        shape: what the body must be.
        path: what the id is appended to, `/api/posts/`.

    Returns:
        The answer's content.

    Raises:
        CheckFailedError: something differs.
    """
    location = {"location": "".join(answer.values("location"))}
    content = expect_json(answer, 201, shape, headers=location)
    expect_equal(location["location"], f"{path}{content.model_dump()['id']}", f"{answer.request}: Location")
    return content


def expect_problem(
    answer: Answer,
    problem: Problem,
    *,
    headers: Mapping[str, str] | None = None,
    errors: Sequence[tuple[str, str]] = (),
) -> None:
    """Compare an answer with an error of the contract, octet for octet.

    Args:
        answer: what was seen.
        problem: the error that it must be.
        headers: further headers than those of every error; a 401's `WWW-Authenticate` is among the latter.
        errors: field and message of each fault that a 422 lists, in order.

    Raises:
        CheckFailedError: something differs.
    """
    challenge = {"www-authenticate": "Bearer"} if problem.status == 401 else {}
    document: dict[str, object] = {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
    }
    if errors:
        document["errors"] = [{"field": field, "message": message} for field, message in errors]
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    expect_answer(
        answer, problem.status, content_type="application/problem+json", headers=challenge | dict(headers or {})
    )
    if answer.request.startswith("HEAD "):
        expect(
            answer.header("content-length") == str(len(body)),
            f"{answer.request}: expected the Content-Length {len(body)}, saw {answer.header('content-length')}.",
        )
        body = b""
    expect_body(answer, body)


def expect_invalid(answer: Answer, *errors: tuple[str, str]) -> None:
    """Compare an answer with the 422 that lists these fields and messages in this order.

    Raises:
        CheckFailedError: something differs.
    """
    expect_problem(answer, INVALID, errors=errors)


def expect_body(answer: Answer, body: bytes) -> None:
    """Compare the body octet for octet.

    Raises:
        CheckFailedError: it differs; the message shows the place.
    """
    if answer.body == body:
        return
    place = next(
        (index for index, (seen, wanted) in enumerate(zip(answer.body, body, strict=False)) if seen != wanted),
        min(len(answer.body), len(body)),
    )
    start = max(0, place - 40)
    raise CheckFailedError(
        f"{answer.request}: the body differs from octet {place} on: expected {len(body)} octets, there "
        f"{_shown(body[start:])}, saw {len(answer.body)} octets, there {_shown(answer.body[start:])}."
    )


def expect_equal(seen: object, expected: object, what: str) -> None:
    """Compare two values.

    Raises:
        CheckFailedError: they differ.
    """
    expect(seen == expected, f"{what}: expected {expected!r}, saw {seen!r}.")


def _shown(octets: bytes) -> str:
    text = octets[:_SHOWN].decode(errors="replace")
    return repr(text) if len(octets) <= _SHOWN else f"{text!r}…"
