"""`lab down`: which labs are ended, what is said of each, and how it exits."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

import cli.down
from cli.main import app
from documents.errors import LabError
from lab.lifecycle import Ended, Receipt
from lab.lifecycle.lifecycle import Adoptable
from tests.unit.cli.lab_command import lab

GONE = Ended("gone", Receipt(made=7, kept=(), left=()), None)
LEFT = Ended("left", Receipt(made=7, kept=(), left=("container y",)), None)
FAILED = Ended("failed", None, "The cloud says no.")


def down(monkeypatch: pytest.MonkeyPatch, project: Path, ended: list[Ended], *arguments: str) -> tuple[int, str, str]:
    """The exit status and both outputs of `lab down --expired` where it ends just these labs."""

    def take_down_expired(*_: object, **__: object) -> list[Ended]:
        return ended

    monkeypatch.setattr(cli.down, "ROOT", project)
    monkeypatch.setattr("lab.lifecycle.take_down_expired", take_down_expired)
    monkeypatch.setattr("lab.lifecycle.list_recorded", lambda _: ())  # pyright: ignore
    answer = CliRunner().invoke(app, ["down", "--expired", *arguments])
    return answer.exit_code, answer.stdout, answer.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "stacks").mkdir()
    return tmp_path


def test_where_nothing_has_expired_it_says_so(monkeypatch: pytest.MonkeyPatch, project: Path):
    assert down(monkeypatch, project, []) == (0, "No lab that has expired is on record.\n", "")
    assert down(monkeypatch, project, [], "--json") == (0, "[]\n", "")


def test_each_lab_that_has_expired_gets_its_receipt(monkeypatch: pytest.MonkeyPatch, project: Path):
    status, out, err = down(monkeypatch, project, [GONE, GONE])
    assert (status, err) == (0, "")
    assert out == 2 * "Receipt for the lab gone:\n  made  7 resources on record\n  left  nothing\n"


def test_what_is_left_or_could_not_be_taken_down_is_reported_with_status_1(
    monkeypatch: pytest.MonkeyPatch, project: Path
):
    status, out, err = down(monkeypatch, project, [GONE, LEFT])
    assert (status, err) == (1, "")
    assert "  LEFT  container y\n" in out
    status, out, err = down(monkeypatch, project, [FAILED, GONE])
    assert (status, err) == (1, "The lab failed couldn't be taken down: The cloud says no.\n")
    assert "Receipt for the lab gone:" in out


def test_json_has_the_same(monkeypatch: pytest.MonkeyPatch, project: Path):
    status, out, _ = down(monkeypatch, project, [GONE, FAILED], "--json")
    assert status == 1
    assert json.loads(out) == [
        {"stack": "gone", "made": 7, "kept": [], "left": []},
        {"stack": "failed", "failure": "The cloud says no."},
    ]


@pytest.mark.parametrize("format_option", [(), ("--json",)])
def test_what_is_left_of_one_lab_is_reported_with_status_1(
    monkeypatch: pytest.MonkeyPatch, format_option: tuple[str, ...]
):
    monkeypatch.setattr("lab.lifecycle.take_down", lambda *_, **__: LEFT.receipt)  # pyright: ignore
    answer = CliRunner().invoke(app, ["down", *format_option])
    assert answer.exit_code == 1
    assert "container y" in answer.stdout


def test_document_that_can_not_be_read_may_hide_an_expired_lab(monkeypatch: pytest.MonkeyPatch, project: Path):
    (project / "stacks" / "broken.yaml").write_text("name: broken\n")
    status, _, err = down(monkeypatch, project, [])
    assert status == 1
    assert "stacks/broken.yaml:1: host: this key is missing" in err
    assert err.endswith(" It isn't known whether this lab has expired.\n")


@pytest.mark.parametrize("more", [("--stack", "mine"), ("--stack", "local"), ("--adopt",)])
def test_one_lab_can_not_be_named_beside_all(more: tuple[str, ...]):
    answer = lab("down", "--expired", *more)
    assert answer.status == 2
    assert "--expired looks at every lab on record. Leave out --stack and --adopt." in answer.sentence()


def test_a_yes_without_a_question_is_refused():
    answer = lab("down", "--yes", "--stack", "no-such-stack")
    assert answer.status == 2
    assert "--yes confirms the removal by --adopt. Use it only with --adopt. Try" in answer.sentence()


@pytest.fixture
def removed(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What `lab down --adopt` removes at a terminal, where it finds a container."""
    removed: list[object] = []
    monkeypatch.setattr("lab.stack_file.read_stack", lambda *_: None)  # pyright: ignore
    monkeypatch.setattr("lab.lifecycle.look_around", lambda *_: Adoptable(("container x",)))  # pyright: ignore
    monkeypatch.setattr("lab.lifecycle.adopt", lambda *given, **_: removed.append(given))  # pyright: ignore
    monkeypatch.setattr(cli.down, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
    return removed


def test_after_a_no_everything_stays(removed: list[object]):
    answer = CliRunner().invoke(app, ["down", "--adopt"], input="n\n")
    assert isinstance(answer.exception, LabError)
    assert str(answer.exception) == "It wasn't confirmed, so nothing was removed."
    assert "found  container x" in answer.stdout
    assert removed == []


def test_removal_that_json_does_not_show_is_not_asked_for(removed: list[object]):
    answer = CliRunner().invoke(app, ["down", "--adopt", "--json"], input="y\n")
    assert isinstance(answer.exception, LabError)
    assert str(answer.exception).endswith("To confirm it, add --yes.")
    assert answer.stdout == ""
    assert removed == []
