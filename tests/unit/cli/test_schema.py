"""`lab schema`: what it writes is in the repository, and is right."""

import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from cli import schema as command
from cli.schema import PAGES, generated
from documents.base import Document
from documents.schema import SCHEMAS, schema_of
from experiment.facts.sources import FILE_NAME
from tests.conftest import ROOT, STACKS
from tests.unit.analysis.run_builder import golden_run
from tests.unit.analysis.test_open_loop import add_open_loop
from tests.unit.cli.lab_command import lab

DOCUMENTS = (
    *((path, "stack") for path in STACKS),
    *((path, "protocol") for path in sorted(ROOT.glob("experiment/protocols/*.yaml"))),
    *((path, "implementation") for path in sorted(ROOT.glob(f"apis/*/{FILE_NAME}"))),
)


def committed(name: str) -> dict[str, Any]:
    return json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))


def test_what_is_committed_is_what_the_command_writes():
    for path, text in generated(ROOT).items():
        assert path.is_file(), "run `lab schema`"
        assert path.read_text(encoding="utf-8") == text, f"run `lab schema` and commit {path.name}"


def test_it_writes_what_is_not_current_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    page = tmp_path / "docs" / PAGES[0]
    page.write_text(page.read_text(encoding="utf-8").replace("| `base_image` | text |", "| `base_image` | number |"))
    monkeypatch.setattr(command, "ROOT", tmp_path)
    first, second = lab("schema", "--json"), lab("schema")
    assert json.loads(first.out) == [*(f"schemas/{name}.schema.json" for name in SCHEMAS), f"docs/{PAGES[0]}"]
    assert second.out == "Schemas and docs are current.\n"


@pytest.mark.parametrize(("path", "name"), DOCUMENTS, ids=lambda value: str(value).removeprefix(f"{ROOT}/"))
def test_a_document_names_its_schema_and_keeps_it(path: Path, name: str):
    first = path.read_text(encoding="utf-8").splitlines()[0]
    named = first.removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / named).resolve() == ROOT / "schemas" / f"{name}.schema.json"
    jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), committed(name))


def test_a_schema_refuses_what_the_document_refuses():
    stack = yaml.safe_load((ROOT / "stacks" / "local.yaml").read_text(encoding="utf-8"))
    faults: dict[str, object] = {
        "colour": "red",
        "name": "Local",
        "apis": [],
        "cores": "atuo",
        "load_host": [{"kind": 1}],
    }
    for key, value in faults.items():
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(stack | {key: value}, committed("stack"))
    protocol = yaml.safe_load((ROOT / "experiment" / "protocols" / "pool-sizes.yaml").read_text(encoding="utf-8"))
    protocol["scenarios"][0]["connections"] = ["many"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(protocol, committed("protocol"))


def test_the_files_of_a_run_keep_their_schemas(tmp_path: Path):
    folder = golden_run(tmp_path / "run")
    add_open_loop(folder)
    found = 0
    for path in folder.rglob("*.json"):
        jsonschema.validate(json.loads(path.read_text(encoding="utf-8")), committed(path.stem))
        found += 1
    assert found > 50


def test_a_field_that_a_docstring_describes_is_there():
    class Wrong(Document):
        """Something.

        Attributes:
            name: what it is called
            colour: there is none
        """

        name: str

    with pytest.raises(ValueError, match="Wrong has no field colour, which its docstring describes"):
        schema_of(Wrong)
