"""For each check an implementation that breaks the rule which the check is about, and what the check must say of it."""

from tests.contract.alterations import (
    answers,
    asking_for,
    body,
    delayed,
    failing_after,
    forget,
    header,
    keep_for_ever,
    later_expiry,
    leave_stale,
    quick_for_unknown_emails,
    requests,
    spoiling,
    status,
    surplus,
    working_for_nobody,
)
from tests.contract.altering_proxy import Alteration
from tests.contract.paths import FILE, FILES, LOGIN, ME, POST, POSTS, USER, USERS


def broken_rules() -> dict[str, tuple[Alteration, str]]:
    """The alteration under which each check must fail, and a part of its message; new ones at each call: some count."""
    return _users() | _posts() | _files() | _errors() | _caching() | _database()


def _users() -> dict[str, tuple[Alteration, str]]:
    weaker = "UPDATE users SET password_hash = replace(password_hash, 't=2', 't=1') WHERE username LIKE 'check_%'"
    return {
        "users.registration_answers_the_user_with_the_email_in_lower_case": (
            answers(header("location", "/api/users/0"), method="POST", path=USERS, status=201),
            "Location: expected",
        ),
        "users.taken_username_or_email_is_a_conflict": (
            answers(status(400), path=USERS, status=409),
            "expected status 409, saw 400",
        ),
        "users.values_on_the_bounds_are_taken": (
            answers(status(422), path=USERS, having=b'"' + b"p" * 72 + b'"'),
            "expected status 201, saw 422",
        ),
        "users.values_out_of_bounds_are_refused": (
            requests(b"p" * 73, b"p" * 72),
            "expected status 422 or 400, saw 201",
        ),
        "users.login_answers_a_token_with_the_claims": (later_expiry, "claims: expected"),
        "users.seeded_users_log_in": (
            answers(status(401), path=LOGIN, having=b"user_0001"),
            "expected status 200, saw 401",
        ),
        "users.passwords_are_stored_as_the_contract_says": (
            spoiling(lambda upstream, _: upstream.run_sql(weaker), method="POST", path=USERS),
            "parameters of the stored hash",
        ),
        "users.wrong_password_and_unknown_email_look_the_same": (
            quick_for_unknown_emails(),
            "Unknown email: expected",
        ),
        "users.bad_tokens_are_refused": (answers(status(200), path=ME, status=401), "expected status 401, saw 200"),
        "users.routes_with_a_token_need_one": (
            answers(header("www-authenticate", None), method="DELETE", status=401),
            "expected one header www-authenticate",
        ),
    }


def _posts() -> dict[str, tuple[Alteration, str]]:
    return {
        "posts.creation_answers_the_post_and_its_location": (
            answers(header("location", "/api/posts/0"), method="POST", path=POSTS, status=201),
            "Location: expected",
        ),
        "posts.texts_come_back_as_they_were_sent": (
            answers(body(rb"DROP TABLE", b""), method="GET", path=POST),
            "the post: expected",
        ),
        "posts.content_out_of_bounds_is_refused": (
            requests(b"t" * 201, b"t" * 200),
            "expected status 422 or 400, saw 201",
        ),
        "posts.update_adds_one_to_the_version": (
            answers(body(rb'"version": ?3', b'"version":2'), method="PUT"),
            "the post after 2 updates",
        ),
        "posts.posts_of_others_are_forbidden": (
            answers(status(404), method="DELETE", status=403),
            "expected status 403, saw 404",
        ),
        "posts.deletion_removes_the_post": (
            answers(status(202), method="DELETE", status=204),
            "expected status 204, saw 202",
        ),
        "posts.list_goes_back_page_by_page": (
            answers(body(rb'"next_before": ?\d+', b'"next_before":1'), path=POSTS),
            "next_before where more follow",
        ),
        "posts.bad_query_parameters_are_refused": (
            requests(b"limit=101", b"limit=100"),
            "expected status 422 or 400, saw 200",
        ),
        "posts.author_of_a_write_is_the_tokens": (
            answers(body(rb'"username": ?"[^"]*"', b'"username":"someone"'), method="POST", path=POSTS),
            "the authors in the answers to writes",
        ),
    }


def _files() -> dict[str, tuple[Alteration, str]]:
    nobody_s = """
        INSERT INTO files (owner_id, filename, content_type, size, sha256, storage_name)
        VALUES (1, 'a.png', 'image/png', 8, repeat('0', 64), repeat('0', 32))
    """
    return {
        "files.files_come_back_as_they_were_sent": (
            answers(body(rb".$", b""), method="GET", path=FILE),
            "the content: expected",
        ),
        "files.larger_files_are_refused": (
            answers(status(400), method="POST", path=FILES, status=413),
            "expected status 413, saw 400",
        ),
        "files.bad_uploads_are_refused": (
            answers(status(422), path=FILES, status=415, having=b"GIF89a"),
            "expected status 415, saw 422",
        ),
        "files.file_names_are_made_safe": (
            answers(body(rb"htaccess", b"../htaccess"), method="POST", path=FILES),
            "filename: String should match pattern",
        ),
        "files.an_upload_whose_row_is_refused_leaves_none": (
            spoiling(lambda upstream, _: upstream.run_sql(nobody_s), method="POST", path=FILES),
            "rows of files: expected",
        ),
    }


def _errors() -> dict[str, tuple[Alteration, str]]:
    second = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nuser_0001"
    return {
        "errors.health_is_ok": (answers(body(rb"ok", b"OK"), path="/healthz"), "expected a Health"),
        "errors.unknown_paths_are_not_found": (requests(b"/metrics ", b"/healthz "), "expected status 404, saw 200"),
        "errors.json_routes_take_json_only": (
            requests(b"text/plain", b"application/json"),
            "expected status 415 or 400, saw 201",
        ),
        "errors.json_bodies_have_a_limit": (
            answers(status(500), having=b"x" * 65_400),
            "expected status 201, saw 500",
        ),
        "errors.what_is_free_is_never_a_server_error": (
            answers(status(500), path="/HEALTHZ"),
            "expected no 5xx, saw 500",
        ),
        "errors.answers_without_a_body_end_with_their_head": (
            answers(surplus(b"body"), method="HEAD"),
            "expected no body",
        ),
        "errors.smuggled_requests_get_no_answer": (
            answers(surplus(second), having=b"GET /api/users/1"),
            "the smuggled request was answered",
        ),
        "errors.causes_of_errors_are_hidden": (
            answers(body(rb'"title"', b'"cause":"SQLSTATE 57014","title"'), path=USER),
            "expected no cause of the error",
        ),
        "errors.slow_clients_keep_nobody_waiting": (delayed(1.1, path=USER), "expected less than 1 s"),
        "errors.abandoned_logins_keep_nobody_waiting": (
            working_for_nobody(),
            "A login behind abandoned ones: expected",
        ),
    }


def _caching() -> dict[str, tuple[Alteration, str]]:
    return {
        "caching.posts_are_stored_when_they_are_read": (
            spoiling(keep_for_ever, method="GET", path=POST),
            "expected to expire in 600 s",
        ),
        "caching.the_first_page_is_stored_for_five_seconds": (
            spoiling(forget("posts:first"), method="GET", path=POSTS),
            "posts:first",
        ),
        "caching.what_another_has_stored_is_what_is_sent": (
            spoiling(forget("post:{id}"), method="GET", path=POST, before=True),
            "the post: expected",
        ),
        "caching.posts_are_removed_after_the_commit": (
            spoiling(forget("post:{id}"), method="PUT", path=POST, before=True),
            "expected it until the commit",
        ),
        "caching.a_lost_connection_to_redis_is_replaced": (
            spoiling(leave_stale, method="PUT", path=POST),
            "after an update: expected",
        ),
        "caching.a_frozen_redis_is_passed_over": (
            answers(header("x-cache", "HIT"), method="GET", path=POST),
            "X-Cache: expected MISS, saw HIT",
        ),
    }


def _database() -> dict[str, tuple[Alteration, str]]:
    unprepared = "SELECT id FROM users WHERE id = 1"
    return {
        "database.users_and_files_take_one_statement_each": (
            spoiling(asking_for("/api/users/1"), method="GET", path=ME),
            "calls and rows of the statements for me",
        ),
        "database.posts_take_one_statement_and_none_on_a_hit": (
            spoiling(asking_for("/api/posts/1"), method="GET", path=POST),
            "a post on a miss",
        ),
        "database.refused_requests_ask_nothing": (
            spoiling(asking_for("/api/users/1"), method="GET", path="/api/nothing"),
            "the statements for an unknown path",
        ),
        "database.statements_are_prepared_once_for_each_connection": (
            spoiling(lambda upstream, _: upstream.run_sql(unprepared), method="GET", path=USER),
            "Plans of a user: expected",
        ),
        "database.connections_are_kept": (
            spoiling(lambda upstream, _: upstream.run_sql("SELECT 1"), method="GET", path=USER),
            "New sessions of many requests: expected",
        ),
        "database.ended_sessions_are_replaced": (
            answers(status(500), path=USER, status=503),
            "saw 500",
        ),
        "database.plans_that_a_migration_made_invalid_are_replaced": (
            failing_after(150),
            "Expected all well within 5 s",
        ),
        "database.a_full_pool_gives_503_within_three_seconds": (
            answers(status(500), path=USER, status=503),
            "expected status 503, saw 500",
        ),
    }
