"""What is under way is told with the time that it takes: on a live line, or by reminders without a terminal."""

import errno
import io
import re
import time
from collections.abc import Callable

import pytest
from rich.console import Console

from cli import progress
from cli.progress import EngineProgress, under_way
from cli.run import RunProgress
from experiment.events import CellStarted, PhaseStarted
from lab.lifecycle.engine import ResourceProgress
from tests.unit.documents.samples import PLAN

_PATIENCE_SECONDS = 20
BEGUN = ResourceProgress("kotlin-image", "RemoteImage", "creating", "created", None)
OTHER = ResourceProgress("rust-image", "RemoteImage", "creating", "created", None)
ENDED = ResourceProgress("rust-image", "RemoteImage", "creating", "created", 0.5)


def console(*, terminal: bool) -> tuple[Console, io.StringIO]:
    output = io.StringIO()
    return Console(file=output, force_terminal=terminal, force_interactive=terminal, highlight=False, width=200), output


def await_truth(truth: Callable[[], object], output: io.StringIO) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not truth():
        assert time.monotonic() < deadline, f"it never came: {output.getvalue()!r}"
        time.sleep(0.02)


def await_text(output: io.StringIO, pattern: str) -> None:
    await_truth(lambda: re.search(pattern, output.getvalue()), output)


@pytest.fixture
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_REMINDER_SECONDS", 0.1)


@pytest.mark.usefixtures("_often")
def test_long_operation_of_the_engine_is_told_again_and_again_without_a_terminal():
    shown, output = console(terminal=False)
    with under_way(shown, "asking the engine") as doing:
        await_text(output, r"(?m)^   0 s  asking the engine, 0 s$")
        take = EngineProgress(shown, doing)
        take(BEGUN)
        take(OTHER)
        await_text(
            output,
            r"(?m)^   1 s  creating kotlin-image \(RemoteImage\), 1 s; creating rust-image \(RemoteImage\), 1 s$",
        )
        take(ENDED)
        await_text(output, r"(?m)^   \d s  creating kotlin-image \(RemoteImage\), 2 s$")
    told = output.getvalue()
    time.sleep(0.3)
    assert output.getvalue() == told, "nothing is under way any more"


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "pipe"])
@pytest.mark.usefixtures("_often")
def test_phase_of_a_cell_is_shown_with_the_time_that_it_takes(terminal: bool):
    shown, output = console(terminal=terminal)
    cell = PLAN.cells[0]
    with under_way(shown, "starting") as doing:
        take = RunProgress(shown, doing)
        take(CellStarted(cell=cell, expected_seconds=40))
        take(PhaseStarted(cell_id=cell.id, phase="warm_up"))
        await_text(output, rf"cell {cell.id} of 0: warm up, 1 s")


@pytest.mark.usefixtures("_often")
def test_terminal_s_live_line_has_the_time_and_there_are_no_reminders_above_it():
    shown, output = console(terminal=True)
    with under_way(shown, "asking the engine") as doing:
        take = EngineProgress(shown, doing)
        take(BEGUN)
        await_text(output, r"creating kotlin-image \(RemoteImage\), 0 s")
        await_text(output, r"creating kotlin-image \(RemoteImage\), 1 s")
        take(OTHER)
        take(ENDED)
    assert len(re.findall(r"\d s  creat", output.getvalue())) == 1, "what ended has a line above the live one"
    assert re.search(r"\d s  created rust-image \(RemoteImage\) in 0 s\n", output.getvalue())


@pytest.mark.usefixtures("_often")
def test_output_that_is_full_ends_the_reminders_without_a_word_of_their_own(capsys: pytest.CaptureFixture[str]):
    class Full(io.StringIO):
        written = False

        def write(self, _text: str) -> int:
            self.written = True
            raise OSError(errno.ENOSPC, "No space left on device")

    output = Full()
    shown = Console(file=output, force_terminal=False)
    with pytest.raises(OSError, match="No space left"), under_way(shown, "checking go"):
        await_truth(lambda: output.written, output)
    assert capsys.readouterr() == ("", "")
