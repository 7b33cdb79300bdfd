"""Redis stopped and, later, frozen under load, once for all implementations: they serve all the same."""

import json

import pytest

from apis.contract.checks import Target
from tests.faults.traffic import EXPECTED, Books, fitting, outcomes, publish, run_load
from tests.stand.stand import Stand

_STOP, _START, _FREEZE, _THAW, _END = 3.0, 6.0, 10.0, 13.0, 18.0

_CACHED_AGAIN = 2.0
"""Seconds after which posts are cached again; see section 10 of the contract."""

_SLOWER = 2.0
"""Seconds that a request may take: 50 ms for each question to Redis, on a machine that is busy."""

_OUTAGES = {"stopped": (_STOP, _START), "frozen": (_FREEZE, _THAW)}

_MOST_HITS = 0.9
"""The share of reads that hit once posts are cached again: Redis may be late now and then."""


@pytest.fixture(scope="module")
def books(stand: Stand, targets: dict[str, Target]) -> Books:
    """A load while Redis is stopped, started, frozen and thawed."""
    commands = stand.commands
    actions = [
        ("stop", _STOP, commands.stop_redis),
        ("start", _START, commands.start_redis),
        ("freeze", _FREEZE, commands.freeze_redis),
        ("thaw", _THAW, commands.thaw_redis),
    ]
    return run_load(stand, targets, seconds=_END, actions=actions, post_of=publish)


def test_every_request_is_served(implementation: str, books: Books):
    requests = books.of(implementation)
    assert {request.kind for request in requests} == set(EXPECTED)
    assert all(map(fitting, requests)), outcomes(requests)
    assert max(request.seconds for request in requests if request.kind != "login") < _SLOWER


@pytest.mark.parametrize("outage", _OUTAGES)
def test_posts_come_from_postgres_meanwhile(implementation: str, books: Books, outage: str):
    since, until = _OUTAGES[outage]
    begun = books.actions["stop" if outage == "stopped" else "freeze"][1]
    away = books.of(implementation, "post", since=max(since, begun) + 0.2, until=until - 0.2)
    assert away
    assert {request.cache for request in away} == {"miss"}


@pytest.mark.parametrize("action", ["start", "thaw"])
def test_posts_are_cached_again(implementation: str, books: Books, action: str):
    back = books.back("redis", action) + _CACHED_AGAIN
    # Each post is filled by its first read; what comes after the first round are hits.
    reads = books.of(implementation, "post", since=back, until=_FREEZE if action == "start" else _END)[16:]
    hits = [request for request in reads if request.cache == "hit"]
    assert len(hits) >= _MOST_HITS * len(reads) > 0, f"{len(hits)} hits of {len(reads)} reads"


def test_posts_are_cached_before(implementation: str, books: Books):
    reads = books.of(implementation, "post", until=books.actions["stop"][0] - 0.2)[16:]
    hits = [request for request in reads if request.cache == "hit"]
    assert len(hits) >= _MOST_HITS * len(reads) > 0, f"{len(hits)} hits of {len(reads)} reads"


def test_at_most_one_warning_a_second_is_logged(implementation: str, books: Books, stand: Stand):
    assert books.actions
    lines = [line for line in stand.log(implementation).splitlines() if line.startswith("{")]
    warnings = [line for line in map(json.loads, lines) if line["level"] == "warn"]
    assert warnings, "an outage of Redis is worth a warning"
    seconds = sum(until - since for since, until in _OUTAGES.values())
    assert len(warnings) <= seconds + 2 * len(_OUTAGES), warnings
