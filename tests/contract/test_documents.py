"""CONTRACT.md, openapi.yaml, the texts in the checks and their table of routes say the same."""

import re
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml

from apis.contract.checks import problems
from apis.contract.checks.answers import (
    AccessToken,
    Account,
    Author,
    Health,
    Post,
    PostPage,
    Readiness,
    StoredFile,
    User,
)
from apis.contract.checks.errors import ALLOW
from documents.base import Document

CONTRACT = Path(__file__).parents[2] / "apis" / "contract"
TEXT = (CONTRACT / "CONTRACT.md").read_text(encoding="utf-8")
OPENAPI: dict[str, Any] = yaml.safe_load((CONTRACT / "openapi.yaml").read_text(encoding="utf-8"))
METHODS = ("get", "put", "post", "delete", "head", "options", "patch", "trace")


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table whose header begins with that text, without the backticks around them."""
    lines = TEXT.split("\n")
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    cells: list[list[str]] = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        cells.append([cell.strip() for cell in line.strip("|").split("|")])
    return cells


def bare(cell: str) -> str:
    return cell.strip("`")


def test_openapi_document_is_valid():
    assert OPENAPI["openapi"].startswith("3.1")
    schemathesis.openapi.from_dict(OPENAPI).validate()


def test_every_reference_in_openapi_leads_somewhere_and_every_component_is_used():
    references = set(re.findall(r"#/components/[\w/]+", str(OPENAPI)))
    components = {
        f"#/components/{kind}/{name}"
        for kind, members in OPENAPI["components"].items()
        if kind != "securitySchemes"
        for name in members
    }
    assert references == components


def test_routes_are_the_same_in_contract_and_openapi():
    contract = {bare(path): set(methods.split(", ")) for path, methods, _ in rows("path")}
    openapi = {
        path: {method.upper() for method in item if method in METHODS} for path, item in OPENAPI["paths"].items()
    }
    assert openapi == contract


def test_allow_is_the_methods_with_head_sorted():
    for path, methods, allow in rows("path"):
        listed = set(methods.split(", "))
        expected = listed | {"HEAD"} if "GET" in listed else listed
        assert bare(allow) == ", ".join(sorted(expected)), path


def test_allow_in_the_checks_is_that_of_the_contract():
    contract = {bare(path): bare(allow) for path, _, allow in rows("path")}
    checked = {re.sub(r"\d+$", "{id}", path): allow for path, allow in ALLOW.items()}
    assert checked == contract


def test_routes_with_a_token_are_the_same_in_contract_and_openapi():
    contract = set(re.findall(r"^### (\w+) (\S+) — token$", TEXT, flags=re.MULTILINE))
    openapi = {
        (method.upper(), path)
        for path, item in OPENAPI["paths"].items()
        for method, operation in item.items()
        if method in METHODS and operation.get("security")
    }
    assert openapi == contract


def test_every_route_has_a_section_of_its_own():
    sections = re.findall(r"^### (GET|POST|PUT|DELETE) (/\S+)", TEXT, flags=re.MULTILINE)
    expected = {(method, bare(path)) for path, methods, _ in rows("path") for method in methods.split(", ")}
    assert len(sections) == len(set(sections))
    assert set(sections) == expected


def test_errors_are_word_for_word_those_of_the_contract():
    contract = {(int(cells[0][:3]), bare(cells[1]), bare(cells[2])) for cells in rows("status")}
    checked = {tuple(value) for value in vars(problems).values() if isinstance(value, problems.Problem)}
    assert checked == contract


def test_messages_are_word_for_word_those_of_the_contract():
    in_bodies = {bare(cells[3]) for cells in rows("route")}
    in_queries = {bare(cells[2]) for cells in rows("field")}
    checked = {value for name, value in vars(problems).items() if name.endswith("_RULE") or name == "REQUIRED"}
    assert checked == in_bodies | in_queries


@pytest.mark.parametrize(
    ("shape", "schema"),
    [
        (User, "User"),
        (Account, "Account"),
        (AccessToken, "AccessToken"),
        (Author, "Author"),
        (Post, "Post"),
        (PostPage, "PostPage"),
        (StoredFile, "File"),
        (Health, "Health"),
        (Readiness, "Readiness"),
    ],
)
def test_shapes_in_the_checks_have_the_members_of_openapi_in_their_order(shape: type[Document], schema: str):
    described = OPENAPI["components"]["schemas"][schema]
    assert list(shape.model_fields) == list(described["properties"]) == described["required"]
    assert described["additionalProperties"] is False


def test_statuses_of_openapi_are_those_that_the_contract_has_an_error_for():
    with_error = {cells[0][:3] for cells in rows("status")}
    listed = {
        code
        for item in OPENAPI["paths"].values()
        for method, operation in item.items()
        if method in METHODS
        for code in operation["responses"]
    }
    assert listed - {"default"} - with_error == {"200", "201", "204", "304"}
    assert with_error - listed == {"405", "500"}


def test_the_tables_are_created_in_the_order_that_conflicts_depend_on():
    schema = (CONTRACT / "schema.sql").read_text(encoding="utf-8")
    assert schema.index("users_username_key") < schema.index("users_email_key")
