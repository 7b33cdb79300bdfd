"""JSON bodies of any kind around members that are given."""

from collections.abc import Mapping

from hypothesis import strategies as st

from tests.differential.strategies.texts import bad_json_text, json_text

_OTHER_VALUES = st.sampled_from(
    [
        b"null",
        b"true",
        b"false",
        b"0",
        b"-0",
        b"1e400",
        b"-1.5E-7",
        b"123456789012345678901234567890",
        b"9" * 400,
        b"[]",
        b"{}",
        b'{"title":"a","title":"b"}',
        b"[[[[[[[[]]]]]]]]",
        b"[" * 31 + b"]" * 31,
        b"[" * 32 + b"]" * 32,
        b'{"a":' * 31 + b"1" + b"}" * 31,
        b'{"a":' * 32 + b"1" + b"}" * 32,
        b'["[","{","\\"["]',
    ]
)

_BAD_VALUES = st.sampled_from(
    [
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"01",
        b"+1",
        b".5",
        b"1.",
        b"0x10",
        b"1e",
        b"--1",
        b"- 1",
        b"TRUE",
        b"None",
        b"undefined",
        b"[1,]",
        b"[,1]",
        b"{,}",
        b'{"a"}',
        b'{"a":}',
        b"{a:1}",
        b"[1 2]",
        b"\xef\xbb\xbf1",
        b"1 // x",
        b"/* x */ 1",
        b"[" * 300,
        b"[" * 5000 + b"]" * 5000,
        b"",
        b",",
        b"}",
        b"\\u0031",
    ]
)

_IGNORED_NAMES = st.sampled_from(
    [
        b'"x"',
        b'"Title"',
        b'"TITLE"',
        b'" title"',
        b'"title\\u0000"',
        b'""',
        b'"id"',
        b'"author"',
        b'"version"',
        b'"is_admin"',
        b'"__proto__"',
        b'"\\u00e9"',
        b'"\xc3\xa9"',
        b'"t\\u0131tle"',
        b'"emai\\u006c "',
    ]
)

_BLANKS = st.sampled_from([b"", b" ", b"\n", b"\r\n", b"\t", b" \t\r\n "])
_BAD_BLANKS = st.sampled_from([b"\x0b", b"\x0c", b"\xc2\xa0", b"\xef\xbb\xbf", b"\x00", b"\xe2\x80\x83", b"//\n", b";"])


def _object(pairs: list[tuple[bytes, bytes]], blank: bytes, around: bytes) -> bytes:
    between = blank + b"," + blank
    members = between.join(name + blank + b":" + blank + value for name, value in pairs)
    return around + b"{" + blank + members + blank + b"}" + around


def _escaped_name(name: str) -> bytes:
    return b'"' + b"".join(b"\\u%04x" % ord(character) for character in name) + b'"'


def _followed(body: bytes, tail: bytes) -> bytes:
    return body + tail


def _padded(body: bytes, size: int) -> bytes:
    return body.ljust(size)


def bodies(good: Mapping[str, st.SearchStrategy[bytes]]) -> "st.SearchStrategy[bytes]":
    """Bodies around the members of `good`, by name; each value is a JSON text that the route takes, or nearly so."""
    names = list(good)
    whole = st.tuples(*good.values()).map(
        lambda values: [(f'"{name}"'.encode(), value) for name, value in zip(names, values, strict=True)]
    )
    known_name = st.sampled_from(names)
    spelled = known_name.map(lambda name: f'"{name}"'.encode()) | known_name.map(_escaped_name)
    extra = st.lists(
        st.tuples(_IGNORED_NAMES, _OTHER_VALUES | json_text), max_size=3, unique_by=lambda pair: pair[0].lower()
    )
    any_member = st.tuples(spelled | _IGNORED_NAMES, _OTHER_VALUES | json_text | bad_json_text | _BAD_VALUES)
    members = (
        whole
        | st.tuples(whole, extra).map(lambda both: both[1] + both[0])
        | st.tuples(whole, st.lists(any_member, min_size=1, max_size=2)).map(lambda both: both[0] + both[1])
        | st.tuples(whole, known_name, any_member).map(
            lambda three: [pair for pair in three[0] if pair[0] != f'"{three[1]}"'.encode()] + [three[2]]
        )
        | st.lists(any_member, max_size=3)
    )
    written = st.builds(_object, whole, st.just(b""), st.just(b"")) | st.builds(_object, members, _BLANKS, _BLANKS)
    return (
        written
        | st.builds(_object, whole, _BAD_BLANKS, st.just(b""))
        | st.builds(_object, whole, st.just(b""), _BAD_BLANKS)
        | st.builds(_spoiled, written, st.integers(0, 2_000), st.sampled_from(_INSERTS), st.integers(0, 2))
        | st.builds(_followed, written, st.sampled_from([b"{}", b"x", b",", b"\x00", b"]", b"}"]))
        | _OTHER_VALUES
        | _BAD_VALUES
        | bad_json_text
        | st.builds(_padded, written, _SIZES)
        | st.binary(max_size=60)
    )


_INSERTS = [b"", b'"', b"\\", b",", b"{", b"}", b"\xff", b"\x00", b"\x80", b" ", b"e", b"\\u", b"\xf0\x9f", b":", b"["]
_SIZES = st.sampled_from([65_535, 65_536, 65_537, 70_000])


def _spoiled(body: bytes, place: int, insert: bytes, removed: int) -> bytes:
    """A body with some octets removed at a place and others put there; holes stay whole."""
    place %= len(body) + 1
    if b"<<" in body:
        place = min(place, body.index(b"<<"))
        removed = min(removed, body.index(b"<<") - place)
    return body[:place] + insert + body[place + removed :]


content_types = st.sampled_from(
    [b"application/json"] * 12
    + [b"Application/JSON", b"application/json; charset=utf-8", b"application/json;charset=latin-1"]
    + [b"application/json ;x", b"application/json\t;", b"\tapplication/json ", b"application/json;;;", b""]
    + [b"application/json, application/json", b"text/json", b"application/jsonx", b"application/ json", b"text/plain"]
    + [b"application/problem+json", b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=x"]
    + [b"application/json/", b'"application/json"', b"*/*", b";application/json", b"application"]
)

cuts = st.none() | st.none() | st.none() | st.lists(st.integers(0, 70_000), max_size=5).map(tuple)
"""Where a chunked body is cut; mostly it isn't chunked."""
