"""`lab run`: what it prints for programs, and which run it resumes."""

from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field, TypeAdapter

from cli.run import run
from cli.run_progress import JsonProgress
from documents.errors import RunError
from experiment.progress.events import Event, TimeLeftChanged, Warned
from tests.unit.analysis.history_builder import change_inventory, run_of_day
from tests.unit.documents.samples import INVENTORY, PROTOCOL, SECRETS
from tests.unit.experiment.timed_events import events_of_run


def test_each_event_is_a_line_of_json_and_so_is_what_follows_from_it(capsys: pytest.CaptureFixture[str]):
    events = events_of_run(PROTOCOL, ("go",), lambda _cell, attempt: (20.0, attempt > 1))
    progress = JsonProgress()
    for event, _ in events:
        progress(event)
    adapter = TypeAdapter[Event](Annotated[Event, Field(discriminator="kind")])
    shown = [adapter.validate_json(line) for line in capsys.readouterr().out.splitlines()]
    passed_on = [event for event in shown if not isinstance(event, TimeLeftChanged | Warned)]
    assert passed_on == [event for event, _ in events]
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
    assert progress.finished == events[-1][0]


def test_resume_takes_the_newest_run_of_the_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    first, second, third = (run_of_day(tmp_path, day, (500.0,)) for day in (1, 2, 3))
    change_inventory(first, stack="mine")
    change_inventory(second, stack="mine")
    resumed: list[Path] = []

    def read_lab(_engine: object) -> tuple[object, object]:
        return INVENTORY, SECRETS

    def open_engine(_stack: str) -> None: ...

    def resume_run(folder: Path, *_arguments: object, **_options: object) -> None:
        resumed.append(folder)

    monkeypatch.setattr("cli.report.RUNS", tmp_path)
    monkeypatch.setattr("lab.lifecycle.read_lab", read_lab)
    monkeypatch.setattr("cli.run.open_engine", open_engine)
    monkeypatch.setattr("experiment.running.resume_run", resume_run)
    run(resume=True, stack="mine")
    run(resume=True, stack="local")
    run(resume=True, run_id=first.name, stack="mine")
    assert resumed == [second, third, first]
    with pytest.raises(RunError, match="There is no run of the stack another in"):
        run(resume=True, stack="another")
