"""The implementations that are attacked. Each must be as well afterwards as it was before."""

from collections.abc import Iterator, Mapping

import psycopg
import pytest

from apis.contract.seed import POST_COUNT, USER_COUNT, seeded_user
from tests.stand.client import ask
from tests.stand.fixtures import api, apis, pytest_generate_tests, stand
from tests.stand.stand import Api, Stand

__all__ = ["api", "apis", "pytest_generate_tests", "stand"]

_SEEDED = """
    SELECT (SELECT md5(string_agg(users::text, ',' ORDER BY id)) FROM users WHERE id <= %s),
           (SELECT md5(string_agg(posts::text, ',' ORDER BY id)) FROM posts WHERE id <= %s)
"""


@pytest.fixture(scope="module")
def unharmed(stand: Stand) -> Iterator[None]:
    """After the tests of a file the same processes run as before, and what others own is unchanged."""
    before = {name: stand.process(name) for name in stand.apis}
    first = next(iter(stand.apis.values()))
    seeded = _seeded(first)
    yield
    for name, process in before.items():
        assert stand.process(name) == process, f"{name} was started again:\n{stand.log(name)[-8_192:]}"
    assert _seeded(first) == seeded, "rows of the seed were changed"


@pytest.fixture
def next_client(apis: Mapping[str, Api]) -> Iterator[None]:
    """After each test the next client gets the right answer, from each implementation."""
    yield
    user = seeded_user(7)
    for name, one in apis.items():
        answer = ask(one.base_url, "GET", "/api/users/7")
        assert answer.status == 200, f"{name}, the next client: {answer}"
        assert answer.json() == {"id": 7, "username": user.username, "created_at": user.created_at}, name


def _seeded(one: Api) -> object:
    with psycopg.connect(one.database_url) as database:
        return database.execute(_SEEDED, (USER_COUNT, POST_COUNT)).fetchone()
