"""The application: its routes, and what becomes of everything that ends a request."""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping

from starlette.applications import Starlette
from starlette.convertors import register_url_convertor
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fifth.database import UnavailableError, cause_of
from fifth.failures import Outages, tell_failure
from fifth.files import Files
from fifth.health import Health
from fifth.identifiers import IdConvertor
from fifth.posts import Posts
from fifth.problems import Problem, bad_method, internal, no_path, unavailable
from fifth.users import Users

_logger = logging.getLogger(__name__)

Endpoint = Callable[[Request], Awaitable[Response]]

register_url_convertor("id", IdConvertor())


def make_application(health: Health, users: Users, posts: Posts, files: Files, outages: Outages) -> ASGIApp:
    """All routes of the contract."""

    async def answer_outage(request: Request, error: Exception) -> Response:
        outages.tell(request.scope, cause_of(error))
        return unavailable().answer()

    application = Starlette(
        routes=[
            _route("/healthz", GET=health.alive),
            _route("/readyz", GET=health.ready),
            _route("/api/users", POST=users.register),
            _route("/api/users/me", GET=users.me),
            _route("/api/users/{id:id}", GET=users.user),
            _route("/api/auth/login", POST=users.log_in),
            _route("/api/posts", GET=posts.page, POST=posts.create),
            _route("/api/posts/{id:id}", GET=posts.read, PUT=posts.update, DELETE=posts.delete),
            _route("/api/files", POST=files.upload),
            _route("/api/files/{id:id}", GET=files.download),
        ],
        exception_handlers={
            Problem: _answer_problem,
            HTTPException: _answer_routing,
            UnavailableError: answer_outage,
            # Starlette raises these again once they are answered.
            Exception: _answer_failure,
        },
    )
    application.router.redirect_slashes = False
    return Frame(application)


def _route(path: str, **endpoints: Endpoint) -> Route:
    """One path with all of its methods, so that a 405 can name them; HEAD goes where GET does."""

    async def dispatch(request: Request) -> Response:
        return await endpoints["GET" if request.method == "HEAD" else request.method](request)

    return Route(path, dispatch, methods=list(endpoints))


async def _answer_problem(_request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)  # noqa: S101 - it is registered for these
    return problem.answer()


async def _answer_routing(_request: Request, error: Exception) -> Response:
    """Starlette's own 404 and 405; it has the methods in no order."""
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for these
    headers: Mapping[str, str] = error.headers or {}
    if "Allow" not in headers:
        return no_path().answer()
    return bad_method().answer({"Allow": ", ".join(sorted(headers["Allow"].split(", ")))})


async def _answer_failure(_request: Request, _error: Exception) -> Response:
    return internal().answer()


class Frame:
    """Around all routes: paths as they were sent, a header on every answer, and the log."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        started = time.perf_counter()
        status = 0

        async def send_framed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Content-Type-Options"] = "nosniff"
            await send(message)

        # Paths match octet for octet; Starlette's routes would match what is decoded.
        path = scope["raw_path"].decode("latin-1")
        try:
            await self._application({**scope, "path": path}, receive, send_framed)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, it was answered, and the log has the cause
            tell_failure({**scope, "path": path}, 500, cause_of(error))
        if _logger.isEnabledFor(logging.INFO):
            duration = round((time.perf_counter() - started) * 1_000, 3)
            members = {"method": scope["method"], "path": path, "status": status, "duration_ms": duration}
            _logger.info("request", extra={"members": members})
