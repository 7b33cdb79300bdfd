"""Each kind of comparison goes red: an answer that is right, and one that differs from it in one thing."""

import hashlib
import json
import socket
from collections.abc import Mapping
from dataclasses import replace

import pytest

from apis.contract.checks.wire import PNG
from tests.differential.expectation import Expected, judge
from tests.differential.model import expect
from tests.differential.runner import DifferenceError, Runner, Services
from tests.differential.steps import Json, Step
from tests.differential.world import File, Post, User, World
from tests.hostile.inputs import GOOD_FORMS, GOOD_TOKENS
from tests.stand.client import Answer, server
from tests.stand.stand import Api

_TIME = "2026-01-31T12:00:00.000Z"
_JSON = (("content-type", "application/json; charset=utf-8"),)
_PROBLEM = (("content-type", "application/problem+json"), ("www-authenticate", "Bearer"))


@pytest.fixture
def world() -> World:
    user = User(5_005, "someone", "someone@example.test", "a password", _TIME)
    post = Post(70_007, user, "a title", "a body", 1, _TIME, _TIME, is_cached=True)
    return World("x" * 32, "0123456789", [user, user], [post], [File(9, "a.png", "image/png", PNG)])


def _answer(status: int, content: object, headers: tuple[tuple[str, str], ...] = _JSON) -> Answer:
    body = content if isinstance(content, bytes) else b"" if content is None else json.dumps(content).encode()
    return Answer(status, headers, body)


def _problem(code: int, **members: object) -> Answer:
    return _answer(code, {"title": "A fault", "status": code, **members}, _PROBLEM)


def _post(**changes: object) -> dict[str, object]:
    author = {"id": 5_005, "username": "someone"}
    times = {"created_at": _TIME, "updated_at": _TIME}
    return {"id": 70_007, "author": author, "title": "a title", "body": "a body", "version": 1, **times, **changes}


_READ = Step("GET", "/api/posts/<<post:0>>")
_READ_HEADERS = (*_JSON, ("etag", '"70007-1"'), ("x-cache", "HIT"))
_CREATE = Step("POST", "/api/posts", GOOD_TOKENS[0], Json({"title": "a title", "body": "a body"}))
_CREATED = _answer(201, _post(), (*_JSON, ("location", "/api/posts/70007")))
_UPDATE = Step("PUT", "/api/posts/<<post:0>>", GOOD_TOKENS[0], Json({"title": "b", "body": "b"}))
_UPDATED = _answer(200, _post(title="b", body="b", version=2))
_BAD = Step("POST", "/api/posts", GOOD_TOKENS[0], Json({"title": "", "body": None}))
_ERRORS = [{"field": "body", "message": "is missing"}, {"field": "title", "message": "is empty"}]
_ANONYMOUS = Step("GET", "/api/users/me")
_DOWNLOAD = Step("GET", "/api/files/<<file:0>>")
_DISPOSITION = ("content-disposition", 'attachment; filename="a.png"')
_FILE_HEADERS = (("content-type", "image/png"), _DISPOSITION, ("x-content-type-options", "nosniff"))
_FREE = Step("GET", "/api/posts/01")

PAIRS: Mapping[str, tuple[Step, Answer, Answer]] = {
    "another status": (_READ, _answer(200, _post(), _READ_HEADERS), _problem(404)),
    "another value": (_UPDATE, _UPDATED, _answer(200, _post(title="b", body="b", version=1))),
    "another type": (_UPDATE, _UPDATED, _answer(200, _post(title="b", body="b", version=2.0))),
    "a member more": (_CREATE, _CREATED, replace(_CREATED, body=json.dumps(_post(x=1)).encode())),
    "a time in another form": (_CREATE, _CREATED, replace(_CREATED, body=json.dumps(_post(created_at="now")).encode())),
    "another header": (_CREATE, _CREATED, replace(_CREATED, headers=(*_JSON, ("location", "/api/posts/70008")))),
    "another media type": (_UPDATE, _UPDATED, replace(_UPDATED, headers=(("content-type", "text/json"),))),
    "a stale tag": (
        _READ,
        _answer(200, _post(), _READ_HEADERS),
        _answer(200, _post(), (*_JSON, ("etag", '"70007-2"'), ("x-cache", "HIT"))),
    ),
    "no X-Cache": (_READ, _answer(200, _post(), _READ_HEADERS), _answer(200, _post(), _READ_HEADERS[:-1])),
    "other bytes": (_DOWNLOAD, _answer(200, PNG, _FILE_HEADERS), _answer(200, PNG[:-1], _FILE_HEADERS)),
    "a wrong request taken": (_BAD, _problem(422, errors=_ERRORS), _CREATED),
    "a field that isn't named": (_BAD, _problem(422, errors=_ERRORS), _problem(422, errors=_ERRORS[:1])),
    "no problem": (_BAD, _problem(400), _answer(400, {"error": "bad"})),
    "another status in the problem": (_BAD, _problem(400), _problem(400, status=422)),
    "no challenge": (_ANONYMOUS, _problem(401), replace(_problem(401), headers=_PROBLEM[:1])),
    "a 5xx to what is free": (_FREE, _problem(404), _problem(500)),
}


def expected(world: World, step: Step) -> Expected:
    return expect(world, step, lambda _limit, _before: {})


@pytest.mark.parametrize("name", PAIRS)
def test_a_difference_is_seen(world: World, name: str):
    step, right, wrong = PAIRS[name]
    assert judge(expected(world, step), wrong) is not None
    assert judge(expected(world, step), right) is None


def test_a_hit_after_a_write_is_seen(world: World):
    assert judge(expected(world, _UPDATE), _UPDATED) is None
    headers = (*_JSON, ("etag", '"70007-2"'), ("x-cache", "HIT"))
    stale = _answer(200, _post(title="b", body="b", version=2), headers)
    assert "X-Cache" in str(judge(expected(world, _READ), stale))


def test_a_change_by_what_is_free_is_learned_from_its_answer(world: World):
    repeated = Json({"title": "b", "body": "b"}, octets=b'{"title":"b","body":"b","body":"c"}', verdict="open")
    taken = _answer(200, _post(title="b", body="c", version=2))
    assert judge(expected(world, replace(_UPDATE, body=repeated)), taken) is None
    assert "saw 'a " in str(judge(expected(world, _READ), _answer(200, _post(), _READ_HEADERS)))
    assert judge(expected(world, replace(_UPDATE, body=repeated)), _problem(400)) is None
    assert world.posts[0].body == "c"


def test_an_unsafe_file_name_is_seen(world: World):
    step = Step("POST", "/api/files", GOOD_TOKENS[0], replace(GOOD_FORMS[0], filename="../a.png"))
    shown = {"id": 1, "filename": "../a.png", "content_type": "image/png", "size": len(PNG)}
    shown["sha256"] = hashlib.sha256(PNG).hexdigest()
    assert "a safe file name" in str(judge(expected(world, step), _answer(201, shown)))
    assert judge(expected(world, step), _answer(201, shown | {"filename": "a.png"})) is None


def _failing(client: socket.socket) -> None:
    client.recv(65_536)
    client.sendall(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")


def test_the_runner_names_who_differs():
    with server(_failing) as base_url:
        api = Api("failing", base_url, "", "", "x" * 32)
        services = Services(lambda _limit, _before: {}, lambda: None)
        with pytest.raises(DifferenceError, match="failing differs: expected no 500"):
            Runner({"failing": api}, services).__enter__()
