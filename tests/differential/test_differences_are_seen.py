"""The comparison goes red: an implementation is put beside itself behind a proxy that changes one thing."""

import pytest

from apis.contract.checks import Target
from apis.contract.checks.wire import Answer
from tests.contract.alterations import answers, body, header, requests, stale, status, unaltered, welcoming
from tests.contract.altering_proxy import Alteration, Request, Upstream, altering_proxy
from tests.contract.paths import POST
from tests.differential.runner import DifferenceError, Runner
from tests.differential.template import RawTemplate, Step, Template, Token

_JSON = ("Content-Type", b"application/json")
_OWNER = ("Authorization", b"Bearer <<token:0>>")
_READ = Template("GET", "/api/posts/<<post:0>>")
_CREATE = Template("POST", "/api/posts", (_JSON, _OWNER), b'{"title":"a/b","body":"b"}')
_UPDATE = Template("PUT", "/api/posts/<<post:0>>", (_JSON, _OWNER), b'{"title":"a","body":"b"}')
_LOGIN = Template("POST", "/api/auth/login", (_JSON,), b'{"email":"<<email:0>>","password":"<<password:0>>"}')
_UPLOAD = Template(
    "POST",
    "/api/files",
    (("Content-Type", b"multipart/form-data; boundary=b"), _OWNER),
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="../a b.pdf"\r\n\r\n%PDF-1.7\r\n--b--\r\n',
)
_FORGED = Template("GET", "/api/users/me", (("Authorization", b"Bearer <<signed>>"),), token=Token(key="another"))
_TAGGED = Template("GET", "/api/posts/<<post:0>>", (("If-None-Match", b"<<tag:0>>"),))
_HEAD = Template("HEAD", "/api/posts/<<post:0>>")


def _closing(request: Request, upstream: Upstream) -> None:
    """Close every connection."""


_ALTERED: dict[str, tuple[Alteration, list[Step]]] = {
    "another status": (answers(status(404), path="/api/posts/.*", status=200), [_READ]),
    "another text": (answers(body(b"There is nothing at this path", b"Nothing here")), [Template("GET", "/x")]),
    "a header more": (answers(header("vary", "accept")), [_READ]),
    "a header less": (answers(header("etag", None), path="/api/posts/.*"), [_READ]),
    "a charset": (answers(header("content-type", "application/json; charset=utf-8"), status=200), [_READ]),
    "a slash escaped": (answers(body(b"a/b", b"a\\/b")), [_CREATE]),
    "a blank more": (answers(body(b'"version":', b'"version": ')), [_CREATE]),
    "microseconds": (answers(body(rb"(?<=\d\d\d)Z", b"000Z")), [_CREATE]),
    "a version that stays": (answers(body(b'"version":2', b'"version":1')), [_UPDATE]),
    "another location": (answers(header("location", "/api/posts/1")), [_CREATE]),
    "no cache": (answers(header("x-cache", "MISS"), path="/api/posts/.*", status=200), [_READ, _READ]),
    "stale posts": (stale(POST), [_READ, _UPDATE, _READ]),
    "another token type": (answers(body(b'"Bearer"', b'"bearer"')), [_LOGIN]),
    "a forged token": (requests(b"Authorization", b"X-Authorization", method="POST"), [_CREATE]),
    "a forged token taken": (answers(status(200), status=401), [_FORGED]),
    "an unsafe name": (answers(body(b"a_b.pdf", b"../a b.pdf")), [_UPLOAD]),
    "no 304": (requests(b"If-None-Match", b"X-None-Match"), [_READ, _TAGGED]),
    "another length of HEAD": (answers(header("content-length", "1"), method="HEAD"), [_HEAD]),
    "the connection closed": (_closing, [_READ]),
    "a malformed head welcome": (welcoming, [RawTemplate(b"GET healthz HTTP/1.1\r\nHost: x\r\n\r\n")]),
    "a 500": (answers(status(500), status=422), [Template("GET", "/api/posts?limit=0")]),
    "another order of errors": (
        answers(body(rb"\[(\{.*\}),(\{.*\})\]", b"[]"), status=422),
        [Template("GET", "/api/posts?limit=0&before=0")],
    ),
}


@pytest.fixture
def target(targets: dict[str, Target]) -> Target:
    """One implementation: this is about the comparison."""
    return next(iter(targets.values()))


@pytest.fixture
def unharmed(target: Target) -> dict[str, Target]:
    return {target.name: target}


def test_an_implementation_is_like_itself(unharmed: dict[str, Target], target: Target):
    steps = [step for _, steps in _ALTERED.values() for step in steps if isinstance(step, Template)]
    with altering_proxy(target, unaltered) as same, Runner({**unharmed, "same": same}) as runner:
        runner.run(steps)


@pytest.mark.parametrize(
    "name", [name if name == "another status" else pytest.param(name, marks=pytest.mark.nightly) for name in _ALTERED]
)
def test_a_difference_is_told_and_who_strays(unharmed: dict[str, Target], target: Target, name: str):
    alteration, steps = _ALTERED[name]
    with (
        altering_proxy(target, _after_setup(alteration)) as altered,
        Runner({**unharmed, "altered": altered}) as runner,
        pytest.raises(DifferenceError, match="altered strays") as raised,
    ):
        runner.run(steps)
    assert "altered was sent" in str(raised.value)
    assert not [line for line in str(raised.value).splitlines() if " strays: " in line and "altered" not in line]


def _after_setup(alteration: Alteration) -> Alteration:
    """Leave the users and the post that every program begins with alone."""

    def alter(request: Request, upstream: Upstream) -> Answer | None:
        is_setup = request.path == "/api/users" or b'"First"' in request.octets
        return unaltered(request, upstream) if is_setup else alteration(request, upstream)

    return alter
