"""What all documents share: frozen, strict, unknown members refused, and one way to and from JSON and YAML."""

import json
from typing import Annotated, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from documents.errors import DocumentError

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
"""A name of a stack, API, protocol or scenario: it becomes part of container and file names."""

Port = Annotated[int, Field(ge=1024, le=65535)]
"""A TCP port on the loopback interface that needs no privilege."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Document(BaseModel):
    """A frozen model that refuses unknown members and converts no type silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @classmethod
    def from_json(cls, text: str | bytes, *, name: str) -> Self:
        """Read the document from JSON text.

        Args:
            text: the JSON.
            name: the file's name, for messages.

        Raises:
            DocumentError: the text isn't JSON, or not of this document's shape; names each member at fault.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            faults = "; ".join(f"{_dotted(fault['loc'])}: {fault['msg']}" for fault in error.errors())
            raise DocumentError(f"{name} is not a valid {cls.__name__} document: {faults}.") from error

    def to_json(self) -> str:
        """Write the document as JSON, indented, members in the order of the model, with a final newline."""
        return self.model_dump_json(indent=2) + "\n"

    @classmethod
    def from_yaml(cls, text: str, *, name: str) -> Self:
        """Read the document from YAML text.

        Args:
            text: the YAML, one document.
            name: the file's name, for messages.

        Raises:
            DocumentError: the text isn't YAML, has a key twice, or isn't of this document's shape. Each fault is
                told as ``name:line: key: what is wrong``.
        """
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.YAMLError as error:
            raise DocumentError(f"{name} is not valid YAML: {' '.join(str(error).split())}.") from error
        if not isinstance(root, yaml.MappingNode):
            raise DocumentError(f"{name}:1: a {cls.__name__} document is a mapping of keys to values.")
        lines = _lines(root, (), name)
        try:
            return cls.model_validate_json(json.dumps(yaml.safe_load(text), default=str))
        except ValidationError as error:
            faults = (
                f"{name}:{_line_of(lines, fault['loc'])}: {_dotted(fault['loc'])}: {_explain(fault)}"
                for fault in error.errors()
            )
            raise DocumentError("\n".join(faults)) from error


_Location = tuple[int | str, ...]


def _dotted(location: _Location) -> str:
    return ".".join(str(part) for part in location) or "the document"


def _explain(fault: ErrorDetails) -> str:
    if fault["type"] == "extra_forbidden":
        return "no such key; remove it or mend its spelling"
    if fault["type"] == "missing":
        return "this key is missing"
    return fault["msg"]


def _lines(node: yaml.Node, location: _Location, name: str) -> dict[_Location, int]:
    """Map each location in the document to its line, counted from 1; a key given twice is refused."""
    lines = {location: node.start_mark.line + 1}
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in seen:
                raise DocumentError(f"{name}:{line}: {_dotted((*location, key.value))}: this key is given twice.")
            seen.add(key.value)
            lines |= _lines(value, (*location, key.value), name)
            lines[*location, key.value] = line
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            lines |= _lines(value, (*location, index), name)
    return lines


def _line_of(lines: dict[_Location, int], location: _Location) -> int:
    """The line of the location, or of the nearest parent that the text has (a missing key has no line)."""
    while location not in lines:
        location = location[:-1]
    return lines[location]
