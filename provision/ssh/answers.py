"""A host's answers, parsed strictly.

An answer may be cut off, garbled, or another program's. It either has the expected shape or is refused with a sentence
that names the host.
"""

import re
from typing import Annotated, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from documents.base import explain
from documents.errors import HostError

Amount = Annotated[int, Field(ge=0, lt=2**63)]
"""A size, a count or a process's number, as a kernel reports it."""

COUNT: TypeAdapter[int] = TypeAdapter(Amount)
"""An answer that is one `Amount`."""

SHA256 = r"[0-9a-f]{64}"

_Answer = TypeVar("_Answer")
_SHOWN_CHARACTERS = 120
_REMEDY = "Check that the host works and its disk isn't full, then try again."


def matching(pattern: str, text: str, *, what: str, where: object) -> re.Match[str]:
    """Match a whole answer against a pattern; digits and letters are ASCII only.

    Args:
        pattern: the regular expression.
        text: the answer; blanks and line ends around it are left out.
        what: what was asked for, for messages, such as ``the version of wrk``.
        where: the host, for messages.

    Raises:
        HostError: the answer is something else.
    """
    found = re.fullmatch(pattern, text.strip(" \t\r\n"), re.ASCII)
    if found is None:
        raise unexpected(text, what=what, where=where)
    return found


def whole_number(text: str, *, what: str, where: object) -> int:
    """An answer that is a whole number of at most 18 digits, from 0 on; the arguments are those of `matching`.

    Raises:
        HostError: it is something else.
    """
    return int(matching(r"\d{1,18}", text, what=what, where=where)[0])


def read_answer(kind: type[_Answer] | TypeAdapter[_Answer], text: str | bytes, *, what: str, where: object) -> _Answer:
    """An answer in JSON, a document or a list of them; the other arguments are those of `matching`.

    Raises:
        HostError: it isn't JSON, or not of that shape.
    """
    adapter = kind if isinstance(kind, TypeAdapter) else TypeAdapter(kind)
    try:
        return adapter.validate_json(text, strict=True)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'all of it'}: {explain(fault)}" for fault in error.errors()
        )
        raise HostError(f"{where} was asked for {what}, and its answer can't be read: {faults}. {_REMEDY}") from error


def unexpected(text: str, *, what: str, where: object) -> HostError:
    """The error for an unexpected answer; the arguments are those of `matching`."""
    shown = text.strip()[:_SHOWN_CHARACTERS]
    return HostError(f"{where} was asked for {what} and answered {shown!r}. {_REMEDY}")
