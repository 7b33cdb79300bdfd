"""Paths that are no routes, methods that a path doesn't take, and heads that are hardly HTTP."""

from collections.abc import Callable

from hypothesis import strategies as st

from tests.differential.template import NOBODY, Field, RawTemplate, Template

_KNOWN = [
    "/healthz",
    "/readyz",
    "/api/users",
    "/api/users/me",
    "/api/users/1",
    "/api/auth/login",
    "/api/posts",
    "/api/posts/1",
    "/api/files",
    f"/api/files/{NOBODY}",
]

_METHODS = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "PATCH",
    "OPTIONS",
    "TRACE",
    "get",
    "Get",
    "PROPFIND",
    "X",
    "GETT",
    "QUERY",
]

_methods = st.sampled_from(_METHODS)

_BENT: list[Callable[[str], str]] = [
    lambda path: path + "/",
    lambda path: path.replace("/", "//", 1),
    lambda path: path.replace("/api", "/api/."),
    lambda path: path.replace("/api", "/api/../api"),
    lambda path: path.upper(),
    lambda path: path.replace("s", "%73", 1),
    lambda path: path + "%20",
    lambda path: path + "%00",
    lambda path: path + ";x=1",
    lambda path: path + "/..",
    lambda path: path + "/0",
    lambda path: path[:-1],
    lambda path: "/" + path,
    lambda path: path + ".json",
    lambda path: path.replace("/", "%2F"),
    lambda path: path + "?",
    lambda path: path + "?a=b&c",
    lambda path: path + "#x",
    lambda path: f"{path}/{NOBODY}",
    lambda path: "/v1" + path,
]


def _call(bend: Callable[[str], str], path: str) -> str:
    return bend(path)


_paths = st.sampled_from(_KNOWN) | st.builds(_call, st.sampled_from(_BENT), st.sampled_from(_KNOWN))
_paths |= st.sampled_from(
    ["/", "/*", "/api", "/api/", "/favicon.ico", "/metrics", "/debug/pprof/", "/.git/config", "/api/users/me/"]
)
_paths |= st.text(st.sampled_from("/ap.i-us~%2e5:@!$&'()*+,;=?"), max_size=20).map(lambda text: "/" + text)

_FIELDS: list[tuple[Field, ...]] = [
    (),
    (),
    (),
    (),
    (),
    (("Content-Type", b"application/json"),),
    (("Authorization", b"Bearer <<token:0>>"), ("Content-Type", b"application/json")),
    (("Authorization", b"Bearer x"),),
    (("Connection", b"keep-alive"),),
    (("X-Empty", b""),),
    tuple((f"X-{number}", b"v" * 100) for number in range(60)),
    (("X-Long", b"v" * 15_000),),
    (("Content-Type", b"application/json"), ("Content-Type", b"application/json")),
]

odd_routes = st.builds(
    Template,
    _methods,
    _paths,
    st.sampled_from(_FIELDS),
    st.sampled_from([None, None, None, b"", b"{}", b"x" * 100]),
)

_HEADS = [
    b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api/posts/1 HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\n\r\n",
    b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    b"GET /api/users/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer <<token:0>>\r\n\r\n",
    b"HEAD /api/users/1 HTTP/1.1\r\nHost: x\r\nX: y\r\n\r\n",
]

_INSERTS = [
    b"",
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b"\x00",
    b":",
    b"\x80",
    b"\xff",
    b"/",
    b"HTTP/1.1",
    b"\x0b",
    b"%",
    b'"',
    b"\\",
    b"\r\nContent-Length: 5",
    b"\r\nTransfer-Encoding: chunked",
    b"\r\nHost: y",
    b"\r\n ",
    b"\r\nX Y: z",
    b"\r\n: z",
    b"0",
]


def _bent_head(head: bytes, place: int, removed: int, insert: bytes) -> RawTemplate:
    return RawTemplate(_bend(head, place, removed, insert))


bent_heads = st.builds(
    _bent_head,
    st.sampled_from(_HEADS),
    st.integers(0, 120),
    st.integers(0, 3),
    st.sampled_from(_INSERTS),
)


def _bend(head: bytes, place: int, removed: int, insert: bytes) -> bytes:
    place %= len(head)
    if b"<<" in head and head.index(b"<<") - removed < place < head.index(b">>") + 2:
        place = head.index(b">>") + 2
    return head[:place] + insert + head[place + removed :]


_wrong = [
    b"GET\r\n\r\n",
    b"GET /healthz\r\n\r\n",
    b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost x\r\n\r\n",
    b"POST /api/users HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /api/users HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\n{}",
    b"POST /api/users HTTP/1.1\r\nHost: x\r\nContent-Length: 0x2\r\n\r\n{}",
    b"POST /api/users HTTP/1.1\r\nHost: x\r\nContent-Length: 2, 2\r\n\r\n{}",
    b"POST /api/users HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    b"POST /api/users HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551618\r\n\r\n{}",
    b"POST /api/users HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: nonsense\r\n\r\n",
    b"POST /api/users HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n",
    b"GET http://x/healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"CONNECT / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: " + b"v" * 21_000 + b"\r\n\r\n",
]

wrong_heads = st.sampled_from(_wrong).map(RawTemplate)
