"""Answers: JSON in the one way in which the contract writes it, and the responses around it."""

import json
from collections.abc import Mapping
from datetime import datetime

from starlette.responses import Response

Document = Mapping[str, object]


def to_json(document: Document) -> bytes:
    """The document as JSON, members in their order, without any whitespace."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def to_time(moment: datetime) -> str:
    """A moment in UTC with three decimals. PostgreSQL keeps as many."""
    return f"{moment.isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"


def json_answer(content: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer that is JSON already."""
    return Response(content, status, headers, "application/json")
