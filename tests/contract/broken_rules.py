"""For each check an implementation that breaks the rule which the check is about, and what the check must say of it."""

import base64

from apis.contract.checks.multipart import BOUNDARY
from tests.contract.alterations import (
    answers,
    body,
    closing_at,
    header,
    health_after_logins,
    later_expiry,
    quick_for_taken_names,
    quick_for_unknown_emails,
    requests,
    spoiling,
    status,
    unaltered,
    welcoming,
    without_padding,
)
from tests.contract.altering_proxy import Alteration
from tests.contract.broken_services import broken_services
from tests.contract.paths import FILE, FILES, LOGIN, ME, POST, POSTS, USER, USERS


def broken_rules() -> dict[str, tuple[Alteration, str]]:
    """The alteration under which each check must fail, and a part of its message; new ones at each call: some count."""
    return (
        _users()
        | _auth()
        | _tokens()
        | _posts()
        | _files()
        | _parts()
        | _errors()
        | _bodies()
        | _security()
        | _connections()
        | broken_services()
    )


def _users() -> dict[str, tuple[Alteration, str]]:
    email_for_username = body(rb"username", b"email")
    only_first_error = body(rb"(?<=\}),\{.*\}(?=\])", b"")
    return {
        "users.registration_answers_the_user_and_its_location": (
            answers(header("location", "/api/users/0"), method="POST", path=USERS, status=201),
            "Location: expected",
        ),
        "users.email_is_stored_in_lower_case": (
            answers(body(rb"@example", b"@Example"), method="POST", path=USERS),
            "email: expected",
        ),
        "users.user_is_read_without_email": (
            answers(body(rb"\}$", b',"email":"a@b"}'), path=USER, status=200),
            "email: Extra inputs",
        ),
        "users.unknown_user_is_not_found": (answers(body(rb"user", b"post"), status=404), "the body differs"),
        "users.me_is_the_user_of_the_token": (
            answers(body(rb'"id":\d+', b'"id":1'), path=ME),
            "id, username and email",
        ),
        "users.me_needs_a_token": (answers(header("www-authenticate", None), status=401), "exactly the headers"),
        "users.taken_username_or_email_is_a_conflict": (answers(email_for_username, status=409), "the body differs"),
        "users.values_on_the_bounds_are_taken": (
            answers(status(422), path=USERS, having=b'"' + b"p" * 72 + b'"'),
            "expected status 201, saw 422",
        ),
        "users.three_characters_are_enough": (
            answers(status(422), path=USERS, having=b'"a@b"'),
            "expected status 201, saw 422",
        ),
        "users.values_out_of_bounds_are_refused": (requests(b"p" * 73, b"p" * 72), "expected status 422, saw 201"),
        "users.missing_and_null_are_the_same": (answers(body(rb"is required", b"missing")), "the body differs"),
        "users.all_faults_are_listed_in_schema_order": (answers(only_first_error, status=422), "the body differs"),
        "users.unknown_members_are_ignored": (
            answers(status(400), having=b'"admin"'),
            "expected status 201, saw 400",
        ),
    }


def _auth() -> dict[str, tuple[Alteration, str]]:
    weaker = "UPDATE users SET password_hash = replace(password_hash, 't=2', 't=1') WHERE username LIKE 'check_%'"
    return {
        "auth.login_answers_a_token_with_the_claims": (
            answers(later_expiry, path=LOGIN, status=200),
            "Claims: expected",
        ),
        "auth.login_folds_the_email": (requests(b"EXAMPLE.TEST", b"EXAMPLE.TES"), "expected status 200, saw 401"),
        "auth.seeded_users_log_in": (
            answers(status(401), path=LOGIN, having=b"user_0001"),
            "expected status 200, saw 401",
        ),
        "auth.passwords_are_stored_as_the_contract_says": (
            spoiling(lambda upstream, _: upstream.run_sql(weaker), method="POST", path=USERS),
            "parameters of the stored hash",
        ),
        "auth.wrong_password_and_unknown_email_look_the_same": (
            answers(body(rb"The email or the password", b"The password"), path=LOGIN),
            "the body differs",
        ),
        "auth.unknown_email_takes_as_long_as_a_wrong_password": (
            quick_for_unknown_emails(),
            "Unknown email: expected",
        ),
        "auth.registration_hashes_before_it_inserts": (quick_for_taken_names(), "A taken username: expected about"),
        "auth.login_validates_like_registration": (
            answers(body(rb"8 to 72", b"1 to 99"), path=LOGIN),
            "the body differs",
        ),
        "auth.hashing_does_not_hold_up_other_requests": (health_after_logins(), "/healthz: expected an answer while"),
    }


def _posts() -> dict[str, tuple[Alteration, str]]:
    return {
        "posts.creation_answers_the_post_and_its_location": (
            answers(header("location", "/api/posts/0"), method="POST", path=POSTS, status=201),
            "Location: expected",
        ),
        "posts.created_updated_and_read_are_the_same": (
            answers(body(rb'"version":2', b'"version":1'), method="GET", path=POST),
            "the body differs",
        ),
        "posts.texts_come_back_as_they_were_sent": (
            answers(body(rb"<", b"\\u003c"), method="GET", path=POST),
            "the body differs",
        ),
        "posts.escapes_in_a_request_are_read": (requests(rb"\u0041", b"B"), "title and body"),
        "posts.lengths_count_code_points": (
            answers(status(422), having="é".encode() * 20_000),
            "expected status 201, saw 422",
        ),
        "posts.content_out_of_bounds_is_refused": (
            answers(body(rb"1 to 200 ", b"1 to 201 "), method="PUT"),
            "the body differs",
        ),
        "posts.whitespace_is_content": (requests(b'"title": " "', b'"title": ""'), "expected status 201, saw 422"),
        "posts.writing_needs_a_token": (
            answers(status(404), method="DELETE", status=401),
            "expected status 401, saw 404",
        ),
        "posts.unknown_post_is_not_found": (
            answers(status(403), method="PUT", status=404),
            "expected status 404, saw 403",
        ),
        "posts.update_adds_one_to_the_version": (
            answers(body(rb'"version":3', b'"version":2'), method="PUT"),
            "the post after 2 updates",
        ),
        "posts.posts_of_others_are_forbidden": (
            answers(status(404), method="DELETE", status=403),
            "expected status 403, saw 404",
        ),
        "posts.deletion_removes_the_post": (
            answers(header("content-length", "0"), method="DELETE", status=204),
            "exactly the headers",
        ),
        "posts.list_goes_back_page_by_page": (
            answers(body(rb'"next_before":\d+', b'"next_before":1'), path=POSTS),
            "next_before where more follow",
        ),
        "posts.last_page_has_no_next": (
            answers(body(rb'"next_before":null', b'"next_before":1'), path=POSTS),
            "the page before id 1",
        ),
        "posts.head_of_a_list_has_no_body": (
            answers(header("content-length", "0"), method="HEAD", path=POSTS),
            "body and length of HEAD",
        ),
        "posts.bad_query_parameters_are_refused": (requests(b"limit=05", b"limit=5"), "expected status 422, saw 200"),
        "posts.other_query_parameters_are_ignored": (
            requests(b"l%69mit=0", b"limit=0"),
            "expected status 200, saw 422",
        ),
        "posts.token_of_nobody_is_refused_where_it_shows": (
            answers(status(500), method="POST", path=POSTS, status=401),
            "expected status 401, saw 500",
        ),
        "posts.author_of_a_write_is_the_tokens": (
            answers(body(rb'"username":"[^"]*"', b'"username":"someone"'), method="POST", path=POSTS),
            "the author in the answer",
        ),
        "posts.preconditions_of_an_update_are_not_looked_at": (
            answers(status(412), method="PUT", having=b': "x"'),
            "expected status 200, saw 412",
        ),
    }


def _files() -> dict[str, tuple[Alteration, str]]:
    named_as_sent = "UPDATE files SET storage_name = filename WHERE id = (SELECT max(id) FROM files)"
    return {
        "files.files_come_back_as_they_were_sent": (
            answers(body(rb".$", b""), method="GET", path=FILE),
            "the body differs",
        ),
        "files.downloads_know_no_ranges_or_conditions": (
            answers(status(206), having=b"bytes=0-3"),
            "expected status 200, saw 206",
        ),
        "files.unknown_file_is_not_found": (answers(body(rb"no such file", b"nothing")), "the body differs"),
        "files.uploading_needs_a_token": (
            answers(status(400), method="POST", path=FILES, status=401),
            "expected status 401, saw 400",
        ),
        "files.largest_file_is_taken_and_a_larger_one_refused": (
            answers(status(413), method="POST", having=bytes(2_000_000)),
            "expected status 201, saw 413",
        ),
        "files.too_large_a_body_is_refused_unread": (unaltered, "timed out"),
        "files.chunked_uploads_are_taken": (answers(status(411), having=b"chunked"), "expected status 201, saw 411"),
        "files.only_multipart_is_taken": (
            answers(status(400), having=b"multipart/mixed"),
            "expected status 415, saw 400",
        ),
        "files.body_must_have_one_file": (requests(b'filename=""', b'filename="x"'), "expected status 400, saw 201"),
        "files.other_parts_are_skipped": (answers(status(400), having=b"preamble"), "expected status 201, saw 400"),
        "files.type_is_told_by_the_first_octets": (requests(b"%pdf-", b"%PDF-"), "expected status 415, saw 201"),
        "files.first_breach_decides": (unaltered, "timed out"),
        "files.file_names_are_made_safe": (
            answers(body(rb'"passwd"', b'"etc_passwd"')),
            "safe name of '../../etc/passwd'",
        ),
        "files.contents_are_stored_under_random_names": (
            spoiling(lambda upstream, _: upstream.run_sql(named_as_sent), method="POST", path=FILES),
            "the storage name same.png",
        ),
    }


def _errors() -> dict[str, tuple[Alteration, str]]:
    return {
        "errors.health_is_ok": (answers(body(rb"ok", b"OK"), path="/healthz"), "expected a Health"),
        "errors.readiness_names_both_services": (
            answers(body(rb'"redis":"up"', b'"redis":"down"'), path="/readyz"),
            "readiness: expected",
        ),
        "errors.unknown_paths_are_not_found": (requests(b"/healthz/ ", b"/healthz "), "expected status 404, saw 200"),
        "errors.ids_of_another_form_are_unknown_paths": (
            requests(b"users/01 ", b"users/1 "),
            "expected status 404, saw 200",
        ),
        "errors.other_methods_are_refused_with_allow": (
            answers(header("allow", "HEAD, GET"), path="/readyz", status=405),
            "exactly the headers",
        ),
        "errors.head_of_an_error_has_its_headers": (
            answers(header("content-length", "0"), method="HEAD"),
            "expected the Content-Length",
        ),
        "errors.checks_come_in_their_order": (unaltered, "timed out"),
        "errors.bodies_without_a_use_are_ignored": (
            answers(status(400), path=ME, having=b"not json"),
            "expected status 200, saw 400",
        ),
        "errors.queries_of_other_routes_are_not_looked_at": (
            answers(status(422), path=USER, having=b"limit=0"),
            "expected status 200, saw 422",
        ),
        "errors.negotiation_changes_nothing": (
            answers(header("vary", "Accept-Encoding"), having=b"gzip, br"),
            "exactly the headers",
        ),
    }


def _tokens() -> dict[str, tuple[Alteration, str]]:
    none = base64.urlsafe_b64encode(b'{"alg":"none"').rstrip(b"=")[:-1]
    odd_type = base64.urlsafe_b64encode(b'{"alg": "HS256", "typ": 5, ')
    accepted = status(200)
    return {
        "tokens.algorithms_but_hs256_are_refused": (answers(accepted, status=401, having=none), "alg 'none'"),
        "tokens.signatures_are_verified_octet_for_octet": (requests(b"=\r\n", b"\r\n"), "a padded signature"),
        "tokens.claims_must_be_there_and_right": (answers(accepted, status=401), "no sub"),
        "tokens.expired_tokens_are_refused_without_leeway": (answers(accepted, status=401), "exp 5 s ago"),
        "tokens.authorization_is_one_bearer_token": (requests(b": Token ", b": Bearer "), "'Token "),
        "tokens.routes_without_a_token_ignore_authorization": (
            answers(status(401), path="/healthz", having=b"nonsense"),
            "expected status 200, saw 401",
        ),
        "tokens.parts_are_unpadded_base64url": (answers(accepted, status=401), "padding in its header"),
        "tokens.other_members_of_the_header_are_not_looked_at": (
            answers(status(401), path=ME, having=odd_type),
            "'typ': 5",
        ),
        "tokens.numbers_are_integers_as_they_are_written": (
            answers(accepted, status=401),
            ".0: expected status 401, saw 200",
        ),
    }


def _parts() -> dict[str, tuple[Alteration, str]]:
    return {
        "parts.uploads_are_checked_in_their_order": (unaltered, "timed out"),
        "parts.largest_body_is_taken": (
            answers(status(413), path=FILES, having=bytes(2_000_000)),
            "expected status 201, saw 413",
        ),
        "parts.boundaries_are_tokens_or_quoted_strings": (
            answers(status(400), path=FILES, having=b"two words"),
            "expected status 201, saw 400",
        ),
        "parts.contents_may_look_like_delimiters": (
            answers(status(400), path=FILES, having=BOUNDARY.swapcase().encode()),
            "expected status 201, saw 400",
        ),
        "parts.headers_of_a_part_may_be_long_and_repeated": (
            requests(b"Content-Type: text/plain\r\n", b""),
            "expected status 415, saw 201",
        ),
        "parts.dispositions_have_one_form": (
            requests(b'filename= "a.png"', b'filename="a.png"'),
            "status of a Content-Disposition",
        ),
        "parts.token_of_nobody_uploads_nothing": (
            answers(status(500), path=FILES, status=401),
            "expected status 401, saw 500",
        ),
        "parts.missing_content_is_an_internal_error": (
            answers(status(404), path=FILE, status=500),
            "expected status 500, saw 404",
        ),
    }


def _bodies() -> dict[str, tuple[Alteration, str]]:
    return {
        "bodies.json_routes_take_json_only": (
            answers(status(400), having=b"application/problem+json"),
            "expected status 415, saw 400",
        ),
        "bodies.content_type_may_have_case_and_parameters": (
            answers(status(415), having=b"latin-1"),
            "expected status 201, saw 415",
        ),
        "bodies.bodies_that_are_no_json_object_are_refused": (
            requests(b'"title":"t","title":"t"', b'"title":"t"'),
            "expected status 400, saw 201",
        ),
        "bodies.unusual_json_objects_are_taken": (
            answers(status(400), having=b"1e400"),
            "expected status 201, saw 400",
        ),
        "bodies.json_bodies_have_a_limit": (answers(status(400), status=413), "expected status 413, saw 400"),
        "bodies.chunked_json_is_taken": (answers(status(411), having=b"chunked"), "expected status 201, saw 411"),
        "bodies.content_encoding_is_not_looked_at": (
            answers(status(415), having=b"br, nonsense"),
            "expected status 201, saw 415",
        ),
    }


def _security() -> dict[str, tuple[Alteration, str]]:
    return {
        "security.hostile_texts_are_only_texts": (
            answers(status(500), having=b"DROP TABLE"),
            "expected status 201, saw 500",
        ),
        "security.malformed_heads_get_a_4xx_or_nothing": (
            welcoming,
            "expected a 4xx or the connection closed, saw 200",
        ),
        "security.smuggled_requests_get_no_answer": (unaltered, "the smuggled request was answered"),
        "security.head_has_a_limit": (without_padding, "A head over 20 KiB: expected a 4xx or the end, saw 200"),
    }


def _connections() -> dict[str, tuple[Alteration, str]]:
    return {
        "connections.pipelined_requests_are_answered_in_order": (
            closing_at("/healthz"),
            "GET /healthz in a pipeline: expected an answer",
        ),
        "connections.connections_are_kept": (
            closing_at("/api/nothing"),
            "GET /api/nothing on a kept connection: expected an answer",
        ),
        "connections.other_protocols_are_not_offered": (
            answers(status(101), having=b"websocket"),
            "expected status 200, saw 101",
        ),
        "connections.targets_must_be_in_origin_form": (welcoming, "expected a 4xx or the end, saw 200"),
        "connections.what_is_not_compared_is_answered_or_refused": (
            answers(status(500), having=b"HTTP/1.0"),
            "expected 200, a 4xx or the end, saw 500",
        ),
        "connections.bodies_are_sent_for": (unaltered, "100 Continue"),
        "connections.slow_clients_are_given_up": (unaltered, "a head that stopped: expected the connection closed"),
    }
