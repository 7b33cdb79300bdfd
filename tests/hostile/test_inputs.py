"""Hostile inputs get the answer of the contract, like any other input."""

from collections.abc import Callable
from urllib.parse import quote

import pytest

from apis.contract.checks.wire import PNG
from tests.differential.runner import Runner
from tests.differential.steps import Form, Json, Step
from tests.hostile.inputs import (
    BAD_FORMS,
    BAD_IDS,
    BAD_TEXTS,
    BAD_TOKENS,
    FILE_NAMES,
    FREE_IDS,
    GOOD_FORMS,
    GOOD_TOKENS,
    INJECTIONS,
    NO_USER,
    NOT_JSON,
    OPEN_FORMS,
    OPEN_TOKENS,
    open_json,
)
from tests.stand.stand import Api

pytestmark = pytest.mark.usefixtures("unharmed", "next_client")

_OWNER, _OTHER = GOOD_TOKENS[:2]


def tokens() -> list[Step]:
    """Every token, where it is only read, and the bad ones where something is written."""
    read = [Step("GET", "/api/users/me", token) for token in (*GOOD_TOKENS, *OPEN_TOKENS, NO_USER, *BAD_TOKENS)]
    content = Json({"title": "a", "body": "b"})
    written = [Step("POST", "/api/posts", token, content) for token in (*GOOD_TOKENS, NO_USER, *BAD_TOKENS)]
    return [*read, *written, *(Step("DELETE", "/api/posts/<<post:0>>", token) for token in BAD_TOKENS)]


def injections() -> list[Step]:
    """SQL, JSON, templates and commands of Redis, wherever a text can be put."""
    steps: list[Step] = []
    for text in INJECTIONS:
        steps += [
            Step("POST", "/api/posts", _OWNER, Json({"title": text, "body": text * 3})),
            Step("GET", "/api/posts/<<post:1>>"),
            Step("PUT", "/api/posts/<<post:1>>", _OWNER, Json({"title": text, "body": text}, ascii=False)),
            Step("GET", "/api/posts/<<post:1>>"),
            Step("GET", "/api/posts/<<post:1>>"),
            Step("DELETE", "/api/posts/<<post:1>>", _OWNER),
            Step("POST", "/api/auth/login", body=Json({"email": f"{text}@x.test", "password": text})),
            Step("POST", "/api/auth/login", body=Json({"email": "<<email:0>>", "password": f"{text}12345678"})),
            Step("POST", "/api/users", body=Json({"username": text, "email": text, "password": text})),
            Step("GET", f"/api/posts?limit={quote(text)}&before={quote(text)}"),
            Step("GET", f"/api/posts/{quote(text, safe='')}", is_open=True),
            Step("GET", "/api/posts/<<post:0>>", headers=(("If-None-Match", quote(text)),), is_open=True),
        ]
    return steps


def bodies() -> list[Step]:
    """Bodies that aren't JSON, that readers differ in, that are deep, and with values that a text may not have."""
    good = {"title": "a", "body": "b"}
    values = [good | {name: value} for name in good for value in BAD_TEXTS]
    sent = [*(Json(members) for members in values), *(Json(octets=text, verdict="wrong") for text in NOT_JSON)]
    sent += [*open_json(good), Json(good, size=65_536), Json(good, size=65_537), Json(good, size=2**20)]
    sent += [Json({"title": "a" * 200, "body": "😀" * 15_000}, ascii=False), Json({"title": "a" * 201, "body": "b"})]
    steps = [Step("POST", path, body=body) for path in ("/api/users", "/api/auth/login") for body in sent]
    steps += [Step("POST", "/api/posts", _OWNER, body) for body in sent]
    for body in sent:
        # What is stored is what the answer says, whatever was made of the body.
        steps += [Step("PUT", "/api/posts/<<post:0>>", _OWNER, body), Step("GET", "/api/posts/<<post:0>>")]
    return steps


def numbers() -> list[Step]:
    """Ids, limits and bounds at and beyond each border."""
    steps: list[Step] = []
    for text in BAD_IDS:
        steps += [Step("GET", f"/api/{kind}/{text}") for kind in ("users", "posts", "files")]
        steps += [Step("GET", f"/api/posts?{name}={quote(text)}") for name in ("limit", "before")]
        steps += [Step("DELETE", f"/api/posts/{text}", _OWNER)]
    steps += [Step("GET", f"/api/{kind}/{text}") for kind in ("users", "posts") for text in FREE_IDS]
    for number in (1, 100, 101, 2**31, 2**32 + 1, 2**63 - 1, 2**63, 2**64 + 1):
        steps += [Step("GET", f"/api/posts?{name}={number}") for name in ("limit", "before")]
        steps += [Step("GET", f"/api/{kind}/{number}") for kind in ("users", "posts")]
    return steps


def others() -> list[Step]:
    """Another user's posts: of the seed, and of the program's other user."""
    content = Json({"title": "mine", "body": "now"})
    paths = ("/api/posts/1", "/api/posts/10000", "/api/posts/<<post:0>>")
    writes = [Step("PUT", path, _OTHER, content) for path in paths]
    writes += [Step("DELETE", path, _OTHER) for path in paths]
    claims = Json({"title": "a", "body": "b", "id": 1, "author_id": 1, "author": {"id": 1}, "version": 99})
    reads = [Step("GET", f"/api/posts/<<post:{number}>>") for number in (0, 1)]
    return [*writes, Step("POST", "/api/posts", _OTHER, claims), *reads]


def files() -> list[Step]:
    """File names that are paths, files that are two things at once, and forms that readers differ in."""
    forms = [*(Form(name, PNG) for name in FILE_NAMES), *GOOD_FORMS, *OPEN_FORMS, *BAD_FORMS]
    steps = [Step("POST", "/api/files", _OWNER, form) for form in forms]
    return [*steps, *(Step("GET", f"/api/files/<<file:{number}>>") for number in range(len(forms)))]


_ATTACKS: dict[str, Callable[[], list[Step]]] = {
    attack.__name__: attack for attack in (tokens, injections, bodies, numbers, others, files)
}


@pytest.mark.parametrize("attack", _ATTACKS)
def test_hostile_input_gets_the_contracts_answer(api: Api, attack: str):
    with Runner({api.name: api}) as runner:
        runner.run(_ATTACKS[attack]())
