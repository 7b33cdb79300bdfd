"""Services that refuse: a wrong password, and fewer connections than the pool has."""

import re
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psycopg
import pytest
from psycopg import sql

from apis.contract.checks.expect import CAUSES
from tests.stand.client import ask
from tests.stand.stand import Api, Stand

_ROLE = "fairground_tested"
_ADMITTED = 20
_PLANTED = f"planted-{secrets.token_hex(8)}"

_SECONDS = 3.0
_LINES = 4
"""Lines that a second may leave in the log, beside one for each request."""


@pytest.fixture
def role(api: Api) -> Iterator[str]:
    """A role that PostgreSQL admits few connections of, and its password. A superuser's aren't counted."""
    password, name = secrets.token_hex(16), sql.Identifier(_ROLE)
    with psycopg.connect(api.database_url, autocommit=True) as database:
        database.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(name))
        database.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} CONNECTION LIMIT {}").format(name, password, _ADMITTED)
        )
        database.execute(sql.SQL("GRANT pg_read_all_data, pg_write_all_data TO {}").format(name))
        yield f"{_ROLE}:{password}"
        database.execute(sql.SQL("DROP ROLE {}").format(name))


def test_a_pool_that_is_partly_admitted_serves_all(stand: Stand, api: Api, role: str):
    launcher = stand.launcher(api.name)
    url = re.sub("//.+@", f"//{role}@", launcher.services["DATABASE_URL"])
    environment = {**launcher.services, "DATABASE_URL": url, "DB_POOL_SIZE": "32", "LOG_LEVEL": "warn"}
    with launcher.start(environment, cpus=launcher.cpus) as instance, ThreadPoolExecutor(100) as pool:
        answers = pool.map(partial(ask, instance.base_url, "GET"), ["/api/users/7"] * 1_500)
        assert Counter(answer.status for answer in answers) == {200: 1_500}


# In the gate a log has the causes of other failures (tests/contract/test_process.py).
@pytest.mark.nightly
def test_a_wrong_password_is_a_cause_in_the_log_and_nowhere_else(stand: Stand, api: Api):
    launcher = stand.launcher(api.name)
    environment = {
        **launcher.services,
        "DATABASE_URL": re.sub(":[^:@]+@", f":{_PLANTED}@", launcher.services["DATABASE_URL"]),
        "REDIS_URL": re.sub(":[^:@]*@", f":{_PLANTED}@", launcher.services["REDIS_URL"]),
        "LOG_LEVEL": "warn",
    }
    paths = ("/readyz", "/api/users/7", "/api/posts/7", "/api/posts")
    with launcher.start(environment, cpus=launcher.cpus) as instance, ThreadPoolExecutor(len(paths)) as pool:
        start = time.monotonic()
        answers = list(pool.map(partial(ask, instance.base_url, "GET"), paths))
        time.sleep(max(0.0, _SECONDS - (time.monotonic() - start)))
        seconds = time.monotonic() - start
        instance.send_signal("TERM")
        ended = instance.wait()
    assert [answer.status for answer in answers] == [503] * len(paths)
    assert not [answer for answer in answers if CAUSES.search(answer.body.decode())]
    log = ended.stdout + ended.stderr
    assert ended.exit_code == 0
    assert _PLANTED not in log
    assert re.search(r"(?i)password authentication failed|28P01", log), log[:4_000]
    assert re.search(r"(?i)redis.*(wrongpass|auth)", log), log[:4_000]
    assert log.count("\n") <= len(paths) + _LINES * seconds, log[:4_000]
