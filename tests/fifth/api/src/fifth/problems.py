"""Errors, as problem documents of RFC 9457."""

from collections.abc import Mapping, Sequence

from starlette.responses import Response

from fifth.answers import to_json

_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    500: "Internal Server Error",
    503: "Service Unavailable",
}

Fault = tuple[str, str]
"""A field that breaks a rule, and the message."""


class Problem(Exception):  # noqa: N818 - what the client did is no error of the program
    """An answer that ends the request."""

    def __init__(self, status: int, detail: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self._content: dict[str, object] = {
            "type": "about:blank",
            "title": _TITLES[status],
            "status": status,
            "detail": detail,
        }
        if faults:
            self._content["errors"] = [{"field": field, "message": message} for field, message in faults]

    def answer(self, headers: Mapping[str, str] | None = None) -> Response:
        """The document that is sent."""
        challenge = {"WWW-Authenticate": "Bearer"} if self.status == 401 else {}  # noqa: PLR2004
        return Response(
            to_json(self._content), self.status, {**challenge, **(headers or {})}, "application/problem+json"
        )


def bad_json() -> Problem:
    """The body is no JSON object as it is to be."""
    return Problem(400, "The request body must be a JSON object whose members have the right types and appear once.")


def bad_upload() -> Problem:
    """The body is no upload as it is to be."""
    return Problem(400, "The request body must be multipart/form-data with exactly one file, in a part named file.")


def bad_token() -> Problem:
    """There is no valid token."""
    return Problem(401, "A valid access token is required.")


def bad_login() -> Problem:
    """Nobody has this email and this password."""
    return Problem(401, "The email or the password is wrong.")


def not_owner() -> Problem:
    """The post is another's."""
    return Problem(403, "This post belongs to another user.")


def no_path() -> Problem:
    """The path is none of the contract's."""
    return Problem(404, "There is nothing at this path.")


def nothing(kind: str) -> Problem:
    """There is no user, post or file of this id."""
    return Problem(404, f"There is no such {kind}.")


def bad_method() -> Problem:
    """The path has other methods."""
    return Problem(405, "This path does not take this method.")


def taken(field: str) -> Problem:
    """Another user has this username or email."""
    return Problem(409, f"The {field} is taken.")


def large_json() -> Problem:
    """The body is too large for JSON."""
    return Problem(413, "The request body must be at most 65536 bytes.")


def large_file() -> Problem:
    """The file, or what is around it, is too large."""
    return Problem(413, "The file must be at most 2097152 bytes.")


def not_json() -> Problem:
    """The body isn't declared as JSON."""
    return Problem(415, "The request body must be application/json.")


def not_multipart() -> Problem:
    """The body isn't declared as an upload."""
    return Problem(415, "The request body must be multipart/form-data.")


def bad_file_type() -> Problem:
    """The file is of no type that is taken, or of another than it is declared as."""
    return Problem(415, "The file must be a PNG, JPEG, WebP or PDF and declared as what it is.")


def invalid(faults: Sequence[Fault]) -> Problem:
    """Fields break rules."""
    return Problem(422, "One or more fields are not valid.", faults)


def internal() -> Problem:
    """Something failed that shouldn't; the log has what."""
    return Problem(500, "An internal error occurred.")


def unavailable() -> Problem:
    """PostgreSQL is away."""
    return Problem(503, "The service is not available at the moment.")
