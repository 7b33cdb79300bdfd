"""Routing, and requests that are refused before their route does anything."""

from apis.contract.checks import problems
from apis.contract.checks.answers import AccessToken, Account, Health, Post, Readiness, User
from apis.contract.checks.context import Context
from apis.contract.checks.expect import expect, expect_answer, expect_created, expect_equal, expect_json, expect_problem
from apis.contract.checks.model import check
from apis.contract.checks.users import NOBODY
from apis.contract.checks.wire import request_octets

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

_ALL_REQUIRED = tuple((field, problems.REQUIRED) for field in ("username", "email", "password"))


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
    for line in (
        "POST /api/posts/",
        "POST //api/users",
        "POST /API/auth/login",
        "PUT /api/posts/1/",
        "DELETE /api/%70osts/1",
    ):
        expect_problem(context.exchange(request_octets(line)), problems.NO_PATH)


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
    for kind, problem in (("users", problems.NO_USER), ("posts", problems.NO_POST), ("files", problems.NO_FILE)):
        expect_problem(context.get(f"/api/{kind}/9223372036854775807"), problem)


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
def queries_of_other_routes_are_not_looked_at(context: Context) -> None:
    """Only `GET /api/posts` has a query; anything behind a `?` elsewhere changes nothing."""
    alice, query = context.alice, "limit=0&limit=x&before=&id=%31&"
    post = context.new_post()
    path = f"/api/posts/{post.id}"
    content = {"title": "t", "body": "b"}
    expect_json(context.get(f"/healthz?{query}"), 200, Health)
    expect_json(context.get(f"/api/users/{alice.id}?{query}"), 200, User)
    expect_json(context.get(f"/api/users/me?{query}", token=alice.token), 200, Account)
    expect_created(context.post(f"/api/posts?{query}", content, token=alice.token), Post, "/api/posts/")
    expect_json(context.put(f"{path}?{query}", content, token=alice.token), 200, Post)
    login = {"email": alice.email, "password": alice.password}
    expect_json(context.post(f"/api/auth/login?{query}", login), 200, AccessToken)
    expect_problem(context.post(f"/api/users?{query}", {}), problems.INVALID, errors=_ALL_REQUIRED)
    expect_answer(context.send("DELETE", f"{path}?{query}", token=alice.token), 204, content_type=None)
    expect_problem(context.get(f"/api/files/{NOBODY}?{query}"), problems.NO_FILE)
    expect_problem(context.get(f"/api/nothing?{query}"), problems.NO_PATH)


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
    """GET, HEAD and DELETE don't look at a body, its `Content-Type` or its size."""
    content, headers = b"not json", {"Content-Type": "text/plain"}
    path = f"/api/users/{context.alice.id}"
    for large in (b"x" * 70_000, b"\xff" * 1_000):
        expect_json(context.send("GET", path, content=large, headers=headers), 200, User)
    answer = context.send("HEAD", path, content=content, headers=headers)
    expect_answer(answer, 200, content_type="application/json")
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
    """`Accept`, `Accept-Encoding`, `Origin` and the like, of any value, give the same answer."""
    path = f"/api/users/{context.alice.id}"
    plain = context.get(path)
    for headers in (
        {"Accept": "text/html"},
        {"Accept-Encoding": "gzip, br"},
        {"Accept": "", "Accept-Language": "de", "Accept-Charset": "latin-1", "TE": "gzip"},
        {"Range": "bytes=0-3", "If-Modified-Since": "Sat, 01 Jan 2050 00:00:00 GMT", "If-None-Match": "*"},
        {"Origin": "http://example.test", "Access-Control-Request-Method": "GET"},
        {"X-HTTP-Method-Override": "DELETE", "X-Forwarded-For": "192.0.2.1"},
    ):
        answer = context.get(path, headers=headers)
        expect_answer(answer, 200, content_type="application/json")
        expect(answer.body == plain.body, f"{path} with {headers}: the body changed.")
