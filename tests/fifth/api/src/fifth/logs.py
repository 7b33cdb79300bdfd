"""The log: one JSON object a line on standard output."""

import json
import logging
import sys
import time
from datetime import UTC, datetime

_LEVELS = {"error": logging.ERROR, "warn": logging.WARNING, "info": logging.INFO}
_NAMES = {level: name for name, level in _LEVELS.items()}


class _JsonLines(logging.Formatter):
    """A record's time, level and message, and behind them the members of its `members`."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        members: dict[str, object] = getattr(record, "members", {})
        document = {
            "time": f"{moment.removesuffix('+00:00')}Z",
            "level": _NAMES.get(record.levelno, "error"),
            "message": record.getMessage(),
            **members,
        }
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def start_logging(level: str) -> None:
    """Write what is of this level or above, of `error`, `warn` and `info`."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_JsonLines())
    logging.basicConfig(level=_LEVELS[level], handlers=[handler])
    # What it says of a request is told by the application, or isn't to be told at all.
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)


class Throttle:
    """Lets one through in a second."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self) -> bool:
        """Whether a second has passed since the last that was let through."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + 1
        return True
