"""`lab up` of a lab that costs money makes nothing before that is confirmed."""

from pathlib import Path

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


def up(monkeypatch: pytest.MonkeyPatch, project: Path, expires: str, *arguments: str) -> Result:
    (project / "stacks").mkdir()
    (project / "api").mkdir()
    (project / "api" / "Dockerfile").touch()
    (project / "stacks" / "no-such-stack.yaml").write_text(DOCUMENT.format(expires=expires))
    made: list[object] = []
    monkeypatch.setattr(cli.up, "ROOT", project)
    monkeypatch.setattr(cli.up, "stand_up", lambda *given, **_: made.append(given))  # pyright: ignore
    answer = CliRunner().invoke(app, ["up", "--stack", "no-such-stack", *arguments])
    assert made == []
    return answer


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_where_nobody_can_be_asked_the_cost_is_told_and_nothing_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: tuple[str, ...]
):
    answer = up(monkeypatch, tmp_path, "2999-01-01T00:00:00Z", *arguments)
    told = answer.stderr if arguments else answer.stdout
    assert told.startswith("The lab no-such-stack has 1 machine at hetzner, ccx33 in fsn1: 0.50 EUR an hour.\n")
    assert answer.stdout == ("" if arguments else told)
    assert isinstance(answer.exception, LabError)
    assert str(answer.exception).endswith("lab up --stack no-such-stack --accept-cost")


def test_lab_that_has_expired_is_not_stood_up_though_its_cost_is_accepted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    answer = up(monkeypatch, tmp_path, "2026-01-01T00:00:00Z", "--accept-cost")
    assert isinstance(answer.exception, LabError)
    assert str(answer.exception).startswith("This lab expired at 2026-01-01 00:00 UTC")
