"""Documents in JSON: what is written is read back, and any other text is refused."""

import importlib
import json
import pkgutil

import pytest
from pydantic import ValidationError

import documents
from documents.base import Document
from documents.errors import DocumentError
from tests.unit.documents.samples import EXAMPLES, INVENTORY, SECRETS

VERSIONED = tuple(example for example in EXAMPLES if "version" in type(example).model_fields)


def _all_documents() -> list[type[Document]]:
    for module in pkgutil.iter_modules(documents.__path__):
        importlib.import_module(f"documents.{module.name}")
    found: list[type[Document]] = []
    unseen: list[type[Document]] = [Document]
    while unseen:
        for child in unseen.pop().__subclasses__():
            if child.__module__.startswith("documents."):
                found.append(child)
                unseen.append(child)
    return found


def _name(example: Document) -> str:
    return type(example).__name__


@pytest.mark.parametrize("example", EXAMPLES, ids=_name)
def test_what_is_written_is_read_back(example: Document):
    text = example.to_json()
    assert text.endswith("}\n")
    assert type(example).from_json(text, name="x.json") == example
    assert type(example).from_json(text.encode(), name="x.json") == example


@pytest.mark.parametrize("example", EXAMPLES, ids=_name)
def test_unknown_member_is_refused_by_name(example: Document):
    content = json.loads(example.to_json()) | {"surprise": 1}
    with pytest.raises(DocumentError, match=r"x\.json is not a valid .*surprise: no such key"):
        type(example).from_json(json.dumps(content), name="x.json")


@pytest.mark.parametrize("example", VERSIONED, ids=_name)
def test_document_of_another_version_is_refused_by_name(example: Document):
    content = json.loads(example.to_json())
    version = content["version"]
    with pytest.raises(DocumentError, match=rf"x\.json is not a valid .*version: Input should be {version}"):
        type(example).from_json(json.dumps(content | {"version": version + 1}), name="x.json")


def test_every_document_describes_itself_as_a_json_schema():
    described = {document.__name__: document.model_json_schema() for document in _all_documents()}
    assert len(described) > 30
    for name, schema in described.items():
        assert schema["additionalProperties"] is False, name
        assert schema["description"], name
        json.dumps(schema)
    versioned = "Stack Inventory Protocol Plan Manifest CellRecord WrkResult Report OpenLoopPlan OpenLoopResult"
    for name in versioned.split():
        assert described[name]["properties"]["version"]["const"] == {"CellRecord": 3, "WrkResult": 2}.get(name, 1)


def test_every_document_is_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        INVENTORY.stack = "other"  # pyright: ignore[reportAttributeAccessIssue]
    assert all(document.model_config.get("frozen") for document in _all_documents())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("redis", "port"), "16379"),
        (("redis", "port"), 16379.0),
        (("size", "smaller"), "false"),
        (("cores", "api"), "0-2"),
        (("postgres", "settings"), {"fsync": True}),
        (("apis",), None),
    ],
)
def test_value_of_another_type_is_not_converted(path: tuple[str, ...], value: object):
    content = json.loads(INVENTORY.to_json())
    parent = content
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    with pytest.raises(DocumentError, match=rf"{'.'.join(path)}.*: Input should be"):
        type(INVENTORY).from_json(json.dumps(content), name="x.json")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"version": 1}', b"\xff"])
def test_text_that_is_no_inventory_is_refused_by_its_name(text: str | bytes):
    with pytest.raises(DocumentError, match=r"^the inventory is not a valid Inventory document: ") as refusal:
        type(INVENTORY).from_json(text, name="the inventory")
    assert len(str(refusal.value).splitlines()) == 1


def test_secrets_are_shown_by_no_repr():
    assert repr(SECRETS) == "Secrets(version=1)"
    assert "pg-secret" in SECRETS.to_json()
