"""As `broken_rules`, for the rules on what is asked of PostgreSQL and Redis, and on what happens without them."""

from tests.contract.alterations import (
    answers,
    asking_in_literals,
    asking_more_for_health,
    asking_on_the_side,
    failing_after,
    forget,
    header,
    keep_for_ever,
    repeating,
    requests,
    spoiling,
    stale,
    status,
    twice,
)
from tests.contract.altering_proxy import Alteration
from tests.contract.paths import FILE, ME, POST, POSTS, USER


def broken_services() -> dict[str, tuple[Alteration, str]]:
    """The alteration under which each check must fail, and a part of its message."""
    return _caching() | _commands() | _statements() | _database() | _resilience()


def _caching() -> dict[str, tuple[Alteration, str]]:
    return {
        "caching.first_read_misses_and_the_next_hits": (
            answers(header("x-cache", "MISS"), method="GET", path=POST),
            "('x-cache', 'HIT')",
        ),
        "caching.matching_tags_are_not_modified": (requests(b"W/", b"V/"), "expected status 304, saw 200"),
        "caching.other_tags_get_the_post": (requests(b": **", b": *"), "expected status 200, saw 304"),
        "caching.writes_are_seen_by_the_next_read": (stale(POST), "exactly the headers"),
        "caching.posts_are_stored_as_tag_newline_and_json": (
            spoiling(keep_for_ever, method="GET", path=POST),
            "expected to expire in 600 s, saw -1 s",
        ),
        "caching.what_redis_holds_is_what_is_sent": (
            spoiling(forget("post:{id}"), method="GET", path=POST, before=True),
            "('x-cache', 'HIT')",
        ),
        "caching.first_page_is_stored_for_five_seconds": (
            spoiling(forget("posts:first"), method="GET", path=POSTS),
            "posts:first after /api/posts",
        ),
        "caching.first_page_may_be_stale_until_it_expires": (
            spoiling(forget("posts:first"), method="GET", path=POSTS, before=True),
            "the body differs",
        ),
    }


def _commands() -> dict[str, tuple[Alteration, str]]:
    return {
        "commands.reading_a_post_is_a_get_and_on_a_miss_a_set": (
            twice(method="GET", path=POST),
            "commands to Redis for a miss",
        ),
        "commands.reading_the_first_page_is_a_get_and_on_a_miss_a_set": (
            twice(method="GET", path=POSTS),
            "commands to Redis for the first page on a miss",
        ),
        "commands.writing_a_post_is_a_del": (twice(method="PUT", path=POST), "commands to Redis for an update"),
        "commands.other_requests_ask_redis_nothing": (
            spoiling(asking_on_the_side("/api/posts/1"), method="GET", path=ME),
            "commands to Redis for me",
        ),
        "commands.posts_are_removed_after_the_commit": (
            spoiling(forget("post:{id}"), method="PUT", path=POST, before=True),
            "versions that another session sees",
        ),
        "commands.failing_commands_count_as_a_miss": (
            answers(status(500), method="GET", path=POSTS),
            "expected status 200, saw 500",
        ),
        "commands.nothing_else_is_cached": (stale(USER), "A user was answered as it was before"),
    }


def _statements() -> dict[str, tuple[Alteration, str]]:
    return {
        "statements.users_take_one_statement_each": (
            twice(method="GET", path=ME),
            "Statements for me: expected 1, saw 2",
        ),
        "statements.posts_take_one_statement_on_a_miss_and_none_on_a_hit": (
            spoiling(forget("post:{id}"), method="GET", path=POST, before=True),
            "Statements for a post on a hit: expected 0, saw 1",
        ),
        "statements.writes_take_one_statement_or_two_to_tell_why_not": (
            twice(method="POST", path=POSTS),
            "Statements for a creation: expected 1, saw 2",
        ),
        "statements.files_take_one_statement_each": (
            twice(method="GET", path=FILE),
            "Statements for a file: expected 1, saw 2",
        ),
        "statements.refusals_take_no_statement": (
            asking_more_for_health,
            "Statements for /healthz: expected 0, saw 1",
        ),
        "statements.no_more_rows_than_needed_are_read": (requests(b"limit=7", b"limit=9"), "rows for a page of 7"),
    }


def _database() -> dict[str, tuple[Alteration, str]]:
    unprepared = "SELECT id FROM users WHERE id = 1"
    later = "UPDATE posts SET created_at = created_at + interval '1 ms' WHERE id = (SELECT max(id) FROM posts)"
    return {
        "database.values_are_parameters": (asking_in_literals, "The statement for a user: expected parameters"),
        "database.statements_are_prepared_once_for_each_connection": (
            spoiling(lambda upstream, _: upstream.run_sql(unprepared), method="GET", path=USER),
            "times the same statement: expected",
        ),
        "database.times_come_from_the_database": (
            spoiling(lambda upstream, _: upstream.run_sql(later), method="POST", path=POSTS),
            "created_at of a post: now() of its transaction",
        ),
        "database.a_statement_that_fails_is_an_internal_error": (
            answers(status(503), path=USER, status=500),
            "expected status 500, saw 503",
        ),
        "database.a_statement_that_lost_its_connection_is_not_repeated": (
            repeating(503),
            "expected an answer, saw none in 3 s",
        ),
    }


def _resilience() -> dict[str, tuple[Alteration, str]]:
    return {
        "resilience.late_redis_is_waited_for": (
            answers(header("x-cache", "MISS"), method="GET", path=POST),
            "X-Cache while Redis answers 20 ms late",
        ),
        "resilience.slow_redis_is_passed_over": (
            answers(header("x-cache", "HIT"), method="GET", path=POST),
            "X-Cache while Redis doesn't answer",
        ),
        "resilience.readiness_tells_when_redis_is_down": (
            answers(status(200), path="/readyz", status=503),
            "expected status 503, saw 200",
        ),
        "resilience.ended_sessions_are_replaced": (failing_after(70), "expected status 200, saw 500"),
        "resilience.full_pool_gives_503_after_two_seconds": (
            answers(status(500), path=USER, status=503),
            "expected status 200, saw 500",
        ),
    }
