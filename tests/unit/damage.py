"""Damaged files and answers: changed bytes, and JSON with members of any kind."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from tests.conftest import NIGHTLY

Key = str | int
Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None

numbers = st.one_of(
    st.integers(min_value=-3, max_value=3),
    st.integers(),
    st.sampled_from([2**31, 2**53, 2**63, 2**64, 10**30, 10**400]),
    st.floats(),
)

values = st.one_of(numbers, st.none(), st.booleans(), st.text(max_size=20), st.lists(numbers, max_size=3))

TRAPS = (
    "\ufeff",
    "\r\n",
    "\0",
    "٣",
    "\uff11\uff12",
    "-",
    "-1",
    "NaN",
    "Infinity",
    "1e999",
    "9" * 30,
    "9" * 5000,
    " ",
    "\n",
    "\x85",
)
"""What makes a careless reader of text stumble: marks, line ends, digits that aren't ASCII's, numbers out of bounds."""


def examples(number: int) -> settings:
    """Settings for a property that is tried with damaged data.

    At night it is tried with `number` random examples; in the gate with a twentieth of them, the same each time.
    """
    return settings(max_examples=number if NIGHTLY else max(number // 20, 5), derandomize=not NIGHTLY)


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """The bytes with a few spots overwritten, removed, doubled or cut off."""
    for _ in range(draw(st.integers(min_value=1, max_value=3))):
        start = draw(st.integers(min_value=0, max_value=len(data)))
        end = min(start + draw(st.integers(min_value=0, max_value=40)), len(data))
        middle = draw(
            st.one_of(
                st.binary(max_size=6),
                st.just(data[start:end] * 2),
                st.text("0123456789,-e.", max_size=22).map(str.encode),
            )
        )
        data = data[:start] + middle + (b"" if draw(st.booleans()) and draw(st.booleans()) else data[end:])
    return data


@st.composite
def garbled(draw: st.DrawFn, text: str) -> str:
    """A text with lines left out, doubled or in another order, cut off, or with a trap in the place of a word."""
    for _ in range(draw(st.integers(min_value=1, max_value=2))):
        lines = text.split("\n")
        place = draw(st.integers(min_value=0, max_value=len(lines) - 1))
        match draw(st.sampled_from(["drop", "double", "shuffle", "cut", "trap", "word"])):
            case "drop":
                del lines[place]
            case "double":
                lines.insert(draw(st.integers(min_value=0, max_value=len(lines))), lines[place])
            case "shuffle":
                lines = draw(st.permutations(lines))
            case "cut":
                lines = ["\n".join(lines)[: draw(st.integers(min_value=0, max_value=len(text)))]]
            case "trap":
                at = draw(st.integers(min_value=0, max_value=len(lines[place])))
                lines[place] = lines[place][:at] + draw(st.sampled_from(TRAPS)) + lines[place][at:]
            case _:
                words = lines[place].split(" ")
                words[draw(st.integers(min_value=0, max_value=len(words) - 1))] = draw(st.sampled_from(TRAPS))
                lines[place] = " ".join(words)
        text = "\n".join(lines)
    return text


def members(found: Json, path: tuple[Key, ...] = ()) -> list[tuple[Key, ...]]:
    """The paths of all members of a JSON value."""
    inner: list[tuple[Key, Json]] = []
    if isinstance(found, dict):
        inner += found.items()
    elif isinstance(found, list):
        inner += enumerate(found)
    return [path, *(place for key, value in inner for place in members(value, (*path, key)))]


@st.composite
def altered(draw: st.DrawFn, text: bytes) -> bytes:
    """The JSON with one or two members replaced by values of any kind, or left out."""
    document: Any = json.loads(text)
    for _ in range(draw(st.integers(min_value=1, max_value=2))):
        places = [path for path in members(document) if path]
        if not places:
            break
        place = draw(st.sampled_from(places))
        holder = document
        for key in place[:-1]:
            holder = holder[key]
        if draw(st.integers(min_value=0, max_value=4)) == 0:
            del holder[place[-1]]
        else:
            holder[place[-1]] = draw(values)
    return json.dumps(document).encode()


def numbers_in(found: object) -> Iterator[float]:
    """Every number in a tree of documents, tuples and mappings."""
    match found:
        case bool():
            return
        case int() | float():
            yield found
        case Mapping():
            for key, value in found.items():  # pyright: ignore[reportUnknownVariableType] # of any kind
                yield from numbers_in(key)  # pyright: ignore[reportUnknownArgumentType]
                yield from numbers_in(value)  # pyright: ignore[reportUnknownArgumentType]
        case tuple() | list() | set() | frozenset():
            for value in found:  # pyright: ignore[reportUnknownVariableType] # of any kind
                yield from numbers_in(value)  # pyright: ignore[reportUnknownArgumentType]
        case _:
            yield from numbers_in(getattr(found, "__dict__", ()))
