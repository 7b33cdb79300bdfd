"""What is under way is shown with the time that it takes: on a live line, or by reminders without a terminal."""

import errno
import io
import re
import time
from collections.abc import Callable

import pytest
from rich.console import Console

from cli import progress
from cli.progress import EngineProgress, under_way
from cli.run_progress import RunProgress
from documents.run.records import CellRecord
from experiment.progress.events import CellFinished, CellStarted, Event, PhaseStarted, RunFinished, RunStarted
from lab.lifecycle.engine import ResourceProgress
from tests.unit.documents.samples import CELL_RECORD, PLAN, PROTOCOL
from tests.unit.experiment import timed_events

_PATIENCE_SECONDS = 20
SECOND = PLAN.cells[0].model_copy(update={"number": 2})
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
def test_long_operation_of_the_engine_is_reported_repeatedly_without_a_terminal():
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
    printed = output.getvalue()
    time.sleep(0.3)
    assert output.getvalue() == printed, "nothing is under way any more"


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "pipe"])
@pytest.mark.usefixtures("_often")
def test_phase_of_a_cell_is_shown_with_the_time_that_it_takes(terminal: bool):
    shown, output = console(terminal=terminal)
    cell = PLAN.cells[0]
    with under_way(shown, "starting") as doing:
        take = RunProgress(shown, doing)
        take(timed_events.started(PROTOCOL, PLAN.cells))
        take(CellStarted(cell=cell, attempt=1, expected_seconds=40))
        take(PhaseStarted(cell_id=cell.id, attempt=1, phase="warm_up"))
        await_text(output, rf"cell 1 of 1: {cell.id}, warm up, 1 s")


def shown_of(*events: Event) -> str:
    shown, output = console(terminal=False)
    with under_way(shown, "starting") as doing:
        take = RunProgress(shown, doing)
        for event in events:
            take(event)
    return output.getvalue()


def started(*, attempts: int) -> RunStarted:
    return timed_events.started(PROTOCOL.model_copy(update={"attempts": attempts}), (*PLAN.cells, SECOND))


def finished(attempt: int, *, void: bool) -> CellFinished:
    record = CELL_RECORD.model_copy(update={"attempt": attempt, "voids": CELL_RECORD.voids if void else ()})
    assert isinstance(record, CellRecord)
    return CellFinished(cell=PLAN.cells[0], record=record, throughput=123.0)


def ended(
    *, void_cells: int, void_attempts: int, short_blocks: tuple[int, ...], of_the_open_loop: tuple[int, ...] = ()
) -> RunFinished:
    return RunFinished(
        run_id="20260131-120000-quick",
        directory="runs/x",
        cells=4,
        void_cells=void_cells,
        void_attempts=void_attempts,
        short_blocks=short_blocks,
        short_open_loop_blocks=of_the_open_loop,
    )


def test_each_attempt_is_a_line_with_what_follows_from_it():
    printed = shown_of(started(attempts=2), finished(1, void=True), finished(2, void=True))
    assert [line.strip() for line in printed.splitlines()[1:]] == [
        "0 s    1/2  001-go-light                             123 requests/s",
        "void: 3 time-outs.",
        "attempt 1 of 2 was void: run again",
        "0 s    1/2  001-go-light-attempt-2                   123 requests/s",
        "void: 3 time-outs.",
        "attempt 2 of 2 was void: block 1 stays short",
    ]
    valid = shown_of(started(attempts=2), finished(1, void=True), finished(2, void=False))
    assert [line.strip() for line in valid.splitlines()[4:]] == [
        "0 s    1/2  001-go-light-attempt-2                   123 requests/s",
        "throughput wasn't steady after 30 s of warm-up",
    ]
    assert "attempt 1" not in shown_of(started(attempts=1), finished(1, void=True)), "nothing is run again"


def test_the_time_left_is_a_line_where_a_block_is_over():
    first, second = (CellStarted(cell=cell, attempt=1, expected_seconds=1) for cell in (PLAN.cells[0], SECOND))
    printed = shown_of(started(attempts=1), first, finished(1, void=False), second)
    assert "is over" not in printed
    last = finished(1, void=False).model_copy(update={"cell": SECOND})
    printed = shown_of(started(attempts=1), first, finished(1, void=False), second, last)
    assert re.search(r"\n   0 s  block 1 is over: 2 s left, until \d\d:\d\d\n$", printed)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (ended(void_cells=0, void_attempts=0, short_blocks=()), "done.\n"),
        (ended(void_cells=0, void_attempts=1, short_blocks=()), "done, 1 void attempt.\n"),
        (ended(void_cells=1, void_attempts=3, short_blocks=(2,)), "done, 3 void attempts, short block 2.\n"),
        (ended(void_cells=2, void_attempts=7, short_blocks=(2, 3)), "done, 7 void attempts, short blocks 2 and 3.\n"),
        (
            ended(void_cells=2, void_attempts=6, short_blocks=(2,), of_the_open_loop=(1,)),
            "done, 6 void attempts, short block 2, short block 1 of the open loop.\n",
        ),
    ],
)
def test_the_end_of_a_run_says_what_was_void_and_which_blocks_are_short(event: RunFinished, said: str):
    assert said in shown_of(event)


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
    with under_way(shown, "checking go"):
        await_truth(lambda: output.written, output)
        with pytest.raises(OSError, match="No space left"):
            shown.print("what the operation itself reports")
    assert capsys.readouterr() == ("", "")
