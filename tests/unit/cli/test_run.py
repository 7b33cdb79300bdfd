"""`lab run --json`."""

from typing import Annotated

import pytest
from pydantic import Field, TypeAdapter

from cli.run_progress import JsonProgress
from experiment.events import Event, TimeLeftTold, Warned
from tests.unit.documents.samples import PROTOCOL
from tests.unit.experiment.told_run import told_run


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
