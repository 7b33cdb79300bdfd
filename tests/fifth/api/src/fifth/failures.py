"""What the log is told of requests that fail."""

import logging

from starlette.types import Scope

from fifth.logs import Throttle

_logger = logging.getLogger(__name__)


def tell_failure(scope: Scope, status: int, cause: str) -> None:
    """Write a line of level error about a request that is answered with this status."""
    members = {"method": scope["method"], "path": scope["path"], "status": status, "cause": cause}
    _logger.error("request failed", extra={"members": members})


class Outages:
    """What is told while a service is away: once a second, however many requests want it."""

    def __init__(self) -> None:
        self._may_tell = Throttle()

    def tell(self, scope: Scope, cause: str) -> None:
        """Tell of a request that is answered with 503, unless another was told of just before."""
        if self._may_tell():
            tell_failure(scope, 503, cause)
