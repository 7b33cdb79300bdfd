"""Every fault test goes red: each is shown an implementation that doesn't bear the fault, or ends as it mustn't."""

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from apis.contract.checks import Target
from apis.contract.checks.model import CheckFailedError
from tests.faults import test_postgres, test_redis, test_termination
from tests.faults.careless_api import CarelessApi, SmallService
from tests.faults.traffic import Books, run_load
from tests.stand.pretended import PretendedStand, careless_server, careless_target
from tests.stand.stand import Stand

pytestmark = pytest.mark.nightly


class _FailsWithoutPostgres(CarelessApi):
    def status(self, kind: str, *, is_away: bool) -> int:
        status = super().status(kind, is_away=is_away)
        return 500 if status == 503 else status


class _IsSlowWithoutPostgres(CarelessApi):
    def answer(self, kind: str, *, is_away: bool) -> bytes:
        if is_away and kind == "user":
            time.sleep(0.4)
        return super().answer(kind, is_away=is_away)


class _InventsUsers(CarelessApi):
    def status(self, kind: str, *, is_away: bool) -> int:
        return 200 if kind == "user" else super().status(kind, is_away=is_away)


class _IsSickWithoutPostgres(CarelessApi):
    def status(self, kind: str, *, is_away: bool) -> int:
        return 503 if is_away else super().status(kind, is_away=is_away)


class _StaysSick(CarelessApi):
    def status(self, kind: str, *, is_away: bool) -> int:
        return super().status(kind, is_away=is_away or self.was_away)


class _IsNeverWell(CarelessApi):
    def status(self, kind: str, *, is_away: bool) -> int:
        return 500 if kind == "list" else super().status(kind, is_away=is_away)


class _IsNeverReady(CarelessApi):
    def status(self, kind: str, *, is_away: bool) -> int:
        return 503 if kind == "readyz" else super().status(kind, is_away=is_away)


class _NeedsNoPostgres(CarelessApi):
    """What an implementation is like while Redis is away."""

    def status(self, kind: str, *, is_away: bool) -> int:
        assert is_away in {True, False}
        return super().status(kind, is_away=False)


class _HitsWithoutRedis(_NeedsNoPostgres):
    def cache(self, *, is_away: bool) -> str:
        assert is_away in {True, False}
        return "HIT"


class _CachesNoMore(_NeedsNoPostgres):
    def cache(self, *, is_away: bool) -> str:
        return super().cache(is_away=is_away or self.was_away)


class _NeverCaches(_NeedsNoPostgres):
    def cache(self, *, is_away: bool) -> str:
        assert is_away in {True, False}
        return "MISS"


@contextmanager
def _loaded(
    away: Path, apis: Mapping[str, CarelessApi], actions: list[tuple[str, float, str]]
) -> Generator[tuple[PretendedStand, Books]]:
    """All of them under one load."""
    with ExitStack() as stack:
        postgres = stack.enter_context(careless_server(SmallService(away, b"R").serve))
        redis = stack.enter_context(careless_server(SmallService(away, b"+PONG").serve))
        targets = {name: stack.enter_context(careless_target(api.serve(), name)) for name, api in apis.items()}
        stand = PretendedStand(targets, postgres_port=postgres, redis_port=redis)
        books = run_load(
            stand, targets, actions=actions, rest=2.2, post_of=lambda _: 1, settle=0, connections=5, interval=0.08
        )
        yield stand, books


@pytest.fixture(scope="module")
def without_postgres(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[PretendedStand, Books]]:
    away = tmp_path_factory.mktemp("postgres") / "away"
    kinds = {
        "careful": CarelessApi,
        "fails": _FailsWithoutPostgres,
        "is slow": _IsSlowWithoutPostgres,
        "invents": _InventsUsers,
        "is sick": _IsSickWithoutPostgres,
        "stays sick": _StaysSick,
        "is never well": _IsNeverWell,
    }
    actions = [("stop", 2.2, f"touch '{away}'"), ("start", 1.5, f"rm '{away}'")]
    with _loaded(away, {name: kind(away) for name, kind in kinds.items()}, actions) as loaded:
        stand, books = loaded
        with careless_target(_IsNeverReady(away).serve(), "is ill") as ill:
            stand.targets = {**stand.targets, "is ill": ill}
            yield stand, books


@pytest.fixture(scope="module")
def without_redis(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[PretendedStand, Books]]:
    away = tmp_path_factory.mktemp("redis") / "away"
    kinds = {
        "careful": _NeedsNoPostgres,
        "fails": CarelessApi,
        "hits": _HitsWithoutRedis,
        "caches no more": _CachesNoMore,
        "never caches": _NeverCaches,
    }
    actions = [
        ("stop", 1.0, f"touch '{away}'"),
        ("start", 1.0, f"rm '{away}'"),
        ("freeze", 2.0, f"touch '{away}'"),
        ("thaw", 1.0, f"rm '{away}'"),
    ]
    with _loaded(away, {name: kind(away) for name, kind in kinds.items()}, actions) as loaded:
        yield loaded


_OnBooks = Callable[[str, Books], None]

_POSTGRES: dict[str, _OnBooks] = {
    "is never well": test_postgres.test_all_is_well_before,
    "fails": test_postgres.test_what_needs_postgres_is_answered_or_gets_503,
    "is slow": test_postgres.test_503_comes_within_three_seconds,
    "invents": test_postgres.test_503_comes_within_three_seconds,
    "is sick": test_postgres.test_what_needs_no_postgres_goes_on,
    "stays sick": test_postgres.test_a_second_after_its_return_all_is_well,
}


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits as short as the waits here."""
    monkeypatch.setattr(test_postgres, "_LONGEST", 0.3)
    monkeypatch.setattr(test_redis, "_CACHED_AGAIN", 0.5)


@pytest.mark.parametrize("habit", _POSTGRES)
def test_who_does_not_bear_a_restart_of_postgres_is_seen(
    without_postgres: tuple[PretendedStand, Books], habit: str, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(AssertionError):
        _POSTGRES[habit](habit, without_postgres[1])
    monkeypatch.setattr(test_postgres, "_LONGEST", 3.0)
    _POSTGRES[habit]("careful", without_postgres[1])


@pytest.mark.parametrize("change", ["a new process", "not ready"])
def test_who_was_started_anew_or_is_not_ready_is_seen(
    without_postgres: tuple[PretendedStand, Books], change: str, monkeypatch: pytest.MonkeyPatch
):
    stand, books = without_postgres
    numbers = count(2)
    target = stand.targets["careful"]
    if change == "a new process":
        monkeypatch.setattr(stand, "says_incarnation", lambda: str(next(numbers)))
    else:
        target = stand.targets["is ill"]
    with pytest.raises(AssertionError):
        test_postgres.test_no_process_was_started_anew("careful", books, stand, target, {"careful": "1"})


_REDIS: dict[str, tuple[str, _OnBooks]] = {
    "a failure": ("fails", test_redis.test_every_request_is_served),
    "a hit while stopped": (
        "hits",
        lambda name, books: test_redis.test_posts_come_from_postgres_meanwhile(name, books, "stopped"),
    ),
    "a hit while frozen": (
        "hits",
        lambda name, books: test_redis.test_posts_come_from_postgres_meanwhile(name, books, "frozen"),
    ),
    "no cache after a start": (
        "caches no more",
        lambda name, books: test_redis.test_posts_are_cached_again(name, books, "start"),
    ),
    "no cache after a thaw": (
        "caches no more",
        lambda name, books: test_redis.test_posts_are_cached_again(name, books, "thaw"),
    ),
    "no cache": ("never caches", test_redis.test_posts_are_cached_before),
}


@pytest.mark.parametrize("fault", _REDIS)
def test_who_does_not_do_without_redis_is_seen(without_redis: tuple[PretendedStand, Books], fault: str):
    name, check = _REDIS[fault]
    with pytest.raises(AssertionError):
        check(name, without_redis[1])
    check("careful", without_redis[1])


def _log(*seconds: float) -> str:
    lines = (
        f'{{"time":"2026-01-31T12:00:{second:06.3f}Z","level":"warn","message":"Redis is away"}}' for second in seconds
    )
    return "\n".join(lines)


def test_warnings_that_are_too_many_or_missing_are_seen(without_redis: tuple[PretendedStand, Books]):
    stand, books = without_redis
    for log in (_log(1.0, 1.2, 1.4), _log(*range(9), 8.5, 8.7), _log(1.0, 1.0, 2.1), _log(1.0, 1.9), ""):
        stand.says_log = log
        with pytest.raises(AssertionError):
            test_redis.test_at_most_one_warning_a_second_is_logged("careful", books, stand)
    stand.says_log = _log(1.0, 2.0, 3.1)
    test_redis.test_at_most_one_warning_a_second_is_logged("careful", books, stand)


@pytest.fixture
def first(stand: Stand, targets: dict[str, Target]) -> Generator[str]:
    """An implementation that is ended, and started again afterwards."""
    name = next(iter(targets))
    yield name
    stand.wait_for_exit(name, deadline_seconds=13)
    stand.start(name)


@pytest.fixture
def killing(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ends implementations at once, as one does that takes SIGTERM for SIGKILL."""
    gently = stand.terminate_command

    def brutally(name: str) -> str:
        return gently(name).replace("TERM", "KILL")

    monkeypatch.setattr(stand, "terminate_command", brutally)


@pytest.mark.usefixtures("killing")
def test_who_drops_what_is_in_flight_is_seen(first: str, stand: Stand, targets: dict[str, Target]):
    with pytest.raises((AssertionError, CheckFailedError)):
        test_termination.test_what_is_in_flight_is_finished(stand, first, targets[first])


@pytest.mark.usefixtures("killing")
def test_who_loses_requests_is_seen(first: str, stand: Stand, targets: dict[str, Target]):
    with pytest.raises(AssertionError):
        test_termination.test_nothing_is_lost_under_load(stand, first, targets[first])


@pytest.mark.parametrize("outcome", ["cut", "late", 500, 503])
def test_lost_requests_are_seen_in_the_books(without_redis: tuple[PretendedStand, Books], outcome: int | str):
    books = without_redis[1]
    signal = {"signal": (books.end + 0.1, books.end + 0.2)}
    whole = [request for request in books.requests if request.api == "careful"]
    test_termination.expect_nothing_lost(Books(whole, signal, {}), "careful")
    lost = [*whole[:-1], replace(whole[-1], outcome=outcome)]
    with pytest.raises(AssertionError):
        test_termination.expect_nothing_lost(Books(lost, signal, {}), "careful")
