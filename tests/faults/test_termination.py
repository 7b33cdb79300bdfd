"""SIGTERM: what is in flight is finished, nothing that was sent is lost, and the process ends by itself."""

import json
import socket
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import psycopg
import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from apis.contract.checks import Target
from apis.contract.checks.multipart import CONTENT_TYPE, PNG, Part, multipart
from apis.contract.checks.wire import Wire, request_octets
from apis.contract.seed import seeded_user
from apis.contract.tokens import mint_token
from tests.differential.world import written
from tests.faults.traffic import EXPECTED, Books, fitting, outcomes, publish, run_load
from tests.stand.stand import RUN_COMMAND, Stand

_DRAIN_SECONDS = 10.0
_SPARE_SECONDS = 3.0
"""What the end of a process may take beside, on a machine that is busy."""

_READ_BY_THEN = 0.5
"""Seconds in which the implementation has read a request that was sent to it."""

_IN_FLIGHT = 6

# Not pg_stat_activity: what a transaction has read there stays the same until its end.
_WAITING = "SELECT count(*) FROM pg_locks WHERE relation = 'users'::regclass AND NOT granted"


@pytest.fixture
def started_again(stand: Stand, implementation: str) -> Iterator[None]:
    """Leaves the implementation running."""
    yield
    stand.wait_for_exit(implementation, deadline_seconds=_DRAIN_SECONDS + _SPARE_SECONDS)
    stand.start(implementation)


@contextmanager
def locked_users(target: Target) -> "Generator[psycopg.Connection[tuple[int]]]":
    """Nobody else reads users until the connection's transaction ends."""
    assert target.database_url
    with psycopg.connect(target.database_url) as database:
        database.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        yield database  # pyright: ignore[reportReturnType]


def wait_until_waiting(database: "psycopg.Connection[tuple[int]]", count: int) -> None:
    """Wait until so many sessions wait for the lock."""

    def waiting() -> int:
        row = database.execute(_WAITING).fetchone()
        return 0 if row is None else int(row[0])

    Retrying(retry=retry_if_result(lambda seen: seen < count), stop=stop_after_delay(10), wait=wait_fixed(0.05))(
        waiting
    )


def terminate(stand: Stand, implementation: str) -> None:
    """Send SIGTERM."""
    stand.run_script(RUN_COMMAND, {"command": stand.terminate_command(implementation)}, deadline_seconds=30)


def takes_no_connection(target: Target) -> bool:
    """Whether a new client is turned away, by a refusal or, behind a tunnel, by the end of its connection."""
    parts = urlsplit(target.base_url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 80), 5) as client:
            client.sendall(request_octets("GET /healthz"))
            return client.recv(1) == b""
    except ConnectionError:
        return True


@pytest.mark.nightly
@pytest.mark.usefixtures("started_again")
def test_what_is_in_flight_is_finished(stand: Stand, implementation: str, target: Target):
    token = mint_token(target.jwt_secret, 7, "user_0007")
    upload = request_octets(
        "POST /api/files",
        headers={"Authorization": f"Bearer {token}", "Content-Type": CONTENT_TYPE},
        body=multipart(Part(PNG + bytes(100_000))),
    )
    user = seeded_user(7)
    with ExitStack() as stack, locked_users(target) as database:
        wires = [stack.enter_context(Wire(target.base_url, timeout=20)) for _ in range(_IN_FLIGHT)]
        idle, uploading = (stack.enter_context(Wire(target.base_url, timeout=20)) for _ in range(2))
        idle.send(request_octets("GET /healthz"))
        assert idle.require_answer("GET /healthz").status == 200
        for wire in wires:
            wire.send(request_octets("GET /api/users/7"))
        uploading.send(upload[:-1_000])
        wait_until_waiting(database, _IN_FLIGHT)
        time.sleep(_READ_BY_THEN)
        start = time.monotonic()
        terminate(stand, implementation)
        assert idle.is_closed_within(_SPARE_SECONDS), "an idle connection is still open"
        turned_away = Retrying(
            retry=retry_if_result(lambda away: not away), stop=stop_after_delay(3), wait=wait_fixed(0.1)
        )
        assert turned_away(takes_no_connection, target)
        assert stand.wait_for_exit(implementation, deadline_seconds=0.5) is None, "it ended with requests in flight"
        uploading.send(upload[-1_000:])
        database.rollback()
        for wire in wires:
            answer = wire.require_answer("GET /api/users/7 in flight")
            body = written({"id": user.id, "username": user.username, "created_at": user.created_at})
            assert (answer.status, answer.body) == (200, body)
        answer = uploading.require_answer("POST /api/files in flight")
        assert answer.status == 201, answer
        ended = stand.wait_for_exit(implementation, deadline_seconds=_DRAIN_SECONDS)
        assert time.monotonic() - start < _DRAIN_SECONDS
        assert ended == 0, stand.log(implementation)
        stored = database.execute("SELECT size FROM files WHERE id = %s", (json.loads(answer.body)["id"],)).fetchone()
        assert stored == (len(PNG) + 100_000,)


@pytest.mark.usefixtures("started_again")
def test_nothing_is_lost_under_load(stand: Stand, implementation: str, target: Target):
    books = run_load(
        stand,
        {implementation: target},
        actions=[("signal", 2.0, stand.terminate_command(implementation))],
        rest=2.0,
        post_of=publish,
        settle=5,
        connections=30,
        interval=0.01,
    )
    ended = stand.wait_for_exit(implementation, deadline_seconds=_DRAIN_SECONDS)
    assert ended == 0, f"{ended}: {stand.log(implementation)}"
    expect_nothing_lost(books, implementation)


def expect_nothing_lost(books: Books, implementation: str) -> None:
    """What was sent before the signal was answered, and what was not accepted afterwards was turned away."""
    begun, done = books.actions["signal"]
    requests = books.of(implementation)
    assert {request.kind for request in requests} == set(EXPECTED)
    # What was sent on an open connection in the moment in which it was closed for being idle was never accepted.
    accepted = books.of(implementation, until=begun - _READ_BY_THEN)
    assert all(map(fitting, accepted)), outcomes(accepted)
    assert not [request for request in requests if request.outcome in {"cut", "late", 500}], outcomes(requests)
    rest = [request for request in requests if not fitting(request)]
    assert all(request.outcome in {"closed", "refused"} for request in rest), outcomes(rest)
    assert all(request.done >= begun for request in rest), outcomes(rest)
    assert all(request.outcome == "refused" for request in books.of(implementation, since=done + 1.5)), outcomes(rest)
