"""The implementations read each other's data: users, hashes, tokens, posts, what is cached, and rows of files."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
import pytest
import redis
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from apis.contract.checks import Target
from apis.contract.checks.expect import expect_problem
from apis.contract.checks.multipart import CONTENT_TYPE, PNG, Part, multipart
from apis.contract.checks.problems import INTERNAL
from apis.contract.checks.wire import Answer, Wire, request_octets

_PASSED_OVER = 1.1
"""Seconds after which Redis is asked again where it was late: see section 10 of the contract."""


@dataclass(frozen=True)
class Someone:
    """A user, registered at one implementation, with the token of a login there."""

    id: int
    email: str
    password: str
    token: str


def ask(target: Target, method: str, path: str, *, token: str | None = None, content: object = None) -> Answer:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    body = b"" if content is None else json.dumps(content).encode()
    with Wire(target.base_url, timeout=15) as wire:
        wire.send(request_octets(f"{method} {path}", headers=headers | {"Content-Type": "application/json"}, body=body))
        return wire.require_answer(f"{method} {path} of {target.name}")


def document(answer: Answer, status: int) -> dict[str, object]:
    assert answer.status == status, answer
    return json.loads(answer.body)


def log_in(target: Target, email: str, password: str) -> str:
    answer = ask(target, "POST", "/api/auth/login", content={"email": email, "password": password})
    return str(document(answer, 200)["access_token"])


@pytest.fixture(scope="module")
def people(targets: dict[str, Target]) -> dict[str, Someone]:
    """A user of each implementation."""

    def register(target: Target) -> Someone:
        name, password = f"shared_{secrets.token_hex(6)}", secrets.token_urlsafe(12)
        content = {"username": name, "email": f"{name}@example.test", "password": password}
        user = document(ask(target, "POST", "/api/users", content=content), 201)
        token = log_in(target, content["email"], password)
        return Someone(int(str(user["id"])), content["email"], password, token)

    return {name: register(target) for name, target in targets.items()}


def where_redis_is_in_time(act: Callable[[], None]) -> None:
    """Do something up to three times: Redis is passed over for a second where it took more than 50 ms."""
    attempts = Retrying(
        retry=retry_if_exception_type(AssertionError),
        stop=stop_after_attempt(3),
        wait=wait_fixed(_PASSED_OVER),
        reraise=True,
    )
    attempts(act)


def test_a_user_of_one_logs_in_at_all(implementation: str, targets: dict[str, Target], people: dict[str, Someone]):
    someone = people[implementation]
    for target in targets.values():
        token = log_in(target, someone.email.upper(), someone.password)
        assert document(ask(target, "GET", "/api/users/me", token=token), 200)["id"] == someone.id
        refused = ask(target, "POST", "/api/auth/login", content={"email": someone.email, "password": "not the one"})
        assert refused.status == 401


def test_a_token_of_one_is_good_at_all(implementation: str, targets: dict[str, Target], people: dict[str, Someone]):
    someone = people[implementation]
    bodies = {name: ask(target, "GET", "/api/users/me", token=someone.token) for name, target in targets.items()}
    assert {answer.status for answer in bodies.values()} == {200}
    assert len({answer.body for answer in bodies.values()}) == 1


def test_hashes_are_of_the_contracts_parameters(implementation: str, target: Target, people: dict[str, Someone]):
    assert target.database_url
    with psycopg.connect(target.database_url) as database:
        row = database.execute("SELECT password_hash FROM users WHERE id = %s", (people[implementation].id,)).fetchone()
    assert row is not None
    kind, version, parameters, salt, digest = str(row[0]).split("$")[1:]
    assert (kind, version, parameters, len(salt), len(digest)) == ("argon2id", "v=19", "m=19456,t=2,p=1", 22, 43)


def test_a_post_of_one_is_the_same_at_all(implementation: str, targets: dict[str, Target], people: dict[str, Someone]):
    content = {"title": 'a "title" \\ / \u2028 \x01 é 😀', "body": "<b>&amp;</b>\r\n\t\x7f"}
    created = ask(targets[implementation], "POST", "/api/posts", token=people[implementation].token, content=content)
    post_id = document(created, 201)["id"]
    for target in targets.values():
        assert ask(target, "GET", f"/api/posts/{post_id}").body == created.body
        listed = ask(target, "GET", f"/api/posts?limit=1&before={int(str(post_id)) + 1}")
        assert listed.body == b'{"items":[' + created.body + b'],"next_before":%d}' % int(str(post_id))


def test_what_one_caches_all_serve_and_any_write_removes(
    implementation: str, targets: dict[str, Target], people: dict[str, Someone]
):
    token = people[implementation].token
    content = {"title": "cached", "body": "by one"}

    def read_and_write(reader: Target, writer: Target, deleter: Target) -> None:
        created = ask(writer, "POST", "/api/posts", token=token, content=content)
        path = f"/api/posts/{document(created, 201)['id']}"
        assert ask(reader, "GET", path).values("x-cache") == ["MISS"]
        for target in targets.values():
            answer = ask(target, "GET", path)
            assert (answer.values("x-cache"), answer.body) == (["HIT"], created.body), target.name
        updated = ask(writer, "PUT", path, token=token, content={"title": "new", "body": "by another"})
        assert updated.status == 200
        seen = ask(reader, "GET", path)
        assert (seen.values("x-cache"), seen.body) == (["MISS"], updated.body)
        for target in targets.values():
            assert ask(target, "HEAD", path).values("x-cache") == ["HIT"], target.name
        assert ask(deleter, "DELETE", path, token=token).status == 204
        assert {ask(target, "GET", path).status for target in targets.values()} == {404}

    first = targets[implementation]
    for other in targets.values():
        where_redis_is_in_time(lambda other=other: read_and_write(first, other, first))
        where_redis_is_in_time(lambda other=other: read_and_write(other, first, other))


def test_the_first_page_that_one_caches_all_serve(
    implementation: str, targets: dict[str, Target], people: dict[str, Someone]
):
    first = targets[implementation]
    assert first.redis_url

    def read() -> None:
        with redis.Redis.from_url(str(first.redis_url)) as cache:  # pyright: ignore[reportUnknownMemberType]
            cache.delete("posts:first")
            page = ask(first, "GET", "/api/posts").body
            assert cache.get("posts:first") == page
        created = ask(
            first, "POST", "/api/posts", token=people[implementation].token, content={"title": "t", "body": "b"}
        )
        assert created.status == 201
        assert {ask(target, "GET", "/api/posts?limit=20").body for target in targets.values()} == {page}

    where_redis_is_in_time(read)


def test_a_file_of_one_is_known_at_all_and_its_content_is_missed(
    implementation: str, targets: dict[str, Target], people: dict[str, Someone]
):
    headers = {"Authorization": f"Bearer {people[implementation].token}", "Content-Type": CONTENT_TYPE}
    with Wire(targets[implementation].base_url, timeout=15) as wire:
        wire.send(request_octets("POST /api/files", headers=headers, body=multipart(Part(PNG))))
        path = f"/api/files/{document(wire.require_answer('POST /api/files'), 201)['id']}"
    for name, target in targets.items():
        answer = ask(target, "GET", path)
        if name == implementation:
            assert (answer.status, answer.body) == (200, PNG)
        else:  # Its UPLOAD_DIR is another.
            expect_problem(answer, INTERNAL)
