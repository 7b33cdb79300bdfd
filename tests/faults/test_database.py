"""What PostgreSQL does behind the implementations: a migration, and an INSERT and an UPDATE whose answers are lost."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, LiteralString

import psycopg
import pytest

from apis.contract.checks.wire import CONTENT_TYPE, PNG, Part, multipart
from tests.ssh.waiting import wait_until
from tests.stand.client import Line, ask, request_octets
from tests.stand.stand import Api, Stand, drop_commands

_POOL = 32
_OWNER = 8
_LOST = PNG + b"whose answer is lost"
_PAGE = "/api/posts?limit=5&before=9000"

_SLOW_COMMIT: LiteralString = """
    DROP FUNCTION IF EXISTS fairground_wait() CASCADE;
    CREATE FUNCTION fairground_wait() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(2); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER fairground_wait AFTER INSERT ON files
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fairground_wait();
"""
_SLOW_UPDATE: LiteralString = """
    DROP FUNCTION IF EXISTS fairground_wait() CASCADE;
    CREATE FUNCTION fairground_wait() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(2); RETURN NULL; END $$;
    CREATE TRIGGER fairground_wait AFTER UPDATE ON posts FOR EACH ROW EXECUTE FUNCTION fairground_wait();
"""
_CUT_OFF = 17.0
_WELL_AGAIN = 5.0
"""Seconds for which packets are dropped, and from the network's return until all is as before. TCP sends an answer
again 13 and 26 s after the first time. Until then PostgreSQL doesn't know that its client has gone."""

_COMMITTING: LiteralString = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
_COMMIT_SECONDS = 2.0
_NO_SLOW_COMMIT: LiteralString = "DROP FUNCTION IF EXISTS fairground_wait() CASCADE"


def _failures(api: Api) -> int:
    """How many of many reads fail, as many at once as the pool has connections."""
    with ThreadPoolExecutor(_POOL) as pool:
        answers = pool.map(partial(ask, api.base_url, "GET"), [_PAGE] * 5 * _POOL)
        return sum(answer.status != 200 for answer in answers)


@pytest.fixture(scope="module")
def migrated(apis: Mapping[str, Api]) -> Mapping[str, list[int]]:
    """Failed reads of each implementation after a migration, and after it was taken back."""
    rounds: list[list[int]] = []
    with ThreadPoolExecutor(len(apis)) as pool, _connect(apis) as database:
        # All connections of the pools have prepared their statements then.
        list(pool.map(_failures, apis.values()))
        for kind in (b"varchar(1000)", b"text"):
            database.execute(b"ALTER TABLE posts ALTER COLUMN title TYPE " + kind)
            rounds.append(list(pool.map(_failures, apis.values())))
    return {name: [failed[number] for failed in rounds] for number, name in enumerate(apis)}


# In the gate the check `database.plans_that_a_migration_made_invalid_are_replaced` says nearly as much.
@pytest.mark.nightly
def test_a_migration_costs_each_connection_one_request_at_most(migrated: Mapping[str, list[int]], implementation: str):
    assert max(migrated[implementation]) <= _POOL, migrated[implementation]


def _upload(api: Api) -> int:
    headers, body = [("Content-Type", CONTENT_TYPE)], multipart(Part(_LOST))
    with Line(api.base_url) as line:
        token = api.token(_OWNER, f"user_{_OWNER:04d}")
        return line.ask(request_octets("POST", "/api/files", headers=headers, token=token, body=body)).status


@pytest.fixture(scope="module")
def lost(stand: Stand) -> tuple[list[int], list[int]]:
    """Uploads whose INSERT was committed while all packets of PostgreSQL were dropped: their statuses, and the rows."""
    begin, end = drop_commands(stand.postgres_port)
    with _connect(stand.apis) as database, ThreadPoolExecutor(len(stand.apis)) as pool:
        (last,) = _row(database, "SELECT coalesce(max(id), 0) FROM files")
        database.execute(_SLOW_COMMIT)
        try:
            uploads = [pool.submit(_upload, api) for api in stand.apis.values()]
            wait_until(lambda: _row(database, _COMMITTING) == (len(stand.apis),))
            stand.run(begin)
            try:
                statuses = [one.result() for one in uploads]
                time.sleep(_COMMIT_SECONDS)
            finally:
                stand.run(end)
        finally:
            with _connect(stand.apis) as again:
                again.execute(_NO_SLOW_COMMIT)
    with _connect(stand.apis) as database:
        rows = database.execute("SELECT id FROM files WHERE id > %s AND owner_id = %s", (last, _OWNER)).fetchall()
    return statuses, [int(row[0]) for row in rows]


def _connect(apis: Mapping[str, Api]) -> "psycopg.Connection[tuple[Any, ...]]":
    return psycopg.connect(next(iter(apis.values())).database_url, autocommit=True)


def _row(database: "psycopg.Connection[tuple[Any, ...]]", query: LiteralString) -> tuple[Any, ...]:
    row = database.execute(query).fetchone()
    assert row is not None
    return row


def test_no_row_is_without_its_content(lost: tuple[list[int], list[int]], apis: Mapping[str, Api]):
    """Each row is of one implementation, which has its content. The others don't: their UPLOAD_DIR is another."""
    statuses, rows = lost
    assert {*statuses} == {503}, statuses
    assert rows, "no INSERT was committed"
    for row in rows:
        answers = [ask(api.base_url, "GET", f"/api/files/{row}") for api in apis.values()]
        assert [answer.body for answer in answers if answer.status == 200] == [_LOST], (row, statuses)


def _new_post(api: Api) -> int:
    content = {"title": "whose update is lost", "body": "b"}
    answer = ask(api.base_url, "POST", "/api/posts", token=api.token(_OWNER, f"user_{_OWNER:04d}"), content=content)
    assert answer.status == 201, answer
    return int(answer.json()["id"])


def _update(api: Api, post: int) -> int:
    content, token = {"title": "updated", "body": "b"}, api.token(_OWNER, f"user_{_OWNER:04d}")
    return ask(api.base_url, "PUT", f"/api/posts/{post}", token=token, content=content).status


@pytest.mark.nightly
def test_an_update_whose_answer_is_lost_leaves_no_row_locked(stand: Stand):
    posts = {_new_post(api): name for name, api in stand.apis.items()}
    begin, end = drop_commands(stand.postgres_port)
    with _connect(stand.apis) as database, ThreadPoolExecutor(len(posts)) as pool:
        database.execute(_SLOW_UPDATE)
        try:
            updates = [pool.submit(_update, stand.apis[name], post) for post, name in posts.items()]
            wait_until(lambda: _row(database, _COMMITTING) == (len(posts),))
            stand.run(begin)
            try:
                time.sleep(_CUT_OFF)
                statuses = [update.result() for update in updates]
            finally:
                stand.run(end)
            time.sleep(_WELL_AGAIN)
            with _connect(stand.apis) as again:
                query = "SELECT id FROM posts WHERE id = ANY(%s) FOR UPDATE SKIP LOCKED"
                unlocked = {int(row[0]) for row in again.execute(query, ([*posts],)).fetchall()}
        finally:
            with _connect(stand.apis) as again:
                again.execute(_NO_SLOW_COMMIT)
    assert {*statuses} == {503}, statuses
    assert [name for post, name in posts.items() if post not in unlocked] == []
