"""Requests about posts."""

from hypothesis import strategies as st

from tests.differential.strategies import json_bodies, tokens
from tests.differential.strategies.texts import json_text
from tests.differential.strategies.tokens import Authorization
from tests.differential.template import NOBODY, Field, Template

_SHORT = st.sampled_from([b'"t"', b'"A title"', b'"\xc3\xa9"', b'"\\u0041"'])

_GOOD = json_bodies.bodies({"title": _SHORT, "body": _SHORT})
_TEXTS = json_bodies.bodies({"title": json_text, "body": json_text})


def _content(title: bytes, body: bytes) -> bytes:
    return b'{"title":%s,"body":%s}' % (title, body)


_GOOD_ONLY = st.builds(_content, json_text, json_text)

_ids = st.sampled_from(["<<post:0>>", "<<post:0>>", "<<post:1>>", "<<post:2>>", str(NOBODY)])

_read_ids = _ids | st.sampled_from(
    ["1", "5000", "10000", "0", "01", "9223372036854775807", "9223372036854775808", "1e3"]
)


def _path(post: str) -> str:
    return f"/api/posts/{post}"


def _write(  # noqa: PLR0917 - the parts of a request, in its order
    method: str, path: str, body: bytes, kind: bytes, cut: tuple[int, ...] | None, who: Authorization
) -> Template:
    return Template(method, path, (("Content-Type", kind), *who[0]), body, cut, who[1])


_json = st.just(b"application/json")

creations = st.builds(
    _write, st.just("POST"), st.just("/api/posts"), _GOOD_ONLY, _json, json_bodies.cuts, tokens.users.map(tokens.valid)
) | st.builds(
    _write,
    st.just("POST"),
    st.just("/api/posts"),
    _GOOD | _TEXTS,
    json_bodies.content_types,
    json_bodies.cuts,
    tokens.mostly_valid,
)

updates = st.builds(
    _write,
    st.just("PUT"),
    _ids.map(_path),
    _GOOD_ONLY | _GOOD | _TEXTS,
    json_bodies.content_types,
    json_bodies.cuts,
    tokens.mostly_valid,
)


def _deletion(path: str, who: Authorization, body: bytes | None) -> Template:
    return Template("DELETE", path, who[0], body, None, who[1])


deletions = st.builds(
    _deletion,
    _ids.map(_path),
    tokens.mostly_valid,
    st.sampled_from([None, None, None, b"", b"ignored", b"{"]),
)

_TAGS = [
    b"<<tag:0>>",
    b"W/<<tag:0>>",
    b"*",
    b'"x", <<tag:0>>',
    b'W/"x",\t<<tag:0>> ,"y"',
    b",,<<tag:0>>,",
    b"<<tag:1>>",
    b"",
    b'"x"',
    b"w/<<tag:0>>",
    b"W/ <<tag:0>>",
    b"<<tag:0>><<tag:0>>",
    b'"x" <<tag:0>>',
    b'*, "x"',
    b"**",
    b"<<post:0>>-1",
    b"'<<post:0>>-1'",
    b'"a,b", <<tag:0>>',
    b"<<tag:0>>;q=1",
    b"W/W/<<tag:0>>",
    b"\xc3\xa9",
    b" * ",
    b'"<<post:0>>-01"',
    b'"<<post:0>>-2"',
    b"W/*",
    b'"*"',
    b",",
    b'"a, <<tag:0>>, b"',
]

_conditions = st.lists(
    st.tuples(st.sampled_from(["If-None-Match", "if-none-match"]), st.sampled_from(_TAGS)), max_size=2
)

_IGNORED_FIELDS: list[tuple[Field, ...]] = [
    (),
    (),
    (),
    (("Range", b"bytes=0-3"),),
    (("If-Modified-Since", b"Sat, 01 Jan 2050 00:00:00 GMT"),),
    (("If-Match", b'"x"'),),
    (("Accept", b"text/html"),),
    (("Accept-Encoding", b"gzip, br"),),
    (("Origin", b"http://example.test"),),
    (("Authorization", b"Bearer nonsense"),),
    (("X-Forwarded-For", b"127.0.0.1"), ("X-HTTP-Method-Override", b"DELETE")),
    (("Cookie", b"a=b"),),
    (("TE", b"trailers"),),
]

_methods = st.sampled_from(["GET", "GET", "GET", "HEAD"])


def _read(method: str, path: str, conditions: list[Field], others: tuple[Field, ...], query: str) -> Template:
    return Template(method, path + query, (*conditions, *others))


reads = st.builds(
    _read,
    _methods,
    _read_ids.map(_path),
    _conditions,
    st.sampled_from(_IGNORED_FIELDS),
    st.sampled_from(["", "", "", "?", "?limit=0", "?x=%zz"]),
)

_limits = st.sampled_from(
    ["1", "2", "20", "99", "100", "0", "101", "-1", "+5", "05", "5.0", "", "%35", "1e1", "x", "5;"]
)
_befores = st.sampled_from(
    [
        "1",
        "2",
        "51",
        "10001",
        "5000",
        "9223372036854775807",
        "9223372036854775808",
        "0",
        "-1",
        "01",
        "",
        "x",
        "%31",
        "1" * 30,
    ]
)
_pieces = st.lists(
    _limits.map(lambda value: f"limit={value}")
    | _befores.map(lambda value: f"before={value}")
    | st.sampled_from(
        ["limit", "before", "", "=", "x=1", "LIMIT=0", "l%69mit=0", "limit[]=7", "before=1=2", "limit=5?", "&"]
    ),
    max_size=4,
)


def _list(method: str, pieces: list[str]) -> Template:
    return Template(method, "/api/posts" + ("?" + "&".join(pieces) if pieces else ""))


def _small_list(limit: int, before: int) -> Template:
    return Template("GET", f"/api/posts?limit={limit}&before={before}")


lists = st.builds(_list, _methods, _pieces)

small_lists = st.builds(_small_list, st.integers(1, 5), st.integers(1, 10_001))
