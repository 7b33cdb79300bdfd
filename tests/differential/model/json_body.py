"""Section 4 of the contract, JSON bodies: which are refused, and which fields of the others break a rule."""

import json
import re
from collections.abc import Callable, Mapping
from typing import NoReturn, cast

from apis.contract.checks import problems

MAXIMUM = 65_536
_DEEPEST = 32
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")

_USERNAME = re.compile(r"[a-z0-9_]{3,32}")


class MalformedError(ValueError):
    """The body gets the 400."""


def read_object(body: bytes, known: Mapping[str, object]) -> dict[str, str]:
    """Read the known members of a body, without those that are null.

    Raises:
        MalformedError: the body is refused.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise MalformedError from error
    if text.startswith("\ufeff") or _depth(text) > _DEEPEST:
        raise MalformedError
    try:
        value = json.loads(
            text,
            object_pairs_hook=_Pairs,
            parse_constant=_refuse,
            # The size of a number doesn't matter, and Python has a limit of its own.
            parse_int=lambda _: 0,
            parse_float=lambda _: 0.0,
        )
    except ValueError as error:
        raise MalformedError from error
    if not isinstance(value, _Pairs) or _has_lone_surrogate(value):
        raise MalformedError
    names = [name for name, _ in value.pairs]
    if len(set(names)) != len(names):
        raise MalformedError
    members = {name: item for name, item in value.pairs if name in known}
    if any(not isinstance(item, str) and item is not None for item in members.values()):
        raise MalformedError
    return {name: item for name, item in members.items() if isinstance(item, str)}


class _Pairs:
    """An object as it stands, names that come twice included."""

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        self.pairs = pairs


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _depth(text: str) -> int:
    """How deep arrays and objects are nested; of a text that is no JSON, anything."""
    deepest = depth = 0
    for character in _STRING.sub("", text):
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _has_lone_surrogate(value: object) -> bool:
    if isinstance(value, str):
        return _SURROGATE.search(value) is not None
    if isinstance(value, list):
        return any(map(_has_lone_surrogate, cast("list[object]", value)))
    if isinstance(value, _Pairs):
        return any(_has_lone_surrogate(name) or _has_lone_surrogate(item) for name, item in value.pairs)
    return False


def _breach_of_username(text: str) -> str | None:
    return None if _USERNAME.fullmatch(text) else problems.USERNAME_RULE


def _breach_of_email(text: str) -> str | None:
    visible = all("!" <= character <= "~" for character in text)
    if 3 <= len(text) <= 254 and visible and text.count("@") == 1 and not text.startswith("@") and text[-1] != "@":
        return None
    return problems.EMAIL_RULE


def _breach_of_password(text: str) -> str | None:
    if "\0" in text:
        return problems.NO_NUL_RULE
    return None if 8 <= len(text.encode()) <= 72 else problems.PASSWORD_RULE


def _breach_of_title(text: str) -> str | None:
    if "\0" in text:
        return problems.NO_NUL_RULE
    return None if 1 <= len(text) <= 200 else problems.TITLE_RULE


def _breach_of_body(text: str) -> str | None:
    if "\0" in text:
        return problems.NO_NUL_RULE
    return None if 1 <= len(text) <= 20_000 else problems.BODY_RULE


Rules = Mapping[str, Callable[[str], str | None]]

REGISTRATION: Rules = {"username": _breach_of_username, "email": _breach_of_email, "password": _breach_of_password}
LOGIN: Rules = {"email": _breach_of_email, "password": _breach_of_password}
POST: Rules = {"title": _breach_of_title, "body": _breach_of_body}


def breaches(members: Mapping[str, str], rules: Rules) -> list[tuple[str, str]]:
    """Field and message of each field that breaks a rule, in order."""
    found = ((name, rule(members[name]) if name in members else problems.REQUIRED) for name, rule in rules.items())
    return [(name, message) for name, message in found if message is not None]
