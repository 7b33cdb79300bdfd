"""What the contract says that an answer must be."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from apis.contract.checks.expect import NOT_COMPARED
from apis.contract.checks.problems import INVALID, Problem
from tests.differential.line import Outcome

JSON = "application/json"


class NotComparedError(Exception):
    """The contract leaves open what the answer to this request is."""


@dataclass(frozen=True)
class Expected:
    """An answer in full: status, all headers that are compared, and the body.

    A body that holds what only the implementation knows (an id, a time, a token) is a pattern instead; `headers` may
    then name its groups in braces, and `learn` is called with what they matched. `seen` tells what else may be wrong
    with what they matched.
    """

    status: int
    content_type: str | None
    body: "bytes | re.Pattern[bytes]"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    learn: Callable[[Mapping[str, bytes]], None] = lambda _: None
    inspect: Callable[[Mapping[str, bytes]], str | None] = lambda _: None
    any_cache: bool = False
    """Whether `X-Cache` depends on who else read the post."""


@dataclass(frozen=True)
class Refusal:
    """The implementation's HTTP library answers with a 4xx (or with one of `also`), or closes the connection.

    Where it is `optional`, the request may be answered as usual instead.
    """

    also: frozenset[int] = frozenset()
    optional: bool = False


def problem(
    kind: Problem, *, headers: Mapping[str, str] | None = None, errors: Sequence[tuple[str, str]] = ()
) -> Expected:
    """An error of the contract."""
    document: dict[str, object] = {
        "type": "about:blank",
        "title": kind.title,
        "status": kind.status,
        "detail": kind.detail,
    }
    if errors:
        document["errors"] = [{"field": name, "message": message} for name, message in errors]
    challenge = {"www-authenticate": "Bearer"} if kind.status == 401 else {}
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return Expected(kind.status, "application/problem+json", body, challenge | dict(headers or {}))


def invalid(errors: Sequence[tuple[str, str]]) -> Expected:
    """The 422 that lists these."""
    return problem(INVALID, errors=errors)


def refusal_fault(refusal: Refusal, outcome: Outcome) -> str | None:
    """Tell how an outcome differs from a refusal; None where it doesn't."""
    if outcome.kind in {"closed", "answered"}:
        status = outcome.status
        if status is None or 400 <= status < 500 or status in refusal.also or (refusal.optional and status < 500):
            return None
    if refusal.optional and outcome.kind == "silent":
        return None
    answers = ["a 4xx", *map(str, sorted(refusal.also)), "the connection closed"]
    if refusal.optional:
        answers.append("an answer as usual")
    return f"expected {' or '.join(answers)}, saw {outcome}"


def answer_fault(expected: Expected, outcome: Outcome, *, head: bool) -> str | None:
    """Tell how an outcome differs from what the contract says, learning what only the implementation knows.

    Args:
        expected: what the contract says.
        outcome: what was seen.
        head: whether the request was a HEAD, for which `expected` is what GET gets.

    Returns:
        The first difference; None where there is none.
    """
    answer = outcome.answer
    if answer is None:
        return f"expected status {expected.status}, saw {outcome}"
    if answer.status != expected.status:
        return f"expected status {expected.status}, saw {outcome}"
    groups: Mapping[str, bytes] = {}
    has_body = expected.content_type is not None
    if isinstance(expected.body, bytes):
        wanted = b"" if head or not has_body else expected.body
        length = len(expected.body)
        if answer.body != wanted:
            return f"expected the body {shown(wanted)}, saw {shown(answer.body)}"
    else:
        match = expected.body.fullmatch(answer.body)
        if match is None:
            return f"expected a body like {shown(expected.body.pattern)}, saw {shown(answer.body)}"
        groups, length = match.groupdict(), len(answer.body)
    texts = {name: value.decode() for name, value in groups.items()}
    headers = {"x-content-type-options": "nosniff"}
    headers |= {name: value.format(**texts) if groups else value for name, value in expected.headers.items()}
    if has_body:
        headers |= {"content-type": expected.content_type or "", "content-length": str(length)}
    seen = sorted((name, value) for name, value in answer.headers if name not in NOT_COMPARED)
    if expected.any_cache:
        seen = sorted((name, "*" if name == "x-cache" and value in {"HIT", "MISS"} else value) for name, value in seen)
        headers["x-cache"] = "*"
    if seen != sorted(headers.items()):
        return f"expected with status {expected.status} the headers {sorted(headers.items())}, saw {seen}"
    fault = expected.inspect(groups)
    if fault is None:
        expected.learn(groups)
    return fault


def shown(octets: bytes) -> str:
    """Octets for a message, cut where they are many."""
    return repr(octets) if len(octets) <= 600 else f"{octets[:600]!r}… of {len(octets)} octets"
