"""`lab up` of a lab that costs money makes nothing before that is confirmed."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner, Result

import cli.up
from cli.main import app
from documents.errors import LabError
from tests.unit.documents.samples import AWS_HOST

DOCUMENT = f"""\
version: 1
name: no-such-stack
host:
  kind: hetzner
  location: fsn1
  owner: anna
  expires: "{{expires}}"
  allowed_from: {AWS_HOST.allowed_from}
  price_per_hour:
    amount: 0.5
    currency: EUR
apis:
  - name: go
    source: api
    port: 18081
"""


def describe(project: Path, expires: str = "2999-01-01T00:00:00Z") -> None:
    """Write the document of a lab that costs money."""
    (project / "stacks").mkdir()
    (project / "api").mkdir()
    (project / "api" / "Dockerfile").touch()
    (project / "stacks" / "no-such-stack.yaml").write_text(DOCUMENT.format(expires=expires))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[object]:
    """The labs that `lab up` makes of the documents in the test's folder."""
    made: list[object] = []
    monkeypatch.setattr(cli.up, "ROOT", tmp_path)
    monkeypatch.setattr("lab.lifecycle.stand_up", lambda *given, **_: made.append(given))  # pyright: ignore
    return made


def up(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(app, ["up", "--stack", "no-such-stack", *arguments], input=answer)


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_without_a_terminal_the_cost_is_shown_and_nothing_is_made(
    made: list[object], tmp_path: Path, arguments: tuple[str, ...]
):
    describe(tmp_path)
    answer = up(*arguments)
    notice = answer.stderr if arguments else answer.stdout
    assert notice.startswith("The lab no-such-stack has 1 machine at hetzner, ccx33 in fsn1: 0.50 EUR an hour.\n")
    assert answer.stdout == ("" if arguments else notice)
    assert isinstance(answer.exception, LabError)
    assert str(answer.exception).endswith("lab up --stack no-such-stack --accept-cost")
    assert made == []


@pytest.fixture
def _at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli.up, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))


@pytest.mark.usefixtures("_at_a_terminal")
def test_at_a_terminal_a_no_makes_nothing_and_whoever_wants_json_is_not_asked(made: list[object], tmp_path: Path):
    describe(tmp_path)
    answer = up(answer="n\n")
    assert "[y/N]" in answer.stdout
    assert str(answer.exception) == "The cost wasn't confirmed, so nothing was made or changed."
    answer = up("--json", answer="y\n")
    assert "[y/N]" not in answer.stdout + answer.stderr
    assert "there is nobody here to confirm it" in str(answer.exception)
    assert made == []


def test_lab_that_has_expired_is_not_stood_up_though_its_cost_is_accepted(made: list[object], tmp_path: Path):
    describe(tmp_path, "2026-01-01T00:00:00Z")
    answer = up("--accept-cost")
    assert isinstance(answer.exception, LabError)
    assert str(answer.exception).startswith("This lab expired at 2026-01-01 00:00 UTC")
    assert made == []
