"""The implementations read each other's data: users, hashes, tokens, posts, and what is cached."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import redis
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_fixed

from tests.stand.client import Answer, ask
from tests.stand.stand import Api

_where_redis_is_in_time = retry(
    retry=retry_if_exception_type(AssertionError), stop=stop_after_attempt(3), wait=wait_fixed(1.1), reraise=True
)
"""Redis may be passed over for a second where it was late."""


@dataclass(frozen=True)
class Someone:
    """A user, registered at one implementation, with the token of a login there."""

    id: int
    email: str
    password: str
    token: str


def members(answer: Answer, status: int) -> dict[str, Any]:
    assert answer.status == status, answer
    return answer.json()


def log_in(api: Api, email: str, password: str) -> str:
    content = {"email": email, "password": password}
    return members(ask(api.base_url, "POST", "/api/auth/login", content=content), 200)["access_token"]


@pytest.fixture(scope="module")
def people(apis: Mapping[str, Api]) -> dict[str, Someone]:
    """A user of each implementation."""

    def register(api: Api) -> Someone:
        name, password = f"shared_{secrets.token_hex(6)}", secrets.token_urlsafe(12)
        content = {"username": name, "email": f"{name}@example.test", "password": password}
        user = members(ask(api.base_url, "POST", "/api/users", content=content), 201)
        return Someone(user["id"], content["email"], password, log_in(api, content["email"], password))

    return {name: register(api) for name, api in apis.items()}


def test_a_user_of_one_logs_in_at_all(implementation: str, apis: Mapping[str, Api], people: Mapping[str, Someone]):
    someone = people[implementation]
    for api in apis.values():
        token = log_in(api, someone.email.upper(), someone.password)
        assert members(ask(api.base_url, "GET", "/api/users/me", token=token), 200)["id"] == someone.id
        content = {"email": someone.email, "password": "not this one"}
        assert ask(api.base_url, "POST", "/api/auth/login", content=content).status == 401


def test_a_token_of_one_is_good_at_all(implementation: str, apis: Mapping[str, Api], people: Mapping[str, Someone]):
    token = people[implementation].token
    first, *others = (members(ask(api.base_url, "GET", "/api/users/me", token=token), 200) for api in apis.values())
    assert all(other == first for other in others)


def test_a_post_of_one_is_the_same_at_all(api: Api, apis: Mapping[str, Api], people: Mapping[str, Someone]):
    content = {"title": 'a "title" \\ / \u2028 \x01 é 😀', "body": "<b>&amp;</b>\r\n\t\x7f"}
    post = members(ask(api.base_url, "POST", "/api/posts", token=people[api.name].token, content=content), 201)
    for other in apis.values():
        assert members(ask(other.base_url, "GET", f"/api/posts/{post['id']}"), 200) == post
        page = members(ask(other.base_url, "GET", f"/api/posts?limit=1&before={post['id'] + 1}"), 200)
        assert page == {"items": [post], "next_before": post["id"]}


def test_what_one_caches_all_serve_and_any_write_removes(
    api: Api, apis: Mapping[str, Api], people: Mapping[str, Someone]
):
    token = people[api.name].token

    @_where_redis_is_in_time
    def read_and_write(reader: Api, writer: Api, deleter: Api) -> None:
        content = {"title": "cached", "body": "by one"}
        post = members(ask(writer.base_url, "POST", "/api/posts", token=token, content=content), 201)
        path = f"/api/posts/{post['id']}"
        assert ask(reader.base_url, "GET", path).header("x-cache") == "MISS"
        for other in apis.values():
            answer = ask(other.base_url, "GET", path)
            assert (members(answer, 200), answer.header("x-cache")) == (post, "HIT"), other.name
        content = {"title": "new", "body": "by another"}
        updated = members(ask(writer.base_url, "PUT", path, token=token, content=content), 200)
        answer = ask(reader.base_url, "GET", path)
        assert (members(answer, 200), answer.header("x-cache")) == (updated, "MISS")
        assert ask(deleter.base_url, "DELETE", path, token=token).status == 204
        assert {ask(other.base_url, "GET", path).status for other in apis.values()} == {404}

    for other in apis.values():
        read_and_write(api, other, api)
        read_and_write(other, api, other)


def test_the_first_page_that_one_caches_all_serve(api: Api, apis: Mapping[str, Api], people: Mapping[str, Someone]):
    @_where_redis_is_in_time
    def read() -> None:
        with redis.Redis.from_url(api.redis_url) as cache:  # pyright: ignore[reportUnknownMemberType]
            cache.delete("posts:first")
        page = members(ask(api.base_url, "GET", "/api/posts"), 200)
        content = {"title": "t", "body": "b"}
        assert ask(api.base_url, "POST", "/api/posts", token=people[api.name].token, content=content).status == 201
        for other in apis.values():
            assert members(ask(other.base_url, "GET", "/api/posts?limit=20"), 200) == page, other.name

    read()
