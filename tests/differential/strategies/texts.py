"""Texts as JSON strings, octet for octet: every kind of character, in every way of writing it."""

import json
from collections.abc import Callable

from hypothesis import strategies as st

INJECTIONS = (
    "'; DROP TABLE posts; --",
    "' OR '1'='1",
    '" OR ""="',
    "1; SELECT pg_sleep(3)--",
    "\\'; SELECT 1; --",
    "$1 %s %(x)s {0} {{7*7}} ${jndi:ldap://127.0.0.1/a}",
    '","version":99,"x":"',
    '"}{"title":"second"}',
    "\r\nSET post:1 x\r\n",
    "*1\r\n$8\r\nFLUSHALL\r\n",
    "\r\nX-Injected: yes\r\n\r\n",
    "<script>alert(1)</script>",
    "../../../etc/passwd",
    "%00%0d%0a",
    "\u202e\u2066\u200b\ufeff\ufffe\uffff",
    "\u2028\u2029\u0085\u00a0",
    "Ω≈ç√∫\u0301\u0301\u0301 ﷽ 𒐫 👩‍👩‍👧‍👦 🇩🇪",
    "\x7f\x1f\x01\x0b\x08\f\t\r\n",
    "\U0010ffff\U00010000\ud7ff\ue000",
    "I \u0130 \u0131 \xdf \u1e9e \ufb01 \u212a \u212b",
    "null",
    "0",
    "",
    " ",
    "\0",
    "a\0b",
)
"""Texts that some layer may take for something else than text."""

_CHARACTERS = st.characters(exclude_categories=["Cs"], include_characters='"\\/\0\x1f\x7f\u2028\U0001f600')

plain = st.text(_CHARACTERS, max_size=40)


def _repeated(unit: str, times: int) -> str:
    return unit * times


_LONG = st.builds(
    _repeated,
    st.sampled_from(["x", "é", "😀", "\\", '"', "\x01", " "]),
    st.sampled_from([199, 200, 201, 1_000, 19_999, 20_000, 20_001, 30_000]),
)


def _escaped(text: str) -> bytes:
    """Each character beyond ASCII escaped, pairs of surrogates included."""
    return json.dumps(text).encode()


def _fully_escaped(text: str) -> bytes:
    units = text.encode("utf-16-be")
    return b'"' + b"".join(b"\\u%02X%02x" % (units[i], units[i + 1]) for i in range(0, len(units), 2)) + b'"'


def _slashes_escaped(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).replace("/", "\\/").encode()


def _as_it_is(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode()


_WRITERS: list[Callable[[str], bytes]] = [_as_it_is, _escaped, _slashes_escaped]


def _written(writer: Callable[[str], bytes], text: str) -> bytes:
    return writer(text)


any_text = plain | st.sampled_from(INJECTIONS)

json_text = (
    st.builds(_written, st.sampled_from(_WRITERS), any_text)
    | st.builds(_fully_escaped, plain)
    | st.builds(_as_it_is, _LONG)
)
"""A JSON string that holds any text."""

bad_json_text = st.sampled_from(
    [
        b'"\\ud800"',
        b'"\\udc00\\ud800"',
        b'"\\ud83d\\ud83d\\ude00"',
        b'"\\ud83dx"',
        b'"\\ud83d\\n"',
        b'"\\uDFFF"',
        b'"\xff"',
        b'"\xc0\x80"',
        b'"\xed\xa0\x80"',
        b'"\xf4\x90\x80\x80"',
        b'"\xe2\x82"',
        b'"\xf0\x9f\x98"',
        b'"\x00"',
        b'"\n"',
        b'"\t"',
        b'"\x1f"',
        b'"\\x41"',
        b'"\\u00g0"',
        b'"\\u12"',
        b'"\\',
        b'"unterminated',
        b"'single'",
        b"bare",
    ]
)
"""What looks like a JSON string and is none, or one that is refused."""
