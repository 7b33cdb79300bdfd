"""Each implementation keeps the contract, and each check finds when one doesn't."""

import time
import warnings
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

import pytest

from apis.contract.checks import (
    Check,
    CheckFailedError,
    Target,
    all_checks,
    open_context,
    probe,
    run_check,
    run_checks,
)
from apis.contract.checks.context import Context
from apis.contract.checks.instruments import outline
from apis.contract.seed import POST_COUNT, USER_COUNT, post_ids, seeded_post, seeded_user, user_ids
from tests.contract.alterations import answers, body, status, written_otherwise
from tests.contract.altering_proxy import altering_proxy
from tests.contract.broken_rules import broken_rules
from tests.contract.seed_state import restore_seed


def checks(at_night: Collection[str]) -> list[Any]:
    """All checks, as parameters; the gate leaves some out."""
    return [
        pytest.param(check, id=check.name, marks=[pytest.mark.nightly] if check.name in at_night else [])
        for check in all_checks()
    ]


_FULL_POOL = "database.a_full_pool_gives_503_within_three_seconds"
"""In the gate an API is held to it with a pool of three connections (test_configuration.py)."""
_SLOW_TO_FAIL = {
    _FULL_POOL,
    "database.connections_are_kept",
    "database.plans_that_a_migration_made_invalid_are_replaced",
    "database.statements_are_prepared_once_for_each_connection",
    "errors.abandoned_logins_keep_nobody_waiting",
}
"""Of the time in which all checks fail, these take three quarters."""
NOWHERE = Target(name="nowhere", base_url="http://127.0.0.1:1", jwt_secret="x" * 32)


@pytest.fixture(scope="module")
def shared(target: Target) -> Iterator[Context]:
    """One context for all checks of an implementation, as `run_checks` has it: each of its users costs a hash."""
    with open_context(target) as context:
        yield context


@pytest.mark.parametrize("check", checks(at_night={_FULL_POOL}))
def test_implementation_keeps_the_contract(shared: Context, check: Check):
    result = run_check(shared, check)
    for number, detail in enumerate(result.earlier, start=1):
        warnings.warn(f"{result.target}: {result.check}: attempt {number} of {check.attempts}: {detail}", stacklevel=1)
    assert (result.outcome, result.detail) == ("passed", "")


@pytest.mark.parametrize("check", checks(at_night=_SLOW_TO_FAIL))
def test_check_fails_where_its_rule_is_broken(reference: Target, check: Check):
    seen: list[str] = []
    # On a busy machine a check may fail for another reason first. An alteration may count requests, so each attempt has
    # its own.
    for _ in range(check.attempts):
        alteration, message = broken_rules()[check.name]
        with altering_proxy(reference, alteration) as altered, open_context(altered) as context:
            result = run_check(context, replace(check, attempts=1))
        seen.append(f"{result.outcome}: {result.detail}")
        if result.outcome == "failed" and message in result.detail:
            return
    raise AssertionError(f"the check doesn't find the broken rule: {seen}")


def test_a_broken_rule_is_tried_for_every_check_and_no_other():
    assert set(broken_rules()) == {check.name for check in all_checks()}


def test_what_is_free_is_no_failure(reference: Target):
    with altering_proxy(reference, answers(written_otherwise)) as altered:
        results = run_checks(altered, only=["users", "posts", "files", "caching.posts_are_stored_when_they_are_read"])
    assert [(result.check, result.detail) for result in results if result.outcome != "passed"] == []


@pytest.mark.parametrize(
    "seen",
    [
        'SELECT "users"."id","users"."username",users.created_at FROM "users" WHERE "users"."id" = $1 LIMIT $2',
        "select id, username, created_at\nfrom users where id = $1",
    ],
)
def test_statements_are_compared_whatever_their_writing(seen: str):
    assert outline(seen) == outline("SELECT id, username, created_at FROM users WHERE id")


@pytest.mark.parametrize(
    "seen",
    [
        "SELECT * FROM users WHERE id = $1",
        "SELECT id, username, email, created_at FROM users WHERE id = $1",
        "SELECT id, username, created_at FROM users WHERE username = $1",
        "SELECT posts.id, username, users.created_at FROM users JOIN posts ON author_id = users.id WHERE users.id = $1",
    ],
)
def test_other_statements_are_reported(seen: str):
    assert outline(seen) != outline("SELECT id, username, created_at FROM users WHERE id")


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
    with altering_proxy(seeded, answers(status(418))) as altered:
        assert {result.outcome for result in probe(altered)} == {"failed"}


def test_probe_notices_a_post_that_was_changed(seeded: Target):
    change = answers(body(rb"the", b"The"), method="GET", path=r"/api/posts/\d+", status=200)
    with altering_proxy(seeded, change) as altered:
        failed = {result.check: result.detail for result in probe(altered) if result.outcome == "failed"}
    assert set(failed) == {"probe.first_post", "probe.middle_post", "probe.last_post"}, "\n".join(failed.values())


@pytest.mark.parametrize(("allowed", "outcome", "earlier"), [(1, "failed", ()), (3, "passed", ("once",))])
def test_a_check_is_tried_as_often_as_it_may_be(
    monkeypatch: pytest.MonkeyPatch, allowed: int, outcome: str, earlier: tuple[str, ...]
):
    seen: list[Context] = []

    def fail_once(context: Context) -> None:
        seen.append(context)
        if len(seen) == 1:
            raise CheckFailedError("once")

    def pass_at_once(_: float) -> None:
        return

    monkeypatch.setattr(time, "sleep", pass_at_once)
    with open_context(NOWHERE) as context:
        result = run_check(context, Check("group.check", fail_once, frozenset(), allowed))
    assert (result.outcome, result.earlier) == (outcome, earlier)


def test_a_target_without_service_urls_is_checked_over_http_alone(reference: Target):
    bare = reference.model_copy(update={"database_url": None, "redis_url": None})
    only = ["errors.health_is_ok", "database.ended_sessions_are_replaced", "caching.a_frozen_redis_is_passed_over"]
    results = {result.check: (result.outcome, result.detail) for result in run_checks(bare, only=only)}
    assert results == {
        only[0]: ("passed", ""),
        only[1]: ("skipped", "needs the URL of the target's database"),
        only[2]: ("skipped", "needs the URL of the target's redis"),
    }


def test_an_unreachable_target_fails_and_says_why():
    [result] = run_checks(NOWHERE, only=["errors.unknown_paths_are_not_found"])
    assert result.outcome == "failed"
    assert "refused" in result.detail


def test_unknown_names_of_checks_are_refused():
    with pytest.raises(ValueError, match=r"no check or group of checks named nothing, posts\.nothing"):
        run_checks(NOWHERE, only=["posts", "posts.nothing", "nothing"])


def test_seeded_database_has_what_the_seed_describes(seeded: Target):
    described_users = [(user.id, user.username, user.email, user.created_at) for user in map(seeded_user, user_ids())]
    described_posts = [
        (post.id, post.author_id, post.title, post.body, 1, post.created_at, post.created_at)
        for post in map(seeded_post, post_ids())
    ]
    with open_context(seeded) as context:
        context.database.execute("""
            CREATE FUNCTION pg_temp.shown(timestamptz) RETURNS text LANGUAGE sql AS
                $$ SELECT to_char($1 AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') $$
        """)
        users = "SELECT id, username, email, pg_temp.shown(created_at) FROM users ORDER BY id"
        assert context.database.execute(users).fetchall() == described_users
        posts = """
            SELECT id, author_id, title, body, version, pg_temp.shown(created_at), pg_temp.shown(updated_at)
            FROM posts ORDER BY id
        """
        assert context.database.execute(posts).fetchall() == described_posts
