"""`lab verify --drift`: its answer and its exit status."""

from collections.abc import Callable

import pytest
import typer

from cli.verify import verify
from documents.lab.drift import Difference, Drift
from documents.lab.inventory import Inventory, Secrets
from lab.lifecycle.drift import Hold
from tests.unit.cli.lab_command import lab
from tests.unit.documents.samples import INVENTORY, SECRETS

AS_DECLARED = Drift(stack="local", compared={"postgres": 80, "redis": 53}, differences=())
DIFFERENCE = Difference(
    subject="redis",
    what="its memory limit",
    declared="none",
    effective="512 MiB",
    remedy="run `lab up`",
    message="redis: its memory limit is 512 MiB instead of none; run `lab up`.",
)
STRAY = Difference(
    subject="stray",
    what="the container",
    declared=None,
    effective="running",
    remedy="`lab up` removes it",
    message="stray: the container is running, which isn't declared; `lab up` removes it.",
)
DIFFERENT = Drift(stack="local", compared={**AS_DECLARED.compared, "stray": 1}, differences=(STRAY, DIFFERENCE))


def read_lab(_engine: object) -> tuple[Inventory, Secrets]:
    return INVENTORY, SECRETS


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[Drift], None]:
    """Has the comparison end so, whatever runs."""

    def end_with(drift: Drift) -> None:
        def read_drift(*_: object, hold: Hold) -> Drift:
            assert callable(hold)
            return drift

        monkeypatch.setattr("lab.lifecycle.read_lab", read_lab)
        monkeypatch.setattr("lab.lifecycle.read_drift", read_drift)

    return end_with


def test_a_lab_as_declared_is_one_table_and_status_0(
    answer: Callable[[Drift], None], capsys: pytest.CaptureFixture[str]
):
    answer(AS_DECLARED)
    verify(drift=True)
    assert [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()] == [
        "what compared differs declared runs",
        "postgres 80 nothing",
        "redis 53 nothing",
        "The lab local runs as it is declared.",
    ]


def test_each_difference_is_a_row_and_a_sentence_and_the_status_is_1(
    answer: Callable[[Drift], None], capsys: pytest.CaptureFixture[str]
):
    answer(DIFFERENT)
    with pytest.raises(typer.Exit) as ended:
        verify(drift=True)
    assert ended.value.exit_code == 1
    lines = capsys.readouterr().out.splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        "what compared differs declared runs",
        "postgres 80 nothing",
        "redis 53 its memory limit none 512 MiB",
        "stray 1 the container \N{EN DASH} running",
        DIFFERENCE.message,
        STRAY.message,
    ]


def test_json_is_the_document(answer: Callable[[Drift], None], capsys: pytest.CaptureFixture[str]):
    answer(DIFFERENT)
    with pytest.raises(typer.Exit):
        verify(drift=True, json=True)
    assert Drift.from_json(capsys.readouterr().out, name="the output") == DIFFERENT


def test_one_api_alone_is_not_compared():
    answer = lab("verify", "go", "--drift")
    assert answer.status == 2
    assert "--drift compares the whole lab. Leave out the API names and --only." in answer.sentence()
