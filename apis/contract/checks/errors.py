"""Routing, and requests that are refused before their route does anything."""

from dataclasses import replace

from apis.contract.checks import problems
from apis.contract.checks.answers import Account, Health, Post, Readiness
from apis.contract.checks.context import Context
from apis.contract.checks.expect import expect, expect_answer, expect_created, expect_equal, expect_json, expect_problem
from apis.contract.checks.model import check
from apis.contract.checks.users import NOBODY
from apis.contract.checks.wire import Answer, request_octets

ALLOW = {
    "/healthz": "GET, HEAD",
    "/readyz": "GET, HEAD",
    "/api/users": "POST",
    "/api/users/me": "GET, HEAD",
    "/api/users/1": "GET, HEAD",
    f"/api/users/{NOBODY}": "GET, HEAD",
    "/api/auth/login": "POST",
    "/api/posts": "GET, HEAD, POST",
    "/api/posts/1": "DELETE, GET, HEAD, PUT",
    "/api/files": "POST",
    "/api/files/1": "GET, HEAD",
}
"""The value of `Allow` for each path."""

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "X")

_JSON_ROUTES = (("POST", "/api/users"), ("POST", "/api/auth/login"), ("POST", "/api/posts"), ("PUT", "/api/posts/1"))

_JSON_LIMIT = 65_536

_NOT_JSON_OBJECTS = (
    b"",
    b" ",
    b"{",
    b"{}x",
    b"{}{}",
    b"[]",
    b'"text"',
    b"null",
    b"1",
    b'{"title":"t","body":"b",}',
    b"{'title':'t','body':'b'}",
    b'{title:"t","body":"b"}',
    b'{"title":"t" "body":"b"}',
    b'{"title":"t","body":"b"}\x00',
    b'{"title":"t","body":"b"} // comment',
    b'\xef\xbb\xbf{"title":"t","body":"b"}',
    b'{"title":"t","body":"b\n"}',
    b'{"title":"t","body":"\\x41"}',
    b'{"title":"t","body":"\\u00g0"}',
    b'{"title":"t","body":"b","x":01}',
    b'{"title":"t","body":"b","x":+1}',
    b'{"title":"t","body":"b","x":.5}',
    b'{"title":"t","body":"b","x":1.}',
    b'{"title":"t","body":"b","x":0x1}',
    b'{"title":"t","body":"b","x":NaN}',
    b'{"title":"t","body":"b","x":-Infinity}',
    b'{"title":"t","body":"b","x":True}',
    b'{"title":"t","body":"b","x":nul}',
    b'{"title":"t","body":"b","x":[1,]}',
    b'{"title":"t","body":"b\xff"}',
    b'{"title":"t","body":"\xc0\x80"}',
    b'{"title":"t","body":"\xed\xa0\x80"}',
    b'{"title":"t","body":"\xf4\x90\x80\x80"}',
    b'{"title":"t","body":"\xe4\xbd"}',
    b'{"title":"t","body":"b","x":"\xff"}',
    b'{"title":"t","body":"\\ud800"}',
    b'{"title":"t","body":"\\udc00\\ud800"}',
    b'{"title":"t","body":"\\ud800\\u0041"}',
    b'{"title":"t","body":"b","x":["\\udfff"]}',
    b'{"title":"t","body":"b","\\ud800":1}',
    b'{"title":1,"body":"b"}',
    b'{"title":"t","body":["b"]}',
    b'{"title":{},"body":"b"}',
    b'{"title":true,"body":"b"}',
    b'{"title":"t","title":"t","body":"b"}',
    b'{"title":"t","body":"b","\\u0074itle":"t"}',
    b'{"title":null,"title":"t","body":"b"}',
    b'{"x":1,"title":"t","body":"b","x":2}',
    b'{"title":"t","body":"b","x":' + b"[" * 32 + b"]" * 32 + b"}",
    b'{"title":"t","body":"b","x":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    b"[" * 60_000,
)
"""Bodies that are valid nowhere, each for a reason of its own."""

_STILL_JSON_OBJECTS = (
    b' \t\r\n{ "title" : "t" ,\n"body":"b" }\n ',
    b'{"body":"b","title":"t"}',
    b'{"title":"t","body":"b","x":1e400,"y":-0.0E-999,"z":123456789012345678901234567890}',
    b'{"title":"t","body":"b","x":' + b"[" * 31 + b"]" * 31 + b"}",
    b'{"title":"t","body":"b","x":{"a":1,"a":2},"":null}',
    b'{"title":"t","body":"b","TITLE":1,"Body":2}',
    b'{"title":"t","body":"b","x":"\\u0000\\ud83d\\ude00"}',
)


def _send(context: Context, method: str, path: str, content: bytes, content_type: str = "application/json") -> Answer:
    headers = {"Content-Type": content_type}
    return context.send(method, path, token=context.alice.token, content=content, headers=headers)


def _padded(size: int) -> bytes:
    start, end = b'{"title":"t","body":"b","x":"', b'"}'
    return start + b"x" * (size - len(start) - len(end)) + end


@check()
def health_is_ok(context: Context) -> None:
    """200 for GET and HEAD."""
    expect_equal(expect_json(context.get("/healthz"), 200, Health), Health(status="ok"), "health")
    expect_answer(context.send("HEAD", "/healthz"), 200, content_type="application/json")


@check(attempts=3)
def readiness_names_both_services(context: Context) -> None:
    """200 with both up."""
    expected = Readiness(postgres="up", redis="up")
    expect_equal(expect_json(context.get("/readyz"), 200, Readiness), expected, "readiness")
    expect_answer(context.send("HEAD", "/readyz"), 200, content_type="application/json")


@check()
def unknown_paths_are_not_found(context: Context) -> None:
    """404 for every path that isn't routed octet for octet; no redirects."""
    for path in (
        "/",
        "/api",
        "/api/",
        "/api/nothing",
        "/healthz/",
        "/healthz/x",
        "//healthz",
        "/HEALTHZ",
        "/%68ealthz",
        "/healthz%20",
        "/./healthz",
        "/api/../healthz",
        "/api//users/1",
        "/api/users/",
        "/api/users/1/",
        "/api/users/1/posts",
        "/api/users/%31",
        "/api/users/me/",
        "/api/users/Me",
        "/api/users/%6de",
        "/api/users;x=1",
        "/api/posts/1;x=1",
        "/api/auth",
        "/api/auth/logout",
        "/metrics",
        "/debug/pprof/",
        "/openapi.yaml",
    ):
        expect_problem(context.exchange(request_octets(f"GET {path}")), problems.NO_PATH)


@check()
def ids_of_another_form_are_unknown_paths(context: Context) -> None:
    """404 with the detail for a path, whatever the method."""
    ids = ("0", "00", "01", "-1", "+1", "1.0", "1e3", "0x1", "abc", "1a", "%31", "9223372036854775808", "1" * 20)
    for kind in ("users", "posts", "files"):
        for identifier in ids:
            path = f"/api/{kind}/{identifier}"
            expect_problem(context.exchange(request_octets(f"GET {path}")), problems.NO_PATH)
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"):
        expect_problem(context.exchange(request_octets(f"{method} /api/posts/0")), problems.NO_PATH)


@check()
def other_methods_are_refused_with_allow(context: Context) -> None:
    """405 with the path's methods, sorted, for every other method, without looking at anything else."""
    for path, allow in ALLOW.items():
        for method in _METHODS:
            if method in allow.split(", "):
                continue
            answer = context.exchange(request_octets(f"{method} {path}"))
            expect_problem(answer, problems.BAD_METHOD, headers={"allow": allow})


@check()
def head_of_an_error_has_its_headers(context: Context) -> None:
    """HEAD answers an error with the status and headers of GET, its length included, and without body."""
    expect_problem(context.send("HEAD", "/api/nothing"), problems.NO_PATH)
    expect_problem(context.send("HEAD", "/api/auth/login"), problems.BAD_METHOD, headers={"allow": "POST"})


@check()
def json_routes_take_json_only(context: Context) -> None:
    """415 for another `Content-Type`, none, or two; before the body is looked at."""
    for method, path in _JSON_ROUTES:
        for content_type in (
            "",
            "text/plain",
            "text/json",
            "application/jsonx",
            "application/problem+json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/json, text/plain",
            "json",
        ):
            expect_problem(_send(context, method, path, b"{}", content_type), problems.NOT_JSON)
        token = context.alice.token
        expect_problem(context.send(method, path, token=token, content=b"{}"), problems.NOT_JSON)
        expect_problem(context.send(method, path, token=token), problems.NOT_JSON)
        twice = (("Content-Type", "application/json"), ("Content-Type", "application/json"))
        expect_problem(context.send(method, path, token=token, content=b"{}", headers=twice), problems.NOT_JSON)


@check()
def content_type_may_have_case_and_parameters(context: Context) -> None:
    """`application/json` in any case, with any parameters."""
    for content_type in (
        "Application/JSON",
        "application/json;charset=utf-8",
        "application/json ; charset=latin-1",
        "application/json;",
    ):
        answer = _send(context, "POST", "/api/posts", b'{"title":"t","body":"b"}', content_type)
        expect_created(answer, Post, "/api/posts/")


@check()
def bodies_that_are_no_json_object_are_refused(context: Context) -> None:
    """One and the same 400, whatever is wrong."""
    for content in _NOT_JSON_OBJECTS:
        answer = _send(context, "POST", "/api/posts", content)
        named = replace(answer, request=f"{answer.request} {content[:80]!r}")
        expect_problem(named, problems.BAD_JSON)
    post = context.new_post()
    for content in (b"", b"{}x", b'{"title":1}'):
        expect_problem(_send(context, "PUT", f"/api/posts/{post.id}", content), problems.BAD_JSON)
    for content in (b"", b"[]", b'{"email":1}', b'{"password":"x","password":"x"}'):
        expect_problem(_send(context, "POST", "/api/users", content), problems.BAD_JSON)
        expect_problem(_send(context, "POST", "/api/auth/login", content), problems.BAD_JSON)


@check()
def unusual_json_objects_are_taken(context: Context) -> None:
    """Whitespace, order, large numbers, nesting up to 32 and anything well-formed in ignored members."""
    for content in _STILL_JSON_OBJECTS:
        answer = _send(context, "POST", "/api/posts", content)
        named = replace(answer, request=f"{answer.request} {content[:80]!r}")
        post = expect_created(named, Post, "/api/posts/")
        expect_equal((post.title, post.body), ("t", "b"), "title and body")


@check()
def json_bodies_have_a_limit(context: Context) -> None:
    """64 KiB are taken; one octet more is 413, told by the length before the body comes, or by the chunks."""
    answer = _send(context, "POST", "/api/posts", _padded(_JSON_LIMIT))
    expect_created(answer, Post, "/api/posts/")
    for method, path in _JSON_ROUTES:
        expect_problem(_send(context, method, path, _padded(_JSON_LIMIT + 1)), problems.LARGE_JSON)
        headers = {"Authorization": f"Bearer {context.alice.token}", "Content-Type": "application/json"}
        declared = headers | {"Content-Length": str(2**40)}
        expect_problem(context.exchange(request_octets(f"{method} {path}", headers=declared)), problems.LARGE_JSON)
        chunked = headers | {"Transfer-Encoding": "chunked"}
        body = _padded(_JSON_LIMIT + 1)
        octets = request_octets(f"{method} {path}", headers=chunked) + f"{len(body):x}\r\n".encode() + body + b"\r\n"
        expect_problem(context.exchange(octets), problems.LARGE_JSON)


@check()
def chunked_json_is_taken(context: Context) -> None:
    """A body without a declared length is read like any other."""
    headers = {
        "Authorization": f"Bearer {context.alice.token}",
        "Content-Type": "application/json",
        "Transfer-Encoding": "chunked",
    }
    body = b'9\r\n{"title":\r\nF;x=y\r\n"t","body":"b" \r\n1\r\n}\r\n0\r\nX-Trailer: x\r\n\r\n'
    answer = context.exchange(request_octets("POST /api/posts", headers=headers) + body)
    expect_created(answer, Post, "/api/posts/")


@check()
def checks_come_in_their_order(context: Context) -> None:
    """404 path, 405, 401, 415, 413, 400, 422, 404 thing, 403, 409: each is answered before all that follow."""
    alice, bob = context.alice, context.bob
    post = context.new_post(alice)
    own, missing = f"/api/posts/{post.id}", f"/api/posts/{NOBODY}"
    text, json = {"Content-Type": "text/plain"}, {"Content-Type": "application/json"}
    large, token = {"Content-Length": "1000000"}, {"Authorization": f"Bearer {bob.token}"}
    answer = context.exchange(request_octets("PATCH /api/posts/0", headers=text | large))
    expect_problem(answer, problems.NO_PATH)
    allow = {"allow": ALLOW["/api/posts/1"]}
    answer = context.exchange(request_octets(f"PATCH {missing}", headers=text | large))
    expect_problem(answer, problems.BAD_METHOD, headers=allow)
    answer = context.exchange(request_octets(f"PUT {missing}", headers=text | large))
    expect_problem(answer, problems.BAD_TOKEN)
    for path in (own, missing):
        answer = context.exchange(request_octets(f"PUT {path}", headers=text | large | token))
        expect_problem(answer, problems.NOT_JSON)
        answer = context.exchange(request_octets(f"PUT {path}", headers=json | large | token) + b"not JSON")
        expect_problem(answer, problems.LARGE_JSON)
        answer = context.send("PUT", path, token=bob.token, content=b'{"title":"","body":1}', headers=json)
        expect_problem(answer, problems.BAD_JSON)
        answer = context.put(path, {"title": "", "body": "b"}, token=bob.token)
        expect_problem(answer, problems.INVALID, errors=(("title", problems.TITLE_RULE),))
    valid = {"title": "t", "body": "b"}
    expect_problem(context.put(missing, valid, token=bob.token), problems.NO_POST)
    expect_problem(context.put(own, valid, token=bob.token), problems.NOT_OWNER)
    taken = {"username": alice.username, "email": "", "password": alice.password}
    expect_problem(context.post("/api/users", taken), problems.INVALID, errors=(("email", problems.EMAIL_RULE),))


@check()
def bodies_without_a_use_are_ignored(context: Context) -> None:
    """GET, HEAD and DELETE don't look at a body or its `Content-Type`."""
    content, headers = b"not json", {"Content-Type": "text/plain"}
    path = f"/api/users/{context.alice.id}"
    expect_equal(context.send("GET", path, content=content, headers=headers).body, context.get(path).body, "the user")
    answer = context.send("GET", "/api/users/me", token=context.alice.token, content=content, headers=headers)
    expect_json(answer, 200, Account)
    post = context.new_post()
    answer = context.send(
        "DELETE", f"/api/posts/{post.id}", token=context.alice.token, content=content, headers=headers
    )
    expect_answer(answer, 204, content_type=None)


@check()
def negotiation_changes_nothing(context: Context) -> None:
    """`Accept`, `Accept-Encoding`, `Origin` and `Expect` headers of any value give the same answer."""
    path = f"/api/users/{context.alice.id}"
    plain = context.get(path)
    for headers in (
        {"Accept": "text/html"},
        {"Accept-Encoding": "gzip, br"},
        {"Origin": "http://example.test", "Access-Control-Request-Method": "GET"},
        {"X-HTTP-Method-Override": "DELETE", "X-Forwarded-For": "192.0.2.1"},
    ):
        answer = context.get(path, headers=headers)
        expect_answer(answer, 200, content_type="application/json")
        expect(answer.body == plain.body, f"{path} with {headers}: the body changed.")
