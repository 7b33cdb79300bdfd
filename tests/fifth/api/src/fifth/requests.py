"""What is read of a request: its token, and its body."""

from collections.abc import AsyncIterator, Callable, Mapping

from starlette.requests import Request

from fifth.fields import Rule, validated
from fifth.json_object import NotAnObjectError, read_object
from fifth.problems import Problem, bad_json, bad_token, large_json, not_json
from fifth.tokens import BadTokenError, Bearer, Tokens

_LARGEST_JSON = 65_536


def require_bearer(request: Request, tokens: Tokens) -> Bearer:
    """Whom the request's token was given to.

    Raises:
        Problem: there isn't exactly one valid token.
    """
    fields = request.headers.getlist("authorization")
    scheme, blank, token = (fields[0] if len(fields) == 1 else "").partition(" ")
    if scheme.lower() != "bearer" or not blank:
        raise bad_token()
    try:
        return tokens.verify(token.lstrip(" "))
    except BadTokenError as error:
        raise bad_token() from error


def require_type(request: Request, wanted: str, refusal: Callable[[], Problem]) -> str:
    """The request's one `Content-Type`, which is of the media type that is wanted.

    Raises:
        Problem: it isn't.
    """
    fields = request.headers.getlist("content-type")
    if len(fields) != 1 or fields[0].partition(";")[0].strip(" \t").lower() != wanted:
        raise refusal()
    return fields[0]


def require_length(request: Request, largest: int, refusal: Callable[[], Problem]) -> None:
    """Look at the length that the request tells, where it tells one.

    Raises:
        Problem: it is too large.
    """
    if int(request.headers.get("content-length", "0")) > largest:
        raise refusal()


async def read_fields(request: Request, rules: Mapping[str, Rule]) -> Mapping[str, str]:
    """The fields of a request's JSON body, each of which keeps its rule.

    Raises:
        Problem: the body is of another type, too large, no such object, or a field breaks its rule.
    """
    require_type(request, "application/json", not_json)
    require_length(request, _LARGEST_JSON, large_json)
    body = bytearray()
    async for chunk in chunks(request):
        body += chunk
        if len(body) > _LARGEST_JSON:
            raise large_json()
    try:
        texts = read_object(bytes(body), tuple(rules))
    except NotAnObjectError as error:
        raise bad_json() from error
    return validated(texts, rules)


async def chunks(request: Request) -> AsyncIterator[bytes]:
    """The body as it arrives."""
    async for chunk in request.stream():
        if chunk:
            yield chunk
