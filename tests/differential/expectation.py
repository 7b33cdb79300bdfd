"""What an answer may be, and what is wrong with one that is otherwise."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from tests.stand.client import Answer

JSON = "application/json"

Cache = Literal["HIT", "MISS", "any"]

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class New:
    """A value that the implementation chooses, and what it must be."""

    what: str
    is_good: Callable[[Any], bool] = field(repr=False)


AN_ID = New("an id", lambda seen: type(seen) is int and 1 <= seen <= LARGEST_ID)
ANYTHING = New("anything", lambda _: True)
ANY_TEXT = New("any text", lambda seen: isinstance(seen, str))


def a_time(since: str = "") -> New:
    """A time of the contract's form, not before another."""
    return New("a time", lambda seen: isinstance(seen, str) and bool(_TIME.fullmatch(seen)) and seen >= since)


def _learn_nothing(_: Mapping[str, Any]) -> None:
    """There is nothing to learn."""


@dataclass(frozen=True)
class Expected:
    """What the contract says of the answer to one request.

    Attributes:
        status: The status where the request is correct, or free and taken as correct; None where it is wrong.
        value: Then the body: a JSON value with what is new in it, bytes, or None for an empty body.
        media_type: Then its media type.
        headers: Then further headers. `{id}` stands for the id in the body.
        cache: Then `X-Cache`; a MISS is taken in place of a HIT, because Redis may have been passed over.
        wrong: The statuses of all faults of the request.
        is_open: Whether the contract leaves the status open, below 500.
        needs_challenge: Whether a 401 has `WWW-Authenticate: Bearer`.
        fields: The fields that a 422 names.
        has_other_faults: Whether a 422 may name fewer, because a reader may stop at the first fault.
        learn: Called with the JSON object of the body that a correct request got.
    """

    status: int | None = None
    value: object = None
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    cache: Cache | None = None
    wrong: frozenset[int] = frozenset()
    is_open: bool = False
    needs_challenge: bool = False
    fields: frozenset[str] = frozenset()
    has_other_faults: bool = True
    learn: Callable[[Mapping[str, Any]], None] = field(default=_learn_nothing, repr=False)


def judge(expected: Expected, answer: Answer) -> str | None:
    """Return what is wrong with an answer; None if nothing is, and then learn from it."""
    if answer.status >= 500:
        return f"expected no {answer.status}"
    if answer.status == expected.status:
        return _judge_correct(expected, answer)
    if expected.is_open:
        if expected.wrong and not answer.status >= 400:
            return f"expected a 4xx, saw {answer.status}"
        return None
    if answer.status not in expected.wrong:
        allowed = sorted(expected.wrong) or expected.status
        return f"expected the status {allowed}, saw {answer.status}"
    return _judge_problem(expected, answer)


def _judge_correct(expected: Expected, answer: Answer) -> str | None:
    seen: object = answer.body
    if expected.value is None:
        if answer.body:
            return f"expected no body, saw {answer.body[:100]!r}"
    else:
        if answer.media_type != expected.media_type:
            return f"expected the media type {expected.media_type}, saw {answer.media_type!r}"
        if not isinstance(expected.value, bytes):
            seen = _parse(answer.body)
        fault = difference(expected.value, seen)
        if fault is not None:
            return fault
    members = cast("dict[str, Any]", seen) if isinstance(seen, dict) else {}
    for name, value in expected.headers.items():
        wanted = value.replace("{id}", str(members.get("id"))).replace("{filename}", str(members.get("filename")))
        if answer.header(name) != wanted:
            return f"expected the header {name}: {wanted}, saw {answer.header(name)!r}"
    if expected.cache and answer.header("x-cache") not in ({"MISS"} if expected.cache == "MISS" else {"HIT", "MISS"}):
        return f"expected {expected.cache} as X-Cache, saw {answer.header('x-cache')!r}"
    expected.learn(members)
    return None


def difference(expected: object, seen: object, place: str = "the body") -> str | None:
    """Return the first place where two JSON values differ; None if they are equal."""
    if isinstance(expected, New):
        return None if expected.is_good(seen) else f"expected {expected.what} as {place}, saw {seen!r}"
    # In Python, True is 1 and 1.0 is 1.
    if type(expected) is type(seen):
        wanted, found = _parts(expected), _parts(seen)
        if wanted is None or found is None:
            faults = iter([] if expected == seen else [_other(expected, seen, place)])
        elif wanted.keys() != found.keys():
            faults = iter([f"expected {[*wanted]} in {place}, saw {[*found]}"])
        else:
            faults = (difference(value, found[name], f"{place}.{name}") for name, value in wanted.items())
        return next((fault for fault in faults if fault is not None), None)
    return _other(expected, seen, place)


def _parts(value: object) -> dict[Any, object] | None:
    """The members of an object or the items of a list, by name or number."""
    if isinstance(value, list):
        return dict(enumerate(cast("list[object]", value)))
    return dict(sorted(cast("dict[str, object]", value).items())) if isinstance(value, dict) else None


def _other(expected: object, seen: object, place: str) -> str:
    return f"expected {expected!r:.500} as {place}, saw {seen!r:.500}"


def _judge_problem(expected: Expected, answer: Answer) -> str | None:
    if answer.media_type != "application/problem+json":
        return f"expected a problem with the {answer.status}, saw the media type {answer.media_type!r}"
    problem = _parse(answer.body)
    if not isinstance(problem, dict):
        return f"expected a problem with the {answer.status}, saw {answer.body[:100]!r}"
    members = cast("dict[str, object]", problem)
    if members.get("status") != answer.status or not isinstance(members.get("title"), str):
        return f"expected `status` {answer.status} and `title` in the problem, saw {members}"
    if answer.status == 401 and expected.needs_challenge and not _is_challenge(answer.header("www-authenticate")):
        return f"expected WWW-Authenticate: Bearer with the 401, saw {answer.header('www-authenticate')!r}"
    return _judge_errors(expected, members) if answer.status == 422 else None


def _is_challenge(value: str) -> bool:
    return value.split(" ", maxsplit=1)[0].lower() == "bearer"


def _judge_errors(expected: Expected, problem: Mapping[str, object]) -> str | None:
    shape = "expected `errors` in the 422, a list of objects with the texts `field` and `message`"
    errors = problem.get("errors")
    if not isinstance(errors, list):
        return f"{shape}, saw {problem}"
    named: set[str] = set()
    for error in cast("list[object]", errors):
        members = cast("dict[str, object]", error) if isinstance(error, dict) else {}
        name, message = members.get("field"), members.get("message")
        if not isinstance(name, str) or not isinstance(message, str):
            return f"{shape}, saw {problem}"
        named.add(name)
    if not expected.has_other_faults and frozenset(named) != expected.fields:
        return f"expected the 422 to name {sorted(expected.fields)}, saw {sorted(named)}"
    return None


def _parse(body: bytes) -> object:
    """The JSON value of a body; the body itself if it isn't JSON."""
    try:
        return json.loads(body)
    except ValueError:
        return body
