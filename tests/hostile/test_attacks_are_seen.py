"""Every hostile test goes red: each is shown an implementation that falls for what it is about."""

from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

import pytest

from apis.contract.checks import Target
from apis.contract.checks.model import CheckFailedError
from tests.contract.alterations import answers, body, header, requests, status
from tests.contract.altering_proxy import Alteration, altering_proxy
from tests.contract.paths import FILE
from tests.differential.runner import DifferenceError, Runner
from tests.hostile import careless, test_large_uploads, test_memory, test_pipelining, test_slow_clients, test_smuggling
from tests.hostile.attacks import ATTACKS
from tests.hostile.next_client import expect_well
from tests.hostile.slow_clients import CASES, Ending, SlowClients, fault_of
from tests.stand.pretended import PretendedStand, Serve, careless_target, run_here
from tests.stand.stand import Footprint

pytestmark = pytest.mark.nightly

_SECOND = 0.02
"""The length of the contract's second where somebody waits in vain."""

_DEAR = 0.05
"""Seconds that a request takes behind which others wait: the last ones wait for seconds, on however busy a machine."""

_RED = (AssertionError, CheckFailedError)

_ON_TARGET: dict[str, tuple[Serve, Callable[[Target], None]]] = {
    "the next client is failed": (careless.failing, expect_well),
    "slow clients take all places": (
        careless.with_places_for(100),
        test_slow_clients.test_slow_clients_keep_nobody_else_waiting,
    ),
    "others wait behind slow requests": (
        careless.one_at_a_time(_DEAR),
        test_slow_clients.test_slow_clients_keep_nobody_else_waiting,
    ),
    "a JSON body is read without end": (
        careless.welcoming_without_end,
        test_large_uploads.test_a_json_body_without_end_is_cut_off,
    ),
    "a head is read without end": (careless.never_ending, test_large_uploads.test_a_head_without_end_is_cut_off),
    "a pipeline is answered out of order": (
        careless.second_first,
        test_pipelining.test_many_requests_are_answered_in_order,
    ),
    "a piece is taken for a request": (
        careless.piece_by_piece,
        test_pipelining.test_requests_cut_anywhere_are_the_same_requests,
    ),
    "a dear request delays others": (
        careless.one_at_a_time(_DEAR),
        test_pipelining.test_a_dear_request_delays_those_behind_it_and_no_others,
    ),
}

_Check = Callable[[Target, PretendedStand], None]


def _declared(target: Target, stand: PretendedStand) -> None:
    test_large_uploads.test_a_declared_upload_is_refused_before_it_is_sent(target, stand, target.name)


def _chunked(target: Target, stand: PretendedStand) -> None:
    test_large_uploads.test_a_chunked_upload_is_cut_off_at_the_limit(target, stand, target.name, "file")


def _broken_off(target: Target, stand: PretendedStand) -> None:
    test_large_uploads.test_a_declared_length_is_believed_even_if_less_comes(target, stand, target.name)


def _unread(target: Target, stand: PretendedStand) -> None:
    test_pipelining.test_answers_that_nobody_reads_are_not_heaped_up(target, stand, target.name)


def _memory(target: Target, stand: PretendedStand) -> None:
    test_memory.test_memory_stops_growing_under_floods(target.name, target, stand)


_GROWING_MEMORY = (Footprint(number * 256 * 1024**2, 10) for number in count())
_GROWING_DESCRIPTORS = (Footprint(1024**2, 10 + number * 100) for number in count())

_ON_STAND: dict[str, tuple[Serve, _Check, dict[str, Callable[[], Any]]]] = {
    "a declared upload is welcome": (careless.welcoming_without_end, _declared, {}),
    "a chunked upload is read without end": (careless.welcoming_without_end, _chunked, {}),
    "an upload that was broken off is kept": (
        careless.welcoming_without_end,
        _broken_off,
        {"says_uploads": partial(next, count())},
    ),
    "answers are heaped up": (
        careless.reading_ahead,
        _unread,
        {"says_footprint": partial(next, _GROWING_MEMORY)},
    ),
    "floods are answered with 500": (careless.failing, _memory, {}),
    "memory grows": (careless.never_ending, _memory, {"says_footprint": partial(next, _GROWING_MEMORY)}),
    "descriptors are not closed": (
        careless.never_ending,
        _memory,
        {"says_footprint": partial(next, _GROWING_DESCRIPTORS)},
    ),
}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sent in vain is less than elsewhere, and waits for nothing are shorter."""
    monkeypatch.setattr(test_large_uploads, "_SIZE", 40 * 1024**2)
    monkeypatch.setattr(test_large_uploads, "_CLEANED_SECONDS", 0.2)
    monkeypatch.setattr(test_pipelining, "_SETTLING_SECONDS", 0.05)
    monkeypatch.setattr(test_pipelining, "_AT_ONCE", 0.05)
    monkeypatch.setattr(test_slow_clients, "_AT_ONCE", 0.05)
    monkeypatch.setattr(test_smuggling, "_WAIT_SECONDS", 0.3)

    def kinds(_: Target) -> dict[str, tuple[bytes, int, float]]:
        return {"heads": (b"GET / HTTP/1.1\r\n\r\n", 4, 0.05)}

    monkeypatch.setattr(test_memory, "_kinds", kinds)


@pytest.mark.parametrize("habit", _ON_TARGET)
def test_a_careless_server_is_seen(habit: str):
    serve, check = _ON_TARGET[habit]
    with careless_target(serve) as target, pytest.raises(_RED):
        check(target)


@pytest.mark.parametrize("habit", _ON_STAND)
def test_a_careless_server_is_seen_from_its_machine(habit: str):
    serve, check, sayings = _ON_STAND[habit]
    with careless_target(serve) as target:
        stand = PretendedStand({target.name: target})
        for name, says in sayings.items():
            setattr(stand, name, says)
        with pytest.raises(_RED):
            check(target, stand)


def test_the_flood_books_what_it_sees():
    for serve, outcome in ((careless.failing, "500"), (careless.never_ending, "silent")):
        with careless_target(serve) as target:
            kinds = {"heads": {"octets": "R0VUIC8gSFRUUC8xLjENCg0K", "times": 3, "wait": 0.2}}
            document: dict[str, object] = {
                "port": PretendedStand({target.name: target}).port(target.name),
                "connections": 2,
                "kinds": kinds,
            }
            assert run_here(test_memory.FLOOD, document, deadline_seconds=20) == {"heads": {outcome: 3}}


@pytest.mark.parametrize(
    "serve", [careless.never_ending, careless.ending_after(_SECOND)], ids=["are never ended", "are ended at once"]
)
def test_slow_clients_that_are_seen(serve: Serve):
    with careless_target(serve) as target, SlowClients({target.name: target}, second=_SECOND) as clients:
        for case, client in CASES.items():
            for ending in clients.endings(case, target.name):
                assert "expected the end after" in str(fault_of(client, ending, second=_SECOND)), case
        with pytest.raises(AssertionError):
            test_slow_clients.test_a_body_that_goes_on_arriving_is_waited_for(target.name, clients)


@pytest.mark.parametrize(
    ("case", "received"),
    [
        ("one octet", b"HTTP/1.1 200 OK\r\n\r\n"),
        ("one octet", b"HTTP/1.1 500 Internal Server Error\r\n\r\n"),
        ("a body that stops", b"HTTP/1.1 408 Request Timeout\r\n\r\nHTTP/1.1 408 Request Timeout\r\n\r\n"),
        ("a connection that idles", b""),
        ("a connection that idles", b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 500 Internal Server Error\r\n\r\n"),
    ],
)
def test_wrong_answers_to_slow_clients_are_seen(case: str, received: bytes):
    client = CASES[case]
    assert fault_of(client, Ending(client.limit, received)) is not None


@pytest.mark.parametrize("habit", careless.FRAMINGS)
def test_smuggled_requests_are_seen(habit: str):
    framing, kind = careless.FRAMINGS[habit]
    with careless_target(careless.framed(framing)) as target:
        replies = test_smuggling.send_all({target.name: target}, [kind])
    faults = test_smuggling.faults_of(replies, target.name, kind, whole=kind == "ambiguous methods")
    assert [fault for fault in faults if "the smuggled request was answered" in fault]


_ALTERED: dict[str, Alteration] = {
    "tokens": answers(status(200), status=401),
    "injections": answers(body(b"'", b"''"), path="/api/posts.*"),
    "bad UTF-8": requests(b"\xff", b"\xef\xbf\xbd"),
    "numbers": requests(b"/01 ", b"/1 "),
    "file names": answers(body(b'"filename":"', b'"filename":"../'), path="/api/files", status=201),
    "polyglots": answers(header("content-type", "text/html"), method="GET", path=FILE, status=200),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_that_works_is_seen(targets: dict[str, Target], attack: str):
    first = next(iter(targets.values()))
    with (
        altering_proxy(first, _ALTERED[attack]) as altered,
        Runner({"altered": altered}) as runner,
        pytest.raises(DifferenceError),
    ):
        runner.run(ATTACKS[attack]())
