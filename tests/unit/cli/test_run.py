"""`lab run`: it fails where no cell is valid, and not where blocks are short of some."""

from contextlib import nullcontext
from typing import Annotated

import pytest
from pydantic import Field, TypeAdapter

from cli.run import run
from cli.run_progress import JsonProgress
from documents.errors import RunError
from experiment.events import Event, RunFinished, TimeLeftTold, Warned
from experiment.loop import Progress
from tests.unit.documents.samples import INVENTORY, PROTOCOL, SECRETS
from tests.unit.experiment.told_run import told_run


@pytest.mark.parametrize(
    ("void_cells", "short_blocks", "fails"), [(0, (), False), (1, (2,), False), (3, (1, 2), False), (4, (1, 2), True)]
)
def test_run_fails_only_where_no_cell_is_valid(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    void_cells: int,
    short_blocks: tuple[int, ...],
    fails: bool,
):
    finished = RunFinished(
        run_id="20260131-120000-quick",
        directory="runs/x",
        cells=4,
        void_cells=void_cells,
        void_attempts=3 * void_cells,
        short_blocks=short_blocks,
    )

    def start_run(*_arguments: object, progress: Progress, **_options: object) -> None:
        progress(finished)

    def open_engine(_stack: str) -> object:
        return None

    def read_lab(_engine: object) -> tuple[object, object]:
        return INVENTORY, SECRETS

    monkeypatch.setattr("experiment.run.start_run", start_run)
    monkeypatch.setattr("cli.run.read_lab", read_lab)
    monkeypatch.setattr("cli.run.open_engine", open_engine)
    with pytest.raises(RunError, match="None of the 4 cells") if fails else nullcontext():
        run(json=True)
    assert RunFinished.from_json(capsys.readouterr().out, name="standard output") == finished


def test_each_event_is_a_line_of_json_and_so_is_what_follows_from_it(capsys: pytest.CaptureFixture[str]):
    told = told_run(PROTOCOL, ("go",), lambda _cell, attempt: (20.0, attempt > 1))
    progress = JsonProgress()
    for event, _ in told:
        progress(event)
    adapter = TypeAdapter[Event](Annotated[Event, Field(discriminator="kind")])
    shown = [adapter.validate_json(line) for line in capsys.readouterr().out.splitlines()]
    assert [event for event in shown if not isinstance(event, TimeLeftTold | Warned)] == [event for event, _ in told]
    kinds = [event.kind for event in shown]
    assert kinds[:7] == [
        "run-started",
        "time-left",
        "cell-started",
        "time-left",
        "cell-finished",
        "warning",
        "warning",
    ]
    assert kinds[-1] == "run-finished"
    assert progress.finished == told[-1][0]
