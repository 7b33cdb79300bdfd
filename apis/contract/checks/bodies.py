"""JSON bodies: their type, size and encoding, and what is a JSON object."""

import gzip
from dataclasses import replace

from apis.contract.checks import problems
from apis.contract.checks.answers import Post
from apis.contract.checks.context import Context
from apis.contract.checks.expect import expect_created, expect_equal, expect_problem
from apis.contract.checks.model import check
from apis.contract.checks.wire import Answer, request_octets

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
    b'{"title":"t","body":"\x00"}',
    b'{"title":"t","body":"\x1f"}',
    b'{"title":"t","body":"b"\x0c}',
    b'{"title":"t","body":"b"\xc2\xa0}',
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
    b'{"title":"t","body":"b","x":' + b'{"a":' * 32 + b"1" + b"}" * 32 + b"}",
    b'{"title":"t","body":"b","x":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    b"[" * 60_000,
)
"""Bodies that are valid nowhere, each for a reason of its own."""

_STILL_JSON_OBJECTS = (
    b' \t\r\n{ "title" : "t" ,\n"body":"b" }\n ',
    b'{"body":"b","title":"t"}',
    b'{"title":"t","body":"b","x":1e400,"y":-0.0E-999,"z":123456789012345678901234567890}',
    b'{"title":"t","body":"b","x":' + b"[" * 31 + b"]" * 31 + b"}",
    b'{"title":"t","body":"b","x":' + b'{"a":' * 31 + b"1" + b"}" * 31 + b"}",
    b'{"title":"t","body":"b","x":{"a":1,"a":2},"":null}',
    b'{"title":"t","body":"b","x":"\x7f\xef\xbf\xbf\xef\xbb\xbf"}',
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
    largest = _padded(_JSON_LIMIT)
    chunks = b"".join(b"8\r\n" + largest[place : place + 8] + b"\r\n" for place in range(0, _JSON_LIMIT, 8))
    answer = context.exchange(request_octets("POST /api/posts", headers=headers) + chunks + b"0\r\n\r\n")
    expect_created(answer, Post, "/api/posts/")


@check()
def content_encoding_is_not_looked_at(context: Context) -> None:
    """A body is what its octets are: JSON under any `Content-Encoding` is taken, compressed JSON is a 400."""
    content = b'{"title":"t","body":"b"}'
    for encoding in ("gzip", "identity", "br, nonsense"):
        headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
        answer = context.send("POST", "/api/posts", token=context.alice.token, content=content, headers=headers)
        expect_created(answer, Post, "/api/posts/")
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    packed = gzip.compress(content)
    answer = context.send("POST", "/api/posts", token=context.alice.token, content=packed, headers=headers)
    expect_problem(answer, problems.BAD_JSON)
