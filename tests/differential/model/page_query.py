"""Section 4 of the contract: the query of GET /api/posts."""

import re

from apis.contract.checks import problems
from tests.differential.model.access import is_id

_LIMIT = re.compile(rb"[1-9][0-9]?|100")


def read_query(query: bytes) -> tuple[list[tuple[str, str]], int, int | None]:
    """The breaches, the limit, and what the page is before; with a breach the latter two mean nothing."""
    pieces = [piece.partition(b"=") for piece in query.split(b"&")]
    limits = [value for name, _, value in pieces if name == b"limit"]
    befores = [value for name, _, value in pieces if name == b"before"]
    errors: list[tuple[str, str]] = []
    if len(limits) > 1:
        errors.append(("limit", problems.ONCE_RULE))
    elif limits and not _LIMIT.fullmatch(limits[0]):
        errors.append(("limit", problems.LIMIT_RULE))
    if len(befores) > 1:
        errors.append(("before", problems.ONCE_RULE))
    elif befores and not is_id(befores[0].decode("latin-1")):
        errors.append(("before", problems.BEFORE_RULE))
    if errors:
        return errors, 0, None
    return [], int(limits[0]) if limits else 20, int(befores[0]) if befores else None
