"""Is the process there, and are its services?"""

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from fifth.answers import json_answer, to_json
from fifth.cache import Cache
from fifth.database import UnavailableError
from fifth.failures import Outages
from fifth.store import Store

_POSTGRES_SECONDS = 2
_ALIVE = to_json({"status": "ok"})


class Health:
    """`/healthz` and `/readyz`."""

    def __init__(self, store: Store, cache: Cache, outages: Outages) -> None:
        self._store = store
        self._cache = cache
        self._outages = outages

    async def alive(self, _request: Request) -> Response:
        """GET /healthz."""
        return json_answer(_ALIVE)

    async def ready(self, request: Request) -> Response:
        """GET /readyz."""
        faults = await asyncio.gather(self._fault_of_postgres(), self._cache.fault())
        postgres, redis = ("up" if fault is None else "down" for fault in faults)
        content = to_json({"postgres": postgres, "redis": redis})
        if not any(faults):
            return json_answer(content)
        self._outages.tell(request.scope, "; ".join(filter(None, faults)))
        return json_answer(content, 503)

    async def _fault_of_postgres(self) -> str | None:
        try:
            async with asyncio.timeout(_POSTGRES_SECONDS):
                await self._store.answers()
        except UnavailableError as error:
            return str(error)
        except TimeoutError:
            return f"PostgreSQL gave no answer within {_POSTGRES_SECONDS} s"
        return None
