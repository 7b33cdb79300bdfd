"""`lab api check`: what a person and what a program gets to see of the way that is left."""

import pytest
import typer

from cli import api as subcommand
from documents.errors import LabError
from documents.lab.inventory import Inventory, Secrets
from documents.report.api_check import ApiCheck
from experiment import api_check
from lab.stack_file import read_stack
from tests.conftest import ROOT
from tests.unit.cli.lab_command import labs
from tests.unit.documents.samples import INVENTORY, SECRETS

UNKNOWN = "no-such-stack"


def test_without_a_stack_or_an_entry_the_first_step_names_what_is_missing():
    no_stack, no_entry, as_json = labs(
        [
            ["api", "check", "go", "--stack", UNKNOWN],
            ["api", "check", "nobody"],
            ["api", "check", "nobody", "--json"],
        ]
    )
    assert no_stack.status == no_entry.status == as_json.status == 1
    assert no_stack.err == no_entry.err == as_json.err == ""
    assert f"There is no stacks/{UNKNOWN}.yaml" in no_stack.out.splitlines()[0]
    first, *others, last = no_entry.out.splitlines()
    assert first.split(maxsplit=3)[:3] == ["✗", "entry", "failed"]
    names = ", ".join(api.name for api in read_stack(ROOT, "local").apis)
    assert f"stacks/local.yaml has no API named nobody; it has {names}" in first
    assert all(line.startswith("- ") and "not checked" in line for line in others)
    assert last == "Fix entry first: docs/adding-an-api.md, “An entry in a stack”."
    found = ApiCheck.from_json(as_json.out, name="the answer")
    assert [step.outcome for step in found.steps] == ["failed"] + ["not checked"] * 7


def read_no_lab(_engine: object) -> tuple[Inventory, Secrets]:
    raise LabError("The lab local isn't up; run `lab up`.")


def test_a_finished_step_has_a_tick_and_a_word(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr("lab.lifecycle.read_lab", read_no_lab)
    with pytest.raises(typer.Exit) as ended:
        subcommand.check("go", stack="local", json=False)
    assert ended.value.exit_code == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines[:5]] == [
        ["✓", "entry", "passed"],
        ["✓", "files", "passed"],
        ["✓", "builds", "passed"],
        ["✓", "implementation.yaml", "passed"],
        ["✗", "lab", "failed"],
    ]
    assert lines[-1] == "Fix lab first: docs/adding-an-api.md, “Stand it up”."


def test_the_last_line_says_that_a_complete_api_is_ready(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def read_lab(_engine: object) -> tuple[Inventory, Secrets]:
        return INVENTORY, SECRETS

    monkeypatch.setattr("lab.lifecycle.read_lab", read_lab)
    monkeypatch.setattr(api_check, "SECTIONS", dict(list(api_check.SECTIONS.items())[:4]))

    def nothing_more(*_arguments: object) -> None:
        return

    monkeypatch.setattr(api_check, "_check_on_the_lab", nothing_more)
    subcommand.check("go", stack="local", json=False)
    assert capsys.readouterr().out.splitlines()[-1] == "The API go keeps the contract, and is ready to be measured."
