"""Programs of requests, drawn at random: mostly correct ones, and each kind of wrong and free ones."""

from collections.abc import Callable
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from apis.contract.checks.context import NOBODY
from apis.contract.checks.wire import PNG
from tests.differential.model import FILE_MAXIMUM, JSON_MAXIMUM
from tests.differential.steps import Form, Headers, Json, Step, Token
from tests.hostile import inputs

_Drawn = TypeVar("_Drawn")


def _mostly(usual: SearchStrategy[_Drawn], seldom: SearchStrategy[_Drawn]) -> SearchStrategy[_Drawn]:
    """The usual nine times out of ten."""
    return st.integers(0, 9).flatmap(lambda number: seldom if number == 9 else usual)


_CHARACTERS = st.characters(exclude_categories=["Cs"], include_characters='"\\/\x1f\x7f\u2028\U0001f600')
_LENGTHS = st.sampled_from([1, 199, 200, 201, 19_999, 20_000, 20_001])
_UNITS = st.sampled_from(["x", "é", "😀", "\\", '"', "\x01", " "])
_long = st.tuples(_UNITS, _LENGTHS).map(lambda both: both[0] * both[1])
_texts = st.text(_CHARACTERS, min_size=1, max_size=40) | st.sampled_from(inputs.INJECTIONS) | _long

_bad_tokens: SearchStrategy[Token | None] = st.none() | st.sampled_from([inputs.NO_USER, *inputs.BAD_TOKENS])
_tokens = _mostly(st.sampled_from(inputs.GOOD_TOKENS), _bad_tokens)
_bad_types = ["", "text/plain", "text/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
_media_types: SearchStrategy[str | None] = _mostly(
    st.sampled_from([None, None, "application/json; charset=utf-8"]), st.sampled_from(_bad_types)
)


def _json(members: dict[str, SearchStrategy[str]]) -> SearchStrategy[Json]:
    """Bodies with these members, right and wrong."""
    good = st.fixed_dictionaries(members)
    more = st.sampled_from([{"x": 1}, {"id": 1, "version": 99, "author_id": 1}, {"__proto__": {"a": [None]}}, {"": ""}])
    bad = st.sampled_from(inputs.BAD_TEXTS)
    broken = st.fixed_dictionaries({}, optional={name: text | bad for name, text in members.items()})
    return st.one_of(
        st.builds(Json, good, ascii=st.booleans()),
        st.builds(Json, st.tuples(good, more).map(lambda both: {**both[0], **both[1]})),
        st.builds(Json, broken, ascii=st.booleans()),
        st.builds(Json, good, size=st.sampled_from([JSON_MAXIMUM - 1, JSON_MAXIMUM, JSON_MAXIMUM + 1, 70_000])),
        st.sampled_from(inputs.NOT_JSON).map(lambda octets: Json(octets=octets, verdict="wrong")),
        st.sampled_from(inputs.open_json(dict.fromkeys(members, "a text"))),
    )


_short = st.sampled_from(["t", "A title", "é"])
_written = st.builds(Json, st.fixed_dictionaries({"title": _texts, "body": _texts}), ascii=st.booleans())
_contents: SearchStrategy[Json | Form | None] = _mostly(
    _written | _json({"title": _short | _texts, "body": _short | _texts}), st.none() | st.just(inputs.GOOD_FORMS[0])
)
_ids = st.sampled_from(["17", str(NOBODY), "9223372036854775807", *inputs.BAD_IDS])
_known_posts = st.sampled_from(["<<post:0>>", "<<post:0>>", "<<post:1>>", "<<post:2>>"])
_post_paths = _mostly(_known_posts, _ids).map(lambda post: f"/api/posts/{post}")

_HARMLESS: list[Headers] = [(), (), (("X-Forwarded-For", "127.0.0.1"),), (("Cookie", "a=b"),)]
_UNREAD: list[Headers] = [*_HARMLESS, (("Authorization", "Bearer nonsense"),)]
_TAGS = ("*", "W/<<tag:0>>", '"x", <<tag:0>>', "<<post:0>>-1", "\udcff")
_free: list[Headers] = [(("Range", "bytes=0-3"),), (("Accept", "text/html"),), (("Accept-Encoding", "gzip, br"),)]
_free += [(("If-None-Match", tag),) for tag in _TAGS]


def _write(method: str, path: SearchStrategy[str]) -> SearchStrategy[Step]:
    return st.builds(
        Step,
        method=st.just(method),
        path=path,
        token=_tokens,
        body=_contents,
        media_type=_media_types,
        headers=st.sampled_from(_HARMLESS),
        is_chunked=_mostly(st.just(value=False), st.just(value=True)),
    )


_deletions = st.builds(Step, st.just("DELETE"), _post_paths, token=_tokens)

_CONDITIONS = st.sampled_from([(("If-None-Match", tag),) for tag in ("<<tag:0>>", "<<tag:1>>", '"x-1"')])
_seeded = st.integers(1, 10_000).map(lambda post: f"/api/posts/{post}?x=1&limit=0")
_reads = st.one_of(
    st.builds(Step, st.just("GET"), _post_paths, headers=_CONDITIONS),
    st.builds(Step, st.just("GET"), _post_paths | _seeded, headers=st.sampled_from(_UNREAD)),
    st.builds(Step, st.just("GET"), _post_paths, headers=st.sampled_from(_UNREAD)),
    st.builds(Step, st.just("GET"), _post_paths, headers=st.sampled_from(_free), is_open=st.just(value=True)),
)

_limits = st.sampled_from(
    ["1", "2", "20", "99", "100", "0", "101", "-1", "+5", "05", "5.0", "%35", "1e1", "x", "18446744073709551617"]
)
_befores = st.integers(1, 10_001).map(str) | st.sampled_from(
    ["9223372036854775807", "9223372036854775808", "0", "-1", "x"]
)
_pieces = _limits.map(lambda text: f"limit={text}") | _befores.map(lambda text: f"before={text}")
_queries = st.lists(_pieces | st.sampled_from(["x=1", "limits=0", "limit="]), max_size=3).map("&".join)
_lists = _queries.map(lambda query: Step("GET", f"/api/posts?{query}" if query else "/api/posts"))

_all_tokens = st.sampled_from([*inputs.GOOD_TOKENS, *inputs.OPEN_TOKENS, inputs.NO_USER, *inputs.BAD_TOKENS])
_selves = _all_tokens.map(lambda token: Step("GET", "/api/users/me", token))
_user_ids = st.integers(1, 1_000).map(str) | st.sampled_from(["<<user:0>>", "<<user:2>>"]) | _ids
_user_reads = _user_ids.map(lambda user: Step("GET", f"/api/users/{user}"))

_DOMAIN = "@" + ".".join(("d" * 63, "d" * 63, "d" * 61))
_emails = st.sampled_from(
    [
        *("<<nonce>>@example.test", "A.B+<<nonce>>@Example.TEST", "<<nonce>>" + "l" * 54 + _DOMAIN),
        *("<<EMAIL:0>>", "User_0500@example.test"),
    ]
)
_bad_emails = st.sampled_from(
    [
        *("<<nonce>>" + "l" * 55 + _DOMAIN, "a\0@b.test", "", "nobody", "<<nonce>>@@x.test", "é<<nonce>>@x.test"),
        *("'--@x", "a b@example.test"),
    ]
)
_usernames = st.sampled_from(["u<<nonce>>", "<<nonce>>_", "<<nonce>>" + "x" * 22, "<<name:0>>", "user_0001"])
_bad_usernames = st.sampled_from(["", "ab", "U<<nonce>>", "<<nonce>>-", "<<nonce>>" + "x" * 23, " <<nonce>>", "ab\0c"])
_passwords = st.sampled_from(["password", "p" * 72, "ü" * 36, "\x01\x1f 7 bytes", "'; DROP TABLE"])
_bad_passwords = st.sampled_from(["", "1234567", "p" * 73, "ü" * 37, "12345678\0", "😀"])


def _register(username: str, email: str, password: str) -> Step:
    return Step("POST", "/api/users", body=Json({"username": username, "email": email, "password": password}))


def _log_in(email: str, password: str) -> Step:
    return Step("POST", "/api/auth/login", body=Json({"email": email, "password": password}))


_registrations = st.builds(_register, _usernames, _emails, _passwords)
_bad_registrations = st.builds(
    _register, _bad_usernames, _emails | _bad_emails, _passwords | _bad_passwords
) | st.builds(
    Step,
    st.just("POST"),
    st.sampled_from(["/api/users", "/api/auth/login"]),
    body=_json({"username": _bad_usernames, "email": _bad_emails, "password": _bad_passwords}),
    media_type=_media_types,
)
_logins = st.builds(
    _log_in,
    st.sampled_from(["<<email:0>>", "<<EMAIL:0>>", "<<email:2>>", "user_0007@example.test", "nobody@example.test"]),
    st.sampled_from(["<<password:0>>", "<<password:2>>", "seeded password 7", "seeded password 7 ", "passẅord"]),
)

_large = st.sampled_from([FILE_MAXIMUM, FILE_MAXIMUM + 1]).map(inputs.JPEG.ljust)
_forms: SearchStrategy[Json | Form | None] = st.one_of(
    st.sampled_from(inputs.GOOD_FORMS),
    st.sampled_from(inputs.GOOD_FORMS),
    st.sampled_from(inputs.FILE_NAMES).map(lambda name: Form(name, PNG)),
    st.sampled_from(inputs.OPEN_FORMS),
    st.sampled_from(inputs.BAD_FORMS),
    _mostly(st.sampled_from(inputs.BAD_FORMS), _large.map(lambda file: Form(content=file, declared="image/jpeg"))),
)
_uploads = st.builds(
    Step,
    st.just("POST"),
    st.just("/api/files"),
    token=_tokens,
    body=_mostly(_forms, st.none() | st.just(Json({"file": "a"}))),
    is_chunked=_mostly(st.just(value=False), st.just(value=True)),
)
_files = st.sampled_from(["<<file:0>>", "<<file:1>>", "<<file:2>>", str(NOBODY), *inputs.BAD_IDS])
_downloads = _files.map(lambda file: Step("GET", f"/api/files/{file}"))

_KNOWN = ["/healthz", "/readyz", "/api/users", "/api/users/me", "/api/users/1", "/api/auth/login", "/api/posts/1"]
_UNKNOWN = ["/", "/*", "/api", "/favicon.ico", "/metrics", "/debug/pprof", "/.git/config", "/api/users/1/posts"]
_BENT: list[Callable[[str], str]] = [
    lambda path: path + "/",
    lambda path: path.replace("/", "//", 1),
    lambda path: path.upper(),
    lambda path: path.replace("s", "%73", 1),
    lambda path: path + "%00",
    lambda path: path + "/0/1/2",
    lambda path: "/v1" + path,
]


_odd = st.one_of(
    st.builds(Step, st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]), st.sampled_from(_KNOWN)),
    st.builds(Step, st.sampled_from(["HEAD", "OPTIONS"]), st.sampled_from(_KNOWN)),
    st.builds(Step, st.sampled_from(["GET", "POST", "DELETE"]), st.sampled_from(_UNKNOWN)),
    st.tuples(st.sampled_from(_BENT), st.sampled_from(_KNOWN)).map(lambda both: Step("GET", both[0](both[1]))),
    st.sampled_from(inputs.FREE_IDS).map(lambda text: Step("GET", f"/api/posts/{text}")),
)

_SHARES: list[tuple[int, SearchStrategy[Step]]] = [
    (18, _reads),
    (14, _write("POST", st.just("/api/posts"))),
    (14, _write("PUT", _post_paths)),
    (5, _deletions),
    (10, _lists),
    (8, _selves),
    (4, _user_reads),
    (1, _registrations),
    (5, _bad_registrations),
    (1, _logins),
    (12, _uploads),
    (6, _downloads),
    (8, _odd),
]
"""In hundredths or so of all requests. Passwords cost much to hash."""

steps = st.sampled_from([strategy for share, strategy in _SHARES for _ in range(share)]).flatmap(lambda one: one)

programs = st.lists(steps, min_size=2, max_size=30)
"""Six requests on average: long enough for a post to be made, read, changed and read again."""
