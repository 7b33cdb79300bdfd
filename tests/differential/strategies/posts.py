"""Requests about posts."""

from hypothesis import strategies as st

from tests.differential.strategies import json_bodies, tokens
from tests.differential.strategies.texts import json_text
from tests.differential.strategies.tokens import Authorization
from tests.differential.template import NOBODY, Template

_SHORT = st.sampled_from([b'"t"', b'"A title"', b'"\xc3\xa9"', b'"\\u0041"'])

_GOOD = json_bodies.bodies({"title": _SHORT, "body": _SHORT})
_TEXTS = json_bodies.bodies({"title": json_text, "body": json_text})
_GOOD_ONLY = st.builds(lambda title, body: b'{"title":%s,"body":%s}' % (title, body), json_text, json_text)

_ids = st.sampled_from(["<<post:0>>", "<<post:0>>", "<<post:1>>", "<<post:2>>", str(NOBODY)])

_read_ids = _ids | st.sampled_from(
    ["1", "5000", "10000", "0", "01", "9223372036854775807", "9223372036854775808", "1e3"]
)


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
    lambda post, body, kind, cut, who: _write("PUT", f"/api/posts/{post}", body, kind, cut, who),
    _ids,
    _GOOD_ONLY | _GOOD | _TEXTS,
    json_bodies.content_types,
    json_bodies.cuts,
    tokens.mostly_valid,
)

deletions = st.builds(
    lambda post, who, body: Template("DELETE", f"/api/posts/{post}", who[0], body, None, who[1]),
    _ids,
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
]
_TAGS += [b"", b'"x"', b"w/<<tag:0>>", b"W/ <<tag:0>>", b"<<tag:0>><<tag:0>>", b'"x" <<tag:0>>', b'*, "x"', b"**"]
_TAGS += [
    b"<<post:0>>-1",
    b"'<<post:0>>-1'",
    b'"a,b", <<tag:0>>',
    b"<<tag:0>>;q=1",
    b"W/W/<<tag:0>>",
    b"\xc3\xa9",
    b" * ",
]
_TAGS += [b'"<<post:0>>-01"', b'"<<post:0>>-2"', b"W/*", b'"*"', b",", b'"a, <<tag:0>>, b"']

_conditions = st.lists(
    st.tuples(st.sampled_from(["If-None-Match", "if-none-match"]), st.sampled_from(_TAGS)), max_size=2
).map(tuple)

_ignored_fields = st.sampled_from(
    [
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
)

_methods = st.sampled_from(["GET", "GET", "GET", "HEAD"])

reads = st.builds(
    lambda method, post, conditions, others, query: Template(
        method, f"/api/posts/{post}{query}", (*conditions, *others)
    ),
    _methods,
    _read_ids,
    _conditions,
    _ignored_fields,
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

lists = st.builds(
    lambda method, pieces: Template(method, "/api/posts" + ("?" + "&".join(pieces) if pieces else "")),
    _methods,
    _pieces,
)

small_lists = st.builds(
    lambda limit, before: Template("GET", f"/api/posts?limit={limit}&before={before}"),
    st.integers(1, 5),
    st.integers(1, 10_001),
)
