"""Ids and usernames, as the contract writes them."""

import re

from starlette.convertors import Convertor

LARGEST_ID = 2**63 - 1
_USERNAME = re.compile(r"[a-z0-9_]{3,32}")


def _up_to(largest: int) -> str:
    """An expression for the decimal numbers from 1 to `largest`, without leading zeros."""
    digits = str(largest)
    shorter = rf"[1-9][0-9]{{0,{len(digits) - 2}}}"
    lower = (
        rf"{digits[:place]}[{0 if place else 1}-{int(digit) - 1}][0-9]{{{len(digits) - place - 1}}}"
        for place, digit in enumerate(digits)
        if int(digit) > (0 if place else 1)
    )
    return "|".join((shorter, *lower, digits))


_ID = re.compile(_up_to(LARGEST_ID))


class IdConvertor(Convertor[int]):
    """An id in a path. One of another form makes the path an unknown one, whatever the method."""

    regex = f"(?:{_up_to(LARGEST_ID)})"

    def convert(self, value: str) -> int:
        """The id as a number."""
        return int(value)

    def to_string(self, value: int) -> str:
        """The id as it stands in a path."""
        return str(value)


def parse_id(text: str) -> int | None:
    """The id that a text is; None where it is none."""
    return int(text) if _ID.fullmatch(text) else None


def is_username(text: str) -> bool:
    """Whether the text is a username."""
    return _USERNAME.fullmatch(text) is not None
