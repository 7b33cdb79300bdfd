"""Bodies that are JSON objects, by the contract's strict reading of RFC 8259."""

import json
import re
from typing import NoReturn

_DEPTH = 32
_ESCAPE = "\\u"
_SURROGATE = re.compile("[\ud800-\udfff]")


class NotAnObjectError(ValueError):
    """The octets are no JSON object as the contract wants it."""


class _Members(list[tuple[str, object]]):
    """The members of an object as they are written, repeated ones included."""


class _Number:
    """A number: where one may stand, its value doesn't matter."""


_NUMBER = _Number()


def _number(_text: str) -> _Number:
    return _NUMBER


def _refuse(text: str) -> NoReturn:
    raise ValueError(text)


_DECODER = json.JSONDecoder(object_pairs_hook=_Members, parse_int=_number, parse_float=_number, parse_constant=_refuse)


def read_object(octets: bytes, known: tuple[str, ...]) -> dict[str, str]:
    """Those of the known members that the object has; one that is null counts as missing.

    Raises:
        NotAnObjectError: it is no such object, or a known member is neither a string nor null.
    """
    try:
        text = octets.decode()
        value: object = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise NotAnObjectError from error
    if not isinstance(value, _Members):
        raise NotAnObjectError
    if text.count("{") + text.count("[") > _DEPTH and _is_deep(value, _DEPTH):
        raise NotAnObjectError
    # UTF-8 has none, so that only an escape can have made one; halves that belong together are one character by now.
    if _ESCAPE in text and _has_surrogate(value):
        raise NotAnObjectError
    members = dict(value)
    if len(members) != len(value):
        raise NotAnObjectError
    found = {name: members[name] for name in known if members.get(name) is not None}
    texts = {name: member for name, member in found.items() if isinstance(member, str)}
    if len(texts) != len(found):
        raise NotAnObjectError
    return texts


def _is_deep(value: object, left: int) -> bool:
    """Whether arrays and objects nest in more than `left` levels."""
    inner = _inner(value)
    return inner is not None and (left == 0 or any(_is_deep(one, left - 1) for one in inner))


def _has_surrogate(value: object) -> bool:
    if isinstance(value, str):
        return _SURROGATE.search(value) is not None
    if isinstance(value, _Members):
        return any(_has_surrogate(name) or _has_surrogate(member) for name, member in value)
    return any(_has_surrogate(one) for one in _inner(value) or ())


def _inner(value: object) -> list[object] | None:
    """What is in an array or object; None of anything else."""
    if isinstance(value, _Members):
        return [member for _, member in value]
    return list[object](value) if isinstance(value, list) else None
