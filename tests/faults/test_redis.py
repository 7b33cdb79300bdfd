"""Redis stopped and, later, frozen under load, once for all implementations: they serve all the same."""

import json
from datetime import datetime
from itertools import pairwise

import pytest

from apis.contract.checks import Target
from tests.faults.traffic import CACHED, EXPECTED, Books, fitting, outcomes, publish, run_load
from tests.stand.stand import Stand

_BEFORE, _AWAY, _AFTER = 2.0, 2.0, 4.0
"""Seconds before Redis is stopped, for which it is away each time, and after each."""

_CACHED_AGAIN = 2.0
"""Seconds after which posts are cached again; see section 10 of the contract."""

_SLOWER = 2.0
"""Seconds that a request may take: 50 ms for each question to Redis, on a machine that is busy."""

_APART = 0.95
"""Seconds between two warnings: one, less what may pass between a warning's being let through and its time."""

_OUTAGES = {"stopped": ("stop", "start"), "frozen": ("freeze", "thaw")}
"""What begins each outage, and what ends it."""


@pytest.fixture(scope="module")
def books(stand: Stand, targets: dict[str, Target]) -> Books:
    """A load while Redis is stopped, started, frozen and thawed."""
    commands = stand.commands
    actions = [
        ("stop", _BEFORE, commands.stop_redis),
        ("start", _AWAY, commands.start_redis),
        ("freeze", _AFTER, commands.freeze_redis),
        ("thaw", _AWAY, commands.thaw_redis),
    ]
    return run_load(stand, targets, actions=actions, rest=_AFTER, post_of=publish)


def test_every_request_is_served(implementation: str, books: Books):
    requests = books.of(implementation)
    assert {request.kind for request in requests} == set(EXPECTED)
    assert all(map(fitting, requests)), outcomes(requests)
    assert max(request.seconds for request in requests if request.kind != "login") < _SLOWER


@pytest.mark.parametrize("outage", _OUTAGES)
def test_posts_come_from_postgres_meanwhile(implementation: str, books: Books, outage: str):
    begins, ends = _OUTAGES[outage]
    away = books.of(implementation, "post", since=books.actions[begins][1] + 0.2, until=books.actions[ends][0] - 0.2)
    assert away
    assert {request.cache for request in away} == {"miss"}


@pytest.mark.parametrize("action", ["start", "thaw"])
def test_posts_are_cached_again(implementation: str, books: Books, action: str):
    back = books.back("redis", action) + _CACHED_AGAIN
    # Each post is filled by its first read; what comes after the first round are hits.
    reads = books.of(
        implementation, "post", since=back, until=books.actions["freeze"][0] if action == "start" else books.end
    )[16:]
    hits = [request for request in reads if request.cache == "hit"]
    assert len(hits) >= CACHED * len(reads) > 0, f"{len(hits)} hits of {len(reads)} reads"


def test_posts_are_cached_before(implementation: str, books: Books):
    stopped = books.actions["stop"][0]
    reads = books.of(implementation, "post", since=stopped - _BEFORE, until=stopped - 0.2)
    hits = [request for request in reads if request.cache == "hit"]
    assert len(hits) >= CACHED * len(reads) > 0, f"{len(hits)} hits of {len(reads)} reads"


def test_at_most_one_warning_a_second_is_logged(implementation: str, books: Books, stand: Stand):
    assert books.actions
    lines = [line for line in stand.log(implementation).splitlines() if line.startswith("{")]
    warnings = [line for line in map(json.loads, lines) if line["level"] == "warn"]
    assert warnings, "an outage of Redis is worth a warning"
    moments = sorted(datetime.fromisoformat(line["time"]).timestamp() for line in warnings)
    for earlier, later in pairwise(moments):
        assert later - earlier >= _APART, f"two warnings within {later - earlier:.2f} s: {warnings}"
