"""Section 1 of the contract: octets that are, are not, or may be a request."""

import re

from tests.differential.model.expectation import Refusal
from tests.differential.request import Request

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST_LINE = re.compile(rb"(%s) ([\x21-\x7e]+) HTTP/1\.1" % _TOKEN)
_FIELD = re.compile(rb"(%s):([\t\x20-\x7e\x80-\xff]*)" % _TOKEN)
_TARGET = re.compile(rb"/(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*")
_HOST = re.compile(rb"[A-Za-z0-9.-]+(?::[0-9]+)?")

_TAKEN_HEAD, _REFUSED_HEAD = 16_384, 20_480
_TAKEN_FIELDS = 64

_MUST_REFUSE, _MAY_REFUSE = Refusal(), Refusal(optional=True)

HTTP_ERRORS = frozenset({501, 505})
"""What RFC 9112 and RFC 9110 name for an unknown transfer coding and an unknown version."""


def read_raw(octets: bytes) -> Request | Refusal:
    """Read octets as a request; a refusal where they are none, or where the contract leaves it open."""
    head, end, rest = octets.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    match = _REQUEST_LINE.fullmatch(lines[0])
    fields = [_FIELD.fullmatch(line) for line in lines[1:]]
    if not end or match is None or not all(fields):
        # Much of what is no HTTP is taken by some recipients, as RFC 9112 allows: blank lines ahead, bare line feeds.
        return Refusal(also=HTTP_ERRORS, optional=True)
    request = Request(match[1], match[2], tuple((field[1], field[2].strip(b" \t")) for field in fields if field), rest)
    if not request.values(b"host"):
        return _MAY_REFUSE
    return before_routing(request) or _without_surplus(request)


def before_routing(request: Request) -> Refusal | None:
    """The refusal of a request whose head is well-formed; None where it must be taken."""
    return _of_lengths(request) or _of_target(request) or _of_size(request)


def _of_lengths(request: Request) -> Refusal | None:
    codings = request.values(b"transfer-encoding")
    lengths = request.values(b"content-length")
    if codings and lengths:
        return Refusal(also=HTTP_ERRORS, optional=True)
    if codings and [coding.lower() for coding in codings] != [b"chunked"]:
        return Refusal(also=HTTP_ERRORS, optional=b"chunked" in b",".join(codings).lower())
    if lengths and (len(set(lengths)) > 1 or not lengths[0].isdigit() or len(lengths[0]) > 19):
        return _MUST_REFUSE
    return _MAY_REFUSE if len(lengths) > 1 else None


def _of_target(request: Request) -> Refusal | None:
    if request.method == b"CONNECT" or not request.target.startswith(b"/"):
        return _MUST_REFUSE
    hosts = request.values(b"host")
    # RFC 9112 section 3.2 has a server refuse a Host with an invalid value.
    if len(hosts) > 1 or not all(map(_HOST.fullmatch, hosts)) or not _TARGET.fullmatch(request.target):
        return _MAY_REFUSE
    if request.values(b"expect") or request.values(b"upgrade"):
        return Refusal(also=HTTP_ERRORS, optional=True)
    return None


def _of_size(request: Request) -> Refusal | None:
    size = len(request.method + request.target) + 13 + sum(len(n + v) + 4 for n, v in request.fields) + 2
    if size > _REFUSED_HEAD:
        return _MUST_REFUSE
    if size > _TAKEN_HEAD or len(request.fields) > _TAKEN_FIELDS:
        return _MAY_REFUSE
    return None


def _without_surplus(request: Request) -> Request | Refusal:
    """The request, if the octets end with it."""
    body = request.body or b""
    if request.values(b"transfer-encoding"):
        return Refusal(also=HTTP_ERRORS, optional=True)
    lengths = request.values(b"content-length")
    length = int(lengths[0]) if lengths else 0
    if length != len(body):
        return _MAY_REFUSE  # Cut off, or followed by the beginning of another.
    return request if lengths else Request(request.method, request.target, request.fields)
