"""PostgreSQL restarted under load, once for all implementations."""

import pytest

from apis.contract.checks import Target
from apis.contract.checks.wire import request_octets
from tests.faults.traffic import CACHED, EXPECTED, ON_DATABASE, Books, ask, fitting, outcomes, publish, run_load
from tests.stand.stand import Stand

_BEFORE, _AWAY, _AFTER = 2.5, 3.5, 7.0
"""Seconds before PostgreSQL is stopped, for which it is away, and after it was started: so long that a connection sends
each of its requests once, on a machine that is busy. Only one of them is a login."""

_LONGEST = 3.0
"""Seconds within which a 503 is there; see section 12 of the contract."""

_WELL_AGAIN = 1.0
"""Seconds after PostgreSQL's return from which all requests are answered."""

_QUICK = 1.8
"""Seconds in which a request that needs no PostgreSQL is answered, on a machine that is busy; waiting takes 2."""


@pytest.fixture(scope="module")
def incarnations(stand: Stand, targets: dict[str, Target]) -> dict[str, str]:
    """Each implementation's process before PostgreSQL is restarted."""
    return {name: stand.incarnation(name) for name in targets}


@pytest.fixture(scope="module")
def books(stand: Stand, targets: dict[str, Target], incarnations: dict[str, str]) -> Books:
    """A load while PostgreSQL is stopped and started again."""
    assert set(incarnations) == set(targets)
    actions = [("stop", _BEFORE, stand.commands.stop_postgres), ("start", _AWAY, stand.commands.start_postgres)]
    return run_load(stand, targets, actions=actions, rest=_AFTER, post_of=publish)


def test_all_is_well_before(implementation: str, books: Books):
    before = books.of(implementation, until=books.actions["stop"][0] - 1)
    assert {request.kind for request in before} == set(EXPECTED)
    assert all(map(fitting, before)), outcomes(before)


def test_what_needs_postgres_is_answered_or_gets_503(implementation: str, books: Books):
    requests = books.of(implementation)
    wrong = [request for request in requests if not fitting(request) and request.outcome != 503]
    assert wrong == [], outcomes(requests)


def test_503_comes_within_three_seconds(implementation: str, books: Books):
    began = books.actions["start"][0]
    # Who still waits for a connection when it is started is served.
    away = [request for request in books.of(implementation, since=books.actions["stop"][1]) if request.done < began]
    refused = [request for request in away if request.outcome == 503]
    assert {request.kind for request in refused} >= set(ON_DATABASE), outcomes(away)
    assert max(request.seconds for request in refused) < _LONGEST
    assert not [request for request in away if request.kind in ON_DATABASE and request.outcome != 503]


def test_what_needs_no_postgres_goes_on(implementation: str, books: Books):
    stopped = books.actions["stop"][0]
    away = books.of(implementation, "healthz", "post", since=stopped, until=books.actions["start"][0])
    assert {request.kind for request in away} == {"healthz", "post"}
    assert all(fitting(request) for request in away if request.kind == "healthz"), outcomes(away)
    posts = [request for request in away if request.kind == "post"]
    assert sum(map(fitting, posts)) >= CACHED * len(posts), outcomes(away)
    # A post that Redis was late for needed PostgreSQL, and waited for it.
    slowest = max(filter(fitting, away), key=lambda request: request.seconds)
    assert slowest.seconds < _QUICK, slowest


def test_a_second_after_its_return_all_is_well(implementation: str, books: Books):
    since = books.back("postgres", "start") + _WELL_AGAIN
    after = books.of(implementation, since=since)
    assert {request.kind for request in after} == set(EXPECTED)
    assert all(map(fitting, after)), outcomes(after)


def test_no_process_was_started_anew(
    implementation: str, books: Books, stand: Stand, target: Target, incarnations: dict[str, str]
):
    assert books.actions
    assert stand.incarnation(implementation) == incarnations[implementation], stand.log(implementation)
    answer = ask(target, request_octets("GET /readyz"))
    assert (answer.status, answer.body) == (200, b'{"postgres":"up","redis":"up"}')
