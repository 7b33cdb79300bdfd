"""The base of all documents: frozen, strict, without unknown members, and one way to and from JSON and YAML."""

import json
import re
from typing import Annotated, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from documents.errors import DocumentError

_NAME = r"^[a-z][a-z0-9-]{0,30}$"

Name = Annotated[str, Field(pattern=_NAME)]
"""A name of a stack, API, protocol or scenario: it becomes part of container and file names."""


def is_name(text: str) -> bool:
    """Whether a text can be a `Name`."""
    return re.fullmatch(_NAME, text) is not None


def _without_parents(path: str) -> str:
    if ".." in path.split("/"):
        raise ValueError("this must be a path inside the folder, without ..")
    return path


WithoutParents = AfterValidator(_without_parents)
"""Refuses a path that could lead out of its folder."""

Port = Annotated[int, Field(ge=1024, le=65535)]
"""A TCP port on the loopback interface that needs no privilege."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

Location = tuple[int | str, ...]
"""The keys and indexes that lead to a value in a document."""


class FaultyKeyError(ValueError):
    """The error of a validator that checks several keys; names the key at fault instead of their parent."""

    def __init__(self, location: Location, message: str) -> None:
        """Take the location, from the validator's model or field on, and what is wrong there."""
        super().__init__(message)
        self.location = location


class Document(BaseModel):
    """A frozen model that refuses unknown members and numbers that aren't finite, and converts no type silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes, *, name: str) -> Self:
        """Read the document from JSON text.

        Raises:
            DocumentError: the text isn't JSON, or isn't such a document; names each member at fault.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            faults = "; ".join(f"{_dotted(_location(fault))}: {explain(fault)}" for fault in error.errors())
            raise DocumentError(f"{name} is not a valid {cls.__name__} document: {faults}.") from error

    def to_json(self) -> str:
        """Write the document as JSON, indented, members in the order of the model, with a final newline."""
        return self.model_dump_json(indent=2) + "\n"

    @classmethod
    def from_yaml(cls, text: str, *, name: str) -> Self:
        """Read the document from YAML text.

        Raises:
            DocumentError: the text isn't YAML, has a key twice, has a value that JSON lacks (a date, an alias), or
                isn't such a document. Each fault is reported as ``name:line: key: what is wrong``.
        """
        root = _compose(text, name)
        try:
            return cls.model_validate_json(json.dumps(yaml.safe_load(text)))
        except ValidationError as error:
            faults = (f"{name}:{_place(root, _location(fault))}: {explain(fault)}" for fault in error.errors())
            raise DocumentError("\n".join(faults)) from error
        except ValueError as error:
            raise DocumentError(f"{name} has a number that can't be read: {error}.") from error


def line_of(text: str, location: Location) -> int:
    """The line, counted from 1, of a key in YAML text, or of its nearest parent that the text has."""
    return _find(_compose(text, "the document"), location)[0]


_JSON_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str"))


def _compose(text: str, name: str) -> yaml.MappingNode:
    """Parse the part of YAML that JSON can express; text keys, each once, and no references."""
    try:
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            if isinstance(token, (yaml.AnchorToken, yaml.AliasToken, yaml.TagToken)):
                raise DocumentError(
                    f"{name}:{token.start_mark.line + 1}: anchors, aliases and tags aren't allowed; write the value "
                    "itself."
                )
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise DocumentError(f"{name} is not valid YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(root, yaml.MappingNode):
        raise DocumentError(f"{name}:1: the document must be a mapping of keys to values.")
    _check(root, (), name)
    return root


def _check(node: yaml.Node, location: Location, name: str) -> None:
    """Refuse what JSON can't express: a value such as a date, a key that isn't text, a key given twice."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            place = f"{name}:{key.start_mark.line + 1}"
            if key.tag != "tag:yaml.org,2002:str":
                raise DocumentError(f"{place}: {_dotted(location)}: a key that isn't text; put it in quotes.")
            if key.value in seen:
                raise DocumentError(f"{place}: {_dotted((*location, key.value))}: this key is given twice.")
            seen.add(key.value)
            _check(value, (*location, key.value), name)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _check(value, (*location, index), name)
    elif node.tag not in _JSON_TAGS:
        kind = node.tag.rpartition(":")[2]
        raise DocumentError(
            f"{name}:{node.start_mark.line + 1}: {_dotted(location)}: YAML reads this as a {kind}; put it in quotes."
        )


def _find(root: yaml.Node, location: Location) -> tuple[int, Location]:
    """The line of a location, and the location in the text.

    Pydantic's locations also name the tried member of a union, which isn't in the text and is left out. A missing key
    is kept, with its parent's line.
    """
    node, line = root, root.start_mark.line + 1
    known: list[int | str] = []
    for index, part in enumerate(location):
        found = _child(node, part)
        if found is not None:
            line, node = found
            known.append(part)
        elif isinstance(node, yaml.MappingNode) and index == len(location) - 1:
            known.append(part)
    return line, tuple(known)


def _child(node: yaml.Node, part: int | str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == part:
                return key.start_mark.line + 1, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark.line + 1, node.value[part]
    return None


def _place(root: yaml.Node, location: Location) -> str:
    line, known = _find(root, location)
    return f"{line}: {_dotted(known)}"


def _location(fault: ErrorDetails) -> Location:
    context = fault.get("ctx", {})
    raised = context.get("error")
    if isinstance(raised, FaultyKeyError):
        return fault["loc"] + raised.location
    if fault["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        # The key that distinguishes the models of a union; pydantic names only its parent.
        return (*fault["loc"], context["discriminator"].strip("'"))
    return fault["loc"]


def _dotted(location: Location) -> str:
    return ".".join(map(str, location)) or "the document"


def explain(fault: ErrorDetails) -> str:
    """The fault of a key, in words without its location."""
    if fault["type"] == "extra_forbidden":
        return "no such key; remove it or fix its spelling"
    if fault["type"] in {"missing", "union_tag_not_found"}:
        return "this key is missing"
    if fault["type"] == "union_tag_invalid":
        *others, last = fault.get("ctx", {})["expected_tags"].split(", ")
        return f"Input should be {', '.join(others)} or {last}"
    return fault["msg"].removeprefix("Value error, ")


_DURATION = re.compile(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?", re.ASCII)


def parse_duration(text: str) -> int:
    """Read hours and minutes, and return whole seconds.

    Raises:
        ValueError: it has another form, or is zero; says how to write one.
    """
    found = _DURATION.fullmatch(text)
    hours, minutes = (int(part or 0) for part in found.groups()) if found else (0, 0)
    if hours == minutes == 0:
        raise ValueError(f"{text!r} isn't a length of time. Write it in hours and minutes: 2h, 90m or 1h30m.")
    return 3600 * hours + 60 * minutes


def format_duration(seconds: float) -> str:
    """Write a length of time in hours and whole minutes, as `parse_duration` reads it; minutes are rounded up."""
    minutes = -int(-seconds // 60)
    hours, rest = divmod(minutes, 60)
    return f"{f'{hours}h' if hours else ''}{f'{rest}m' if rest or not hours else ''}"
