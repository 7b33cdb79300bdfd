"""Each implementation keeps the contract, and each check is able to tell when one doesn't."""

import itertools
import math
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import cast

import pytest
from redis.connection import Connection

from apis.contract.checks import (
    Check,
    CheckResult,
    Target,
    all_checks,
    open_context,
    probe,
    run_check,
    run_checks,
    start_waiting,
)
from apis.contract.checks.context import Context
from apis.contract.checks.wire import Answer
from apis.contract.seed import POST_COUNT, USER_COUNT, post_ids, seeded_post, seeded_user, user_ids
from tests.contract.alterations import answers, body, header, status
from tests.contract.altering_proxy import Request, Upstream, altering_proxy
from tests.contract.broken_rules import broken_rules
from tests.contract.seed_state import restore_seed

CHECKS = [pytest.param(check, id=check.name) for check in sorted(all_checks(), key=lambda check: check.waits)]
"""All checks; those that wait come last, so that the others have gone on beside them."""


def chosen_checks(request: pytest.FixtureRequest, test: str) -> set[Check]:
    """The checks that a test of this session is chosen for."""
    return {
        cast("Check", item.callspec.params["check"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.originalname == test
    }


@pytest.fixture(scope="module")
def waiting(request: pytest.FixtureRequest, target: Target) -> Iterator[Mapping[str, Future[CheckResult]]]:
    """The checks that wait, begun before any other; those alone that a test is chosen for."""
    with start_waiting(target, chosen_checks(request, "test_implementation_keeps_the_contract")) as started:
        yield started


@pytest.fixture(scope="module")
def shared(target: Target) -> Iterator[Context]:
    """One context for all checks of an implementation, as `run_checks` has it: each of its users costs a hash."""
    with open_context(target) as context:
        yield context


@pytest.mark.parametrize("check", CHECKS)
def test_implementation_keeps_the_contract(shared: Context, waiting: Mapping[str, Future[CheckResult]], check: Check):
    result = waiting[check.name].result() if check.waits else run_check(shared, check)
    assert (result.outcome, result.detail) == ("passed", "")


def try_where_broken(reference: Target, check: Check) -> list[str]:
    """What a check says where its rule is broken, attempt by attempt.

    A machine that is busy may have the check fail for another reason first; once it tells the right one it is done.
    """
    alteration, message = broken_rules()[check.name]
    with altering_proxy(reference, alteration) as altered, open_context(altered) as context:
        seen: list[str] = []
        while len(seen) < check.attempts and not (seen and message in seen[-1]):
            result = run_check(context, replace(check, attempts=1))
            seen.append(f"{result.outcome}: {result.detail}")
    return seen


@pytest.fixture(scope="module")
def waiting_where_broken(
    request: pytest.FixtureRequest, reference: Target
) -> Iterator[Mapping[str, Future[list[str]]]]:
    """The checks that wait, begun on their broken rules before any other; those alone that a test is chosen for."""
    chosen = chosen_checks(request, "test_check_fails_where_its_rule_is_broken")
    with ThreadPoolExecutor() as pool:
        yield {check.name: pool.submit(try_where_broken, reference, check) for check in chosen if check.waits}


@pytest.mark.parametrize("check", CHECKS)
def test_check_fails_where_its_rule_is_broken(
    reference: Target, waiting_where_broken: Mapping[str, Future[list[str]]], check: Check
):
    seen = waiting_where_broken[check.name].result() if check.waits else try_where_broken(reference, check)
    assert seen[-1].startswith("failed: ")
    assert broken_rules()[check.name][1] in seen[-1]


def test_a_broken_rule_is_tried_for_every_check_and_no_other():
    assert set(broken_rules()) == {check.name for check in all_checks()}


@pytest.fixture
def seeded(reference: Target) -> Target:
    """The target with the rows that the seed has: those that other tests wrote are removed."""
    restore_seed(reference)
    return reference


def test_probe_asks_twenty_things_of_a_seeded_database_and_writes_nothing(seeded: Target):
    rows = """
        SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM posts), (SELECT max(version) FROM posts),
               (SELECT count(*) FROM files)
    """
    results = probe(seeded)
    assert [(result.check, result.detail) for result in results if result.outcome != "passed"] == []
    assert len(results) == 20
    with open_context(seeded) as context:
        assert context.database.execute(rows).fetchone() == (USER_COUNT, POST_COUNT, 1, 0)


def test_each_question_of_the_probe_can_fail(seeded: Target):
    with altering_proxy(seeded, answers(header("x-powered-by", "a proxy"))) as altered:
        results = probe(altered)
    for result in results:
        assert result.outcome == "failed", result.check
        assert "x-powered-by" in result.detail


def test_probe_notices_a_post_that_was_changed(seeded: Target):
    with altering_proxy(
        seeded, answers(body(rb"the", b"The"), method="GET", path=r"/api/posts/\d+", status=200)
    ) as altered:
        failed = {result.check: result.detail for result in probe(altered) if result.outcome == "failed"}
    assert set(failed) == {"probe.first_post", "probe.middle_post", "probe.last_post"}, "\n".join(failed.values())


def failing_once(request: Request, upstream: Upstream, seen: set[str]) -> Answer | None:
    """Refuse the first request to each path."""
    answer = upstream.send(request.octets)
    if request.path in seen:
        return answer
    seen.add(request.path)
    return status(500)(answer)


@pytest.mark.parametrize(
    ("name", "outcome", "attempts"),
    [
        ("errors.readiness_names_both_services", "passed", 2),
        ("errors.health_is_ok", "failed", 1),
    ],
)
def test_only_a_check_that_hangs_on_time_limits_is_tried_again(
    reference: Target, name: str, outcome: str, attempts: int
):
    seen: set[str] = set()
    with altering_proxy(reference, lambda request, upstream: failing_once(request, upstream, seen)) as altered:
        [result] = run_checks(altered, only=[name])
    assert (result.outcome, result.attempts) == (outcome, attempts)


def passing_redis_over(request: Request, upstream: Upstream, reads: Iterator[int], times: float) -> Answer | None:
    """Answer every second read so many times as one to whom Redis gives no answer in its 50 ms."""
    answer = upstream.send(request.octets)
    if request.method != "GET" or (read := next(reads)) % 2 == 0 or read > 2 * times:
        return answer
    time.sleep(0.05)
    return header("x-cache", "MISS")(answer)


def expect_of_a_late_redis(target: Target, outcome: str) -> None:
    """What the check of a late Redis finds at its first attempt; where it fails, that the machine is busy."""
    (check,) = (check for check in all_checks() if check.name == "resilience.late_redis_is_waited_for")
    with open_context(target) as context:
        result = run_check(context, replace(check, attempts=1))
    assert result.outcome == outcome
    assert ("the machine is busy" in result.detail) == (outcome == "failed")


@pytest.mark.parametrize(("times", "outcome"), [(3, "passed"), (math.inf, "failed")])
def test_a_read_that_took_all_of_redis_s_time_is_held_against_nobody_who_does_better_soon(
    reference: Target, times: float, outcome: str
):
    reads = itertools.count()

    def alteration(request: Request, upstream: Upstream) -> Answer | None:
        return passing_redis_over(request, upstream, reads, times)

    with altering_proxy(reference, alteration) as altered:
        expect_of_a_late_redis(altered, outcome)


@pytest.mark.parametrize(
    ("is_overtaken", "times", "outcome"), [(False, 3, "passed"), (False, math.inf, "failed"), (True, 3, "passed")]
)
def test_a_read_that_comes_before_redis_is_late_or_afterwards_is_made_again(
    reference: Target, monkeypatch: pytest.MonkeyPatch, is_overtaken: bool, times: float, outcome: str
):
    send = Connection.send_command  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    scripts = itertools.count()

    def send_badly(connection: Connection, *arguments: object, **options: object) -> None:
        """As one who gets no CPU while Redis has it, or whose script comes to Redis after the read."""
        is_bad = arguments[0] == "EVAL" and next(scripts) < times
        send(connection, *(("EVAL", "return 0", 0) if is_bad and is_overtaken else arguments), **options)
        if is_bad and not is_overtaken:
            time.sleep(0.05)

    monkeypatch.setattr(Connection, "send_command", send_badly)
    expect_of_a_late_redis(reference, outcome)


def test_a_target_without_service_urls_is_checked_over_http_alone(reference: Target):
    bare = reference.model_copy(update={"database_url": None, "redis_url": None})
    results = run_checks(bare, only=["users.me_needs_a_token", "statements", "resilience.slow_redis_is_passed_over"])
    assert [result.outcome for result in results] == ["passed"] + ["skipped"] * 7
    assert results[1].detail == "needs the URL of the target's database"
    assert results[7].detail == "needs the URL of the target's redis"


def test_an_unreachable_target_fails_and_says_why():
    nowhere = Target(name="nowhere", base_url="http://127.0.0.1:1", jwt_secret="x" * 32)
    [result] = run_checks(nowhere, only=["errors.health_is_ok"])
    assert result.outcome == "failed"
    assert "refused" in result.detail


def test_unknown_names_of_checks_are_refused():
    nowhere = Target(name="nowhere", base_url="http://127.0.0.1:1", jwt_secret="x" * 32)
    with pytest.raises(ValueError, match=r"no check or group of checks named nothing, posts\.nothing"):
        run_checks(nowhere, only=["posts", "posts.nothing", "nothing"])


def test_seeded_database_has_what_the_seed_describes(seeded: Target):
    described_users = [(user.id, user.username, user.email, user.created_at) for user in map(seeded_user, user_ids())]
    described_posts = [(post.id, post.author_id, post.title, post.body, 1) for post in map(seeded_post, post_ids())]
    with open_context(seeded) as context:
        users = context.database.execute("""
            SELECT id, username, email, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
            FROM users ORDER BY id
        """).fetchall()
        posts = context.database.execute("SELECT id, author_id, title, body, version FROM posts ORDER BY id").fetchall()
    assert users == described_users
    assert posts == described_posts
