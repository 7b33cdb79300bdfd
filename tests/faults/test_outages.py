"""PostgreSQL and Redis stopped, killed, frozen and cut off in turn, under one load on all implementations."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.conftest import NIGHTLY
from tests.faults.outage_load import EXPECTED, ON_DATABASE, Outage, OutageRecord, run_load, shown
from tests.stand.client import ask
from tests.stand.stand import Api, Stand, drop_commands

_REFUSED_WITHIN = 3.0
"""Seconds in which a 503 comes without PostgreSQL."""

_SERVED_WITHIN = 1.0
"""Seconds in which a request is served without Redis, and one that needs no PostgreSQL without that."""

_WELL_AGAIN = 5.0
"""Seconds after a service's return from which all is as before."""

_AFTER = _WELL_AGAIN + 3
"""Seconds from a service's return to the next outage. In the last three each kind of request is sent."""

_CUT_OFF = 60.0 if NIGHTLY else 17.0
"""Seconds for which packets are dropped. TCP sends again 13 and 26 s after the first time, and asks for a connection
again after 15 and 31 s: who leaves the return to that isn't well 5 s after it."""

_AT_NIGHT = {"postgres killed", "redis killed", "redis frozen"}
"""The outages that the gate leaves out. To a client, a killed service is much like one that was stopped. A frozen Redis
is also what the check `caching.a_frozen_redis_is_passed_over` is about."""


def _of(*services: str) -> list[Any]:
    names = [f"{service} {what}" for service in services for what in ("stopped", "killed", "frozen", "cut off")]
    return [pytest.param(name, marks=pytest.mark.nightly) if name in _AT_NIGHT else name for name in names]


def _outages(stand: Stand) -> dict[str, Outage]:
    commands = stand.commands
    postgres, redis = (drop_commands(port) for port in (stand.postgres_port, stand.redis_port))
    return {
        "postgres stopped": Outage("postgres", commands.stop_postgres, commands.start_postgres, 4),
        "postgres killed": Outage("postgres", commands.kill_postgres, commands.start_postgres, 4),
        "postgres frozen": Outage("postgres", commands.freeze_postgres, commands.thaw_postgres, 5),
        "postgres cut off": Outage("postgres", *postgres, _CUT_OFF),
        "redis stopped": Outage("redis", commands.stop_redis, commands.start_redis, 3),
        "redis killed": Outage("redis", commands.kill_redis, commands.start_redis, 3),
        "redis frozen": Outage("redis", commands.freeze_redis, commands.thaw_redis, 3),
        "redis cut off": Outage("redis", *redis, _CUT_OFF),
    }


@pytest.fixture(scope="module")
def records(stand: Stand, request: pytest.FixtureRequest) -> Mapping[tuple[str, str], OutageRecord]:
    """A load, with all outages that the chosen tests are about."""
    chosen = [item.name for item in request.session.items]
    outages = {
        name: outage for name, outage in _outages(stand).items() if any(test.endswith(f"-{name}]") for test in chosen)
    }
    before = {name: stand.process(name) for name in stand.apis}
    run = run_load(stand, outages, after=_AFTER)
    for name, process in before.items():
        assert stand.process(name) == process, f"{name} was started again:\n{stand.log(name)[-8_192:]}"
    return run


@pytest.fixture
def record(records: Mapping[tuple[str, str], OutageRecord], implementation: str, outage: str) -> OutageRecord:
    return records[outage, implementation]


def expect_recovery(record: OutageRecord) -> None:
    """Expect that each kind of request gets its answer, some seconds after the service's return."""
    after = record.since(record.back + _WELL_AGAIN)
    # There are few logins.
    assert {one.kind for one in after} >= EXPECTED.keys() - {"login"}
    assert all(one.is_well for one in after), shown(after)


def expect_refusals(record: OutageRecord) -> None:
    """Expect that without PostgreSQL what needs it gets a 503 in time, and all else its answer."""
    since = record.since(record.begins)
    assert all(one.is_well or one.status == 503 for one in since), shown(since)
    assert all(one.seconds < _REFUSED_WITHIN for one in since), shown(since)
    refused = record.during(*ON_DATABASE)
    # A client may wait through most of a short outage. The longest one has time for each kind.
    kinds = {*ON_DATABASE} - {"login"} if record.ends - record.begun > _REFUSED_WITHIN * 4 else {"user"}
    assert {one.kind for one in refused} >= kinds
    assert all(one.status == 503 for one in refused), shown(refused)
    healthz, posts = record.since(record.begins, "healthz"), record.during("post")
    assert all(one.is_well and one.seconds < _SERVED_WITHIN for one in healthz), shown(healthz)
    # Redis may be passed over now and then, also on a machine that is only busy.
    assert sum(one.is_well for one in posts) * 2 > len(posts) > 0, shown(posts)


def expect_service(record: OutageRecord) -> None:
    """Expect that without Redis all is served in time, and posts come from PostgreSQL."""
    since = record.since(record.begins)
    assert all(one.is_well for one in since), shown(since)
    assert all(one.seconds < _SERVED_WITHIN for one in since if one.kind != "login"), shown(since)
    posts = record.during("post")
    assert {one.cache for one in posts} == {"miss"}, shown(posts)
    again = record.since(record.back + _WELL_AGAIN, "post")
    assert sum(one.cache == "hit" for one in again) * 2 > len(again) > 0, shown(again)


@pytest.mark.parametrize("outage", _of("postgres", "redis"))
def test_all_is_well_again_after_five_seconds(record: OutageRecord):
    expect_recovery(record)


@pytest.mark.parametrize("outage", _of("postgres"))
def test_without_postgres_what_needs_it_gets_503(record: OutageRecord):
    expect_refusals(record)


@pytest.mark.parametrize("outage", _of("redis"))
def test_without_redis_all_is_served(record: OutageRecord):
    expect_service(record)


def test_afterwards_all_is_ready(records: Mapping[tuple[str, str], OutageRecord], api: Api, stand: Stand):
    assert records
    answer = ask(api.base_url, "GET", "/readyz")
    assert (answer.status, answer.json()) == (200, {"postgres": "up", "redis": "up"})
    assert api.jwt_secret not in stand.log(api.name)
