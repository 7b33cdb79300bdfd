"""CONTRACT.md, openapi.yaml and the shapes in the checks say the same."""

import re
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml

from apis.contract.checks.answers import (
    AccessToken,
    Account,
    Author,
    FieldError,
    Health,
    Post,
    PostPage,
    Readiness,
    StoredFile,
    User,
)
from documents.base import Document

CONTRACT = Path(__file__).parents[2] / "apis" / "contract"
TEXT = (CONTRACT / "CONTRACT.md").read_text(encoding="utf-8")
OPENAPI: dict[str, Any] = yaml.safe_load((CONTRACT / "openapi.yaml").read_text(encoding="utf-8"))
METHODS = ("get", "put", "post", "delete", "head", "options", "patch", "trace")

OPERATIONS: dict[str, dict[str, Any]] = {
    f"{method.upper()} {path}": operation
    for path, item in OPENAPI["paths"].items()
    for method, operation in item.items()
    if method in METHODS
}
"""By method and path."""

ROUTES = {cells[1].strip(): cells for cells in (line.split("|") for line in TEXT.split("\n")) if len(cells) == 6}
"""The rows of the contract's table of routes, by method and path."""


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
    listed = {route for route in ROUTES if re.match(r"(GET|POST|PUT|DELETE) /", route)}
    assert listed == set(OPERATIONS)


def test_tokens_and_successes_are_the_same_in_contract_and_openapi():
    for route, operation in OPERATIONS.items():
        _, _, auth, _, answers, _ = ROUTES[route]
        assert bool(operation.get("security")) == (auth.strip() == "token"), route
        successes = {code for code in operation["responses"] if code[0] in "23"}
        assert successes == set(re.findall(r"\b(?:2\d\d|304)\b", answers)), route
        assert "default" in operation["responses"], route


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
        (FieldError, "FieldError"),
    ],
)
def test_shapes_in_the_checks_have_the_members_of_openapi(shape: type[Document], schema: str):
    described = OPENAPI["components"]["schemas"][schema]
    assert set(shape.model_fields) == set(described["properties"]) == set(described["required"])
    assert described["additionalProperties"] is False
