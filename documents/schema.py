"""JSON Schemas of the documents, and tables of their fields for the docs; both come from the models alone."""

import inspect
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from documents.base import Document
from documents.report import Report, RunComparison
from documents.run import (
    CellClocks,
    CellRecord,
    Facts,
    HostRecord,
    HostTick,
    HostWatch,
    JournalEntry,
    Manifest,
    OpenLoopPlan,
    OpenLoopResult,
    Plan,
    Protocol,
    WrkResult,
)
from documents.stack import Implementation, Stack

SCHEMAS: dict[str, type[Document]] = {
    "stack": Stack,
    "protocol": Protocol,
    "implementation": Implementation,
    "manifest": Manifest,
    "host": HostRecord,
    "plan": Plan,
    "open-loop-plan": OpenLoopPlan,
    "journal": JournalEntry,
    "cell": CellRecord,
    "wrk": WrkResult,
    "open-loop": OpenLoopResult,
    "ticks": HostTick,
    "watch": HostWatch,
    "clocks": CellClocks,
    "report": Report,
    "compared": RunComparison,
    "facts": Facts,
}
"""The documents by the names of their files in `schemas/`: those that users write, then those of a run.

Of a `.jsonl` file it is the document of one line.
"""

WRITTEN: tuple[type[Document], ...] = (Stack, Protocol, Implementation)
"""The documents that users write; only their tables have the defaults."""

_ATTRIBUTES = "\n\nAttributes:\n"


def described(model: type) -> tuple[str, dict[str, str]]:
    """A class's docstring without its list of attributes, and what that list says of each."""
    fields: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if base is not BaseModel:
            _, _, listed = inspect.cleandoc(base.__doc__ or "").partition(_ATTRIBUTES)
            # A line that is indented further continues the entry above it.
            entries = re.sub(r"\n {8}", " ", listed)
            fields |= dict(re.findall(r"^ {4}(\w+): (.+)$", entries, flags=re.MULTILINE))
    text, _, _ = inspect.cleandoc(model.__doc__ or "").partition(_ATTRIBUTES)
    return " ".join(text.split()), fields


class _Generator(GenerateJsonSchema):
    """Takes descriptions from docstrings, and leaves out titles that only repeat a field's name."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        found = super().model_schema(schema)
        found["description"], fields = described(schema["cls"])
        members = found.get("properties", {})
        if unknown := fields.keys() - members:
            raise ValueError(f"{found['title']} has no field {', '.join(unknown)}, which its docstring describes.")
        for name, member in members.items():
            member.pop("title", None)
            if member.get("type") == "array":
                # Behind a validator, pydantic writes the bounds of a list as those of a text.
                member.pop("minLength", None)
            if name in fields:
                member["description"] = fields[name]
        return found

    def get_title_from_name(self, name: str) -> str:
        return name

    def generate(self, schema: CoreSchema, mode: Any = "validation") -> JsonSchemaValue:  # noqa: ANN401 - pydantic's own
        return {"$schema": self.schema_dialect, **super().generate(schema, mode)}


def schema_of(model: type[Document]) -> dict[str, Any]:
    """The JSON Schema of a document as it is read."""
    return model.model_json_schema(schema_generator=_Generator)


def schema_files() -> dict[str, str]:
    """The text of each file below `schemas/`, by its name."""
    return {
        f"{name}.schema.json": json.dumps(schema_of(model), indent=2, ensure_ascii=False) + "\n"
        for name, model in SCHEMAS.items()
    }


_REGION = re.compile(r"(?<=<!-- lab schema: )(?P<names>[^>]+)( -->\n).*?(?=<!-- end of lab schema -->)", re.DOTALL)


class FieldTables:
    """Writes the fields of documents as tables in Markdown; a model is only in the first table that needs it."""

    def __init__(self, roots: Iterable[type[Document]], texts: dict[str, str]) -> None:
        """Take the documents that a page may name, and finished texts by their name."""
        self._roots = {model.__name__: model for model in roots}
        self._texts = texts
        self._done: set[str] = set()

    def fill(self, text: str) -> str:
        """A page with its tables between ``<!-- lab schema: Manifest, Plan -->`` and ``<!-- end of lab schema -->``."""

        def region(found: re.Match[str]) -> str:
            names = found["names"].split(", ")
            content = self._texts[names[0]] if names[0] in self._texts else self._table(names)
            return f"{found['names']} -->\n\n{content}\n"

        return _REGION.sub(region, text)

    def _table(self, names: Sequence[str]) -> str:
        written = any(self._roots[name] in WRITTEN for name in names)
        columns = ("field", "type", "default", "") if written else ("field", "type", "")
        rows: list[Sequence[str]] = []
        for name in names:
            schema = schema_of(self._roots[name])
            definitions = {**schema.get("$defs", {}), name: schema}
            waiting = [name]
            while waiting:
                model = definitions[waiting.pop(0)]
                if (key := _key(model)) in self._done:
                    continue
                self._done.add(key)
                waiting += [one for one in _referred(model["properties"]) if "properties" in definitions[one]]
                rows.append((f"**{model['title']}**", *[""] * (len(columns) - 2), model["description"]))
                rows += _rows(model, definitions, written=written)
        return markdown_table(columns, rows)


def _rows(model: dict[str, Any], definitions: dict[str, Any], *, written: bool) -> Iterator[Sequence[str]]:
    """A row for each described field, then one for other fields of the same type, and one for those that are models."""
    alike: dict[tuple[str, ...], list[str]] = {}
    models: dict[str, str] = {}
    for name, member in model["properties"].items():
        if name == "version" and not written:
            continue
        kind = _kind(member, definitions, written=written)
        default = () if not written else ("required" if name in model.get("required", ()) else _default(member),)
        if meaning := member.get("description"):
            yield f"`{name}`", kind, *default, meaning
        elif "$ref" in member and not written and "properties" in definitions[_name(member)]:
            models[f"`{name}`"] = kind
        else:
            alike.setdefault((kind, *default), []).append(f"`{name}`")
    for kinds, names in alike.items():
        yield ", ".join(names), *kinds, ""
    if models:
        yield ", ".join(models), ", ".join(dict.fromkeys(models.values())), ""


def _kind(node: dict[str, Any], definitions: dict[str, Any], *, written: bool) -> str:  # noqa: PLR0911 - one for each
    """The type of a value in words; with its bounds if users write it."""

    def kind_of(inner: dict[str, Any]) -> str:
        return _kind(inner, definitions, written=written)

    if "$ref" in node:
        model = definitions[_name(node)]
        return model["title"] if "properties" in model else kind_of(model)
    if alternatives := node.get("anyOf") or node.get("oneOf"):
        return _one_of([kind_of(one) for one in alternatives])
    if values := node.get("enum") or ([node["const"]] if "const" in node else []):
        return _listed([f"`{value}`" for value in values], "or")
    match node.get("type"):
        case "array" if "prefixItems" in node:
            names = [item["title"] for item in node["prefixItems"] if "title" in item]
            return f"list of {_listed(names, 'and')}" if names else f"list of {len(node['prefixItems'])} numbers"
        case "array":
            return f"list of {_plural(kind_of(node['items']))}"
        case "object":
            values = [*node.get("patternProperties", {}).values(), node.get("additionalProperties", {})]
            return f"mapping of {_plural(kind_of(values[0]))}"
        case "integer" | "number" if written and "minimum" in node and "maximum" in node:
            return f"{node['minimum']} to {node['maximum']}"
        case "boolean":
            return "true or false"
        case "string":
            return "time" if node.get("format") == "date-time" else "text"
        case kind:
            return str(kind)


def _one_of(kinds: list[str]) -> str:
    if len(kinds) == 2 and kinds[1] == f"list of {_plural(kinds[0])}":
        return f"{kinds[0]}, or a list of them"
    words = [word for kind in kinds for word in kind.split(" or ")] if "null" in kinds else kinds
    return _listed(list(dict.fromkeys(words)), "or")


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    head, *others = ["| " + " | ".join(cells) + " |" for cells in (columns, *rows)]
    text = "\n".join([head, "|" + "---|" * len(columns), *others, ""])
    # One blank is enough for an empty cell.
    return text.replace("|  |", "| |").replace("|  |", "| |")


def _key(model: dict[str, Any]) -> str:
    # Two models may have the same name and other fields.
    return f"{model['title']}: {', '.join(model['properties'])}"


def _name(node: dict[str, Any]) -> str:
    return node["$ref"].rpartition("/")[2]


def _referred(node: object) -> list[str]:
    """The names of the definitions that a part of a schema refers to, in their order."""
    return re.findall(r'"\$ref": "#/\$defs/([^"]+)"', json.dumps(node))


def _default(member: dict[str, Any]) -> str:
    value = member.get("default", [])
    if value is None:
        return "none"
    if not value and isinstance(value, list | dict):
        return "empty"
    if isinstance(value, dict):
        return "its defaults"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _plural(kind: str) -> str:
    if kind in {"text", "integer", "number", "time"}:
        return f"{kind}s"
    return re.sub(r"^(list|mapping) of ", r"\1s of ", kind)


def _listed(values: Sequence[str], before_last: str) -> str:
    return f" {before_last} ".join([", ".join(values[:-1]), values[-1]] if len(values) > 1 else values)
