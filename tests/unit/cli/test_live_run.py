"""The view of a run: what it shows, how it fits into every terminal, and what is left of it when it ends."""

import io
import os
import re
import signal
import sys
from collections.abc import Iterable
from datetime import datetime

import pytest
from rich.console import Console, Group

from analysis.formatting import MISSING
from cli.context import terminal
from cli.run_progress import run_progress, time_left_text, view
from documents.run.protocol import Protocol
from documents.run.window import OpenLoopCell
from experiment.planning.plan import make_plan
from experiment.planning.subjects import read_protocol
from experiment.progress.events import CellFinished, CellStarted, Event, OpenLoopPlanned, PhaseStarted
from experiment.progress.state import RunState
from tests.conftest import ROOT
from tests.unit.cli.at_terminal import CHOSEN, resize, start_at_terminal
from tests.unit.experiment.timed_events import events_of_run, finished, noisy, started

APIS = ("go", "kotlin", "rust", "zig")
WALL = datetime.fromisoformat("2026-01-31T12:00:00+00:00")
PROTOCOL = read_protocol("evidence")


def state_of(events: Iterable[tuple[Event, float]]) -> RunState:
    state = RunState()
    for event, at in events:
        state.take(event, at)
    return state


def rows_of(state: RunState, now: float, *, width: int = 80, height: int = 24) -> list[str]:
    output = io.StringIO()
    console = Console(file=output, width=width, height=height, color_system=None, force_terminal=True)
    console.print(Group(*view(state, now, WALL, width=width, height=height)))
    return output.getvalue().splitlines()


def half_of_a_run(protocol: Protocol = PROTOCOL, apis: tuple[str, ...] = APIS) -> list[tuple[Event, float]]:
    events = events_of_run(protocol, apis, noisy(protocol, apis, 1, noise=0.1, void_share=0.1))
    return events[: len(events) // 2]


def test_the_view_shows_every_part():
    cells = make_plan(PROTOCOL, ("go", "rust"), 1).cells
    first, second = cells[0], cells[1]
    events: list[tuple[Event, float]] = [
        (started(PROTOCOL, cells, unplanned=18), 0.0),
        (CellStarted(cell=first, attempt=1, expected_seconds=1), 0.0),
        (finished(first, valid=False), 10.0),
        (CellStarted(cell=first, attempt=2, expected_seconds=1), 10.0),
        (finished(first, 2, throughput=12_345.0), 30.0),
        (CellStarted(cell=second, attempt=1, expected_seconds=1), 30.0),
        (PhaseStarted(cell_id=second.id, attempt=1, phase="warm_up"), 32.0),
    ]
    assert (first.scenario.name, second.scenario.name) == ("heavy", "heavy")
    rows = rows_of(state_of(events), 39.0)
    assert rows[:3] == [
        f"block 1 of 10, cell 2 of {len(cells) + 18}",
        "18 of them in the open loop, at the end",
        f"{second.id}: warm up, 7 of 30 s",
    ]
    assert re.fullmatch("[━╺╸ ]{34} 1%", rows[3])
    assert re.fullmatch(r"at most \d+ min left, until \d\d:\d\d", rows[4])
    assert rows[5:] == [
        "requests/s  light  medium   heavy",
        *(
            f"{api:<10}  {MISSING:>5}  {MISSING:>6}  {'12,345' if api == first.api else MISSING:>6}"
            for api in ("go", "rust")
        ),
        "1 void: steal 1",
        "1 run again",
    ]
    events.append((PhaseStarted(cell_id=second.id, attempt=1, phase="load"), 40.0))
    assert f"{second.id}: load, 3 of 5 s" in rows_of(state_of(events), 43.0)
    assert f"{second.id}: load, 6 s" in rows_of(state_of(events), 46.0), "its window is over, and its generator ends"


def test_throughput_is_the_median_of_what_is_valid_and_none_of_the_open_loop():
    cells = [cell for cell in make_plan(PROTOCOL, ("go",), 1).cells if cell.scenario.name == "light"]
    open_cell = OpenLoopCell(**cells[4].model_dump(), rate=7)
    events = [
        (started(PROTOCOL, cells, unplanned=1), 0.0),
        *((finished(cell, throughput=rate), 1.0) for cell, rate in zip(cells, (10, 30, 20), strict=False)),
        (finished(cells[3], valid=False, throughput=9_000.0), 1.0),
        (OpenLoopPlanned(cells=(open_cell,)), 1.0),
        (CellFinished(cell=open_cell, record=finished(cells[4]).record, throughput=7.0), 1.0),
    ]
    state = state_of(events)
    assert state.throughput("go", "light") == 20
    assert state.throughput("go", "heavy") is None
    assert state.throughput("rust", "light") is None


def test_short_blocks_and_warm_ups_that_never_were_steady_are_counted():
    events = half_of_a_run()
    last = [event for event, _ in events if isinstance(event, CellFinished)][-1]
    void = finished(last.cell, 3, valid=False)
    rows = rows_of(state_of([*events, (void, 9_999.0)]), 9_999.0)
    assert any(re.search(rf"run again; short: block {last.cell.block}$", row) for row in rows)
    assert "never steady" not in "".join(rows)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 24), (40, 10), (20, 8), (200, 60), (80, 6)])
@pytest.mark.parametrize("apis", [APIS, tuple(f"variant-number-{number}" for number in range(25))], ids=["4", "25"])
def test_it_fits_into_every_terminal_with_a_row_to_spare(width: int, height: int, apis: tuple[str, ...]):
    events = half_of_a_run(apis=apis)
    rows = rows_of(state_of(events), events[-1][1] + 5, width=width, height=height)
    assert len(rows) < height
    assert max(map(len, rows)) <= width
    assert "left, until" in "".join(rows) or width < 40
    assert rows[-1].endswith("run again") or height < 8, "no API takes the place of a warning"
    if height < 60 and len(apis) > 4 and height > 10:
        assert any(re.fullmatch(r"… and \d+ more", row) for row in rows)


@pytest.mark.parametrize(
    ("seconds", "measured", "said"),
    [
        (0.4, True, "0 s left, until 12:00"),
        (99, True, "99 s left, until 12:01"),
        (100, True, "2 min left, until 12:01"),
        (3_599, False, "at most 1 h 00 min left, until 12:59"),
        (3_900, True, "1 h 05 min left, until 13:05"),
        (90_000, True, "25 h 00 min left, until Sunday 13:00"),
    ],
)
def test_the_time_left_is_shown_in_words(seconds: float, measured: bool, said: str):
    ends_at = datetime.fromtimestamp(WALL.timestamp() + seconds, WALL.tzinfo)
    assert time_left_text(seconds, ends_at, measured=measured) == said


RUN = """
import sys, time
from cli.context import terminal
from cli.run_progress import run_progress
from tests.unit.cli.test_live_run import half_of_a_run
with run_progress(terminal()) as progress:
    for event, _ in half_of_a_run()[:60]:
        progress(event)
    if {forever}:
        print("all shown", file=sys.stderr, flush=True)
        while True:
            time.sleep(60)
"""


def show_beginning() -> None:
    """Show the first events of a run on standard output."""
    with run_progress(terminal()) as progress:
        for event, _ in half_of_a_run()[:60]:
            progress(event)


def at_a_terminal(*, interrupted: bool = False) -> str:
    """All that a run writes to a terminal of 80 columns; one that is interrupted has 30 of them by then."""
    program = RUN.format(forever=interrupted)
    child, screen = start_at_terminal([sys.executable, "-c", program], {}, cwd=ROOT)
    shown, seen = b"", sys.maxsize
    try:
        while chunk := os.read(screen, 65536):
            shown += chunk
            if interrupted and b"all shown" in shown:
                resize(screen, columns=30)
                interrupted = False
                seen = len(shown)
            elif len(shown) - seen > 2_000:
                os.kill(child, signal.SIGINT)
                seen = sys.maxsize
    except OSError:
        # The other side of the terminal is closed.
        pass
    finally:
        os.close(screen)
    os.waitpid(child, 0)
    return shown.decode()


def test_at_a_terminal_the_view_is_drawn_and_gone_at_the_end_and_each_cell_has_its_line():
    shown = at_a_terminal()
    assert "\x1b[?25l" in shown
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l"), "the cursor is there again"
    assert "until" in shown
    after = shown[shown.rindex("left, until") :]
    assert "\x1b[2K" in after, "the view is wiped off"
    events = half_of_a_run()[:60]
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).replace("\r", "\n")
    for event, _ in events:
        if isinstance(event, CellFinished):
            assert len(re.findall(rf"(?m)^ +\d+ s +\d+/186  {event.record.attempt_id} ", plain)) == 1


def test_an_interrupt_leaves_the_cursor_and_no_half_of_a_view_that_fitted_into_a_narrower_window():
    shown = at_a_terminal(interrupted=True)
    assert "KeyboardInterrupt" in shown
    drawn = shown[: shown.index("Traceback")]
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l")
    assert "left, until" not in shown[drawn.rindex("\x1b[?25h") :]
    drawn = drawn.rsplit("\x1b[2K", 1)[0]
    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn[drawn.rindex("block ") :])
    assert max(map(len, last.splitlines())) <= 30


def test_a_terminal_without_a_cursor_gets_plain_lines(monkeypatch: pytest.MonkeyPatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    for name in CHOSEN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "dumb")
    show_beginning()
    assert "\x1b" not in screen.getvalue()
    assert re.search(r"block 1 is over: .* left, until \d\d:\d\d\n", screen.getvalue())


def test_a_pipe_gets_plain_lines_though_colours_are_forced(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("FORCE_COLOR", "1")
    show_beginning()
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert len(re.findall(r"(?m)^ +\d+ s +\d+/\d+  ", shown)) > 15
