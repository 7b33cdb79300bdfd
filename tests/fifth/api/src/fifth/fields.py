"""The rules of the fields: each gives the message for a text that breaks it."""

import re
from collections.abc import Callable, Mapping

from fifth.identifiers import is_username, parse_id
from fifth.problems import Fault, invalid

Rule = Callable[[str], str | None]

_EMAIL = re.compile(r"[!-?A-~]+@[!-?A-~]+")
_LONGEST_EMAIL = 254
_LIMIT = re.compile(r"[1-9][0-9]?|100")
_ASCII_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_NO_NULL = "must not contain U+0000"


def _username(text: str) -> str | None:
    return None if is_username(text) else "must be 3 to 32 characters of a-z, 0-9 and _"


def _email(text: str) -> str | None:
    if len(text) <= _LONGEST_EMAIL and _EMAIL.fullmatch(text):
        return None
    return "must be 3 to 254 visible ASCII characters with one @ between others"


def _password(text: str) -> str | None:
    if "\0" in text:
        return _NO_NULL
    return None if 8 <= len(text.encode()) <= 72 else "must be 8 to 72 bytes"  # noqa: PLR2004


def _text_of(largest: int) -> Rule:
    def rule(text: str) -> str | None:
        if "\0" in text:
            return _NO_NULL
        return None if 1 <= len(text) <= largest else f"must be 1 to {largest} characters"

    return rule


LOGIN: Mapping[str, Rule] = {"email": _email, "password": _password}
REGISTRATION: Mapping[str, Rule] = {"username": _username, **LOGIN}
POST: Mapping[str, Rule] = {"title": _text_of(200), "body": _text_of(20_000)}


def validated(texts: Mapping[str, str], rules: Mapping[str, Rule]) -> Mapping[str, str]:
    """The fields, if each is there and keeps its rule.

    Raises:
        Problem: some don't; all of them are told, in the order of the rules.
    """
    faults: list[Fault] = []
    for field, rule in rules.items():
        message = rule(texts[field]) if field in texts else "is required"
        if message is not None:
            faults.append((field, message))
    if faults:
        raise invalid(faults)
    return texts


def folded(email: str) -> str:
    """The email with A to Z as small letters."""
    return email.translate(_ASCII_LOWER)


def page_query(query: str) -> tuple[int, int | None]:
    """The limit and the id before which a page begins, from a query string as it was sent.

    Raises:
        Problem: a field breaks its rule.
    """
    given: dict[str, list[str]] = {"limit": [], "before": []}
    for piece in query.split("&"):
        name, _, value = piece.partition("=")
        if name in given:
            given[name].append(value)
    faults: list[Fault] = []
    for name, is_right, message in (
        ("limit", _is_limit, "must be an integer from 1 to 100"),
        ("before", _is_id, "must be an id"),
    ):
        if len(given[name]) > 1:
            faults.append((name, "must be given only once"))
        elif given[name] and not is_right(given[name][0]):
            faults.append((name, message))
    if faults:
        raise invalid(faults)
    limit = int(given["limit"][0]) if given["limit"] else 20
    return limit, int(given["before"][0]) if given["before"] else None


def _is_limit(text: str) -> bool:
    return _LIMIT.fullmatch(text) is not None


def _is_id(text: str) -> bool:
    return parse_id(text) is not None
