"""Progress at the terminal: one line for each thing done, a live line for what is under way; plain lines elsewhere."""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, nullcontext

from rich.console import Console
from rich.text import Text

from lab.lifecycle import ResourceProgress

_QUICK_SECONDS = 1.0
"""What took less isn't worth a line of its own."""

_REMINDER_SECONDS = 30.0
"""Where there is no live line, how often a long operation says that it goes on."""


def elapsed(since: float) -> str:
    """Whole seconds since a moment of the monotonic clock, set in a column."""
    return f"{time.monotonic() - since:4.0f} s"


class UnderWay:
    """What is under way, each thing with the seconds that it has taken when it is looked at.

    Another thread may look at it at any moment.
    """

    def __init__(self, what: str) -> None:
        self._begun = {what: time.monotonic()}

    def become(self, what: str) -> None:
        """Let one thing take the place of all that was under way."""
        self._begun = {what: time.monotonic()}

    def become_all(self, begun: dict[str, float]) -> None:
        """Let several things take that place, each with the moment of the monotonic clock at which it began."""
        self._begun = dict(begun)

    def __str__(self) -> str:
        now = time.monotonic()
        return "; ".join(f"{what}, {now - since:.0f} s" for what, since in self._begun.items())

    def __rich__(self) -> Text:
        return Text(str(self))


@contextmanager
def under_way(console: Console, what: str) -> Generator[UnderWay]:
    """Show what is under way while the context is open: on a live line, or by reminders without a terminal."""
    doing = UnderWay(what)
    ended = threading.Event()
    reminders = threading.Thread(target=_remind, args=(console, doing, ended), name="reminders", daemon=True)
    # The live line is drawn several times a second, so the time advances by itself.
    with console.status(doing) if console.is_interactive else nullcontext():
        if not console.is_interactive:
            reminders.start()
        try:
            yield doing
        finally:
            ended.set()
            if reminders.is_alive():
                reminders.join()


def _remind(console: Console, doing: UnderWay, ended: threading.Event) -> None:
    start = time.monotonic()
    while not ended.wait(_REMINDER_SECONDS):
        try:
            console.print(f"{elapsed(start)}  {doing}", markup=False, soft_wrap=True)
        except OSError:
            # The output can't be written to. Whoever waits for the operation gets the same error, and reports it.
            return


class EngineProgress:
    """Shows the engine's operations on resources as they begin and end."""

    def __init__(self, console: Console, doing: UnderWay) -> None:
        self._console = console
        self._doing = doing
        self._start = time.monotonic()
        self._begun: dict[str, float] = {}
        self.changes = 0

    def __call__(self, step: ResourceProgress) -> None:
        """Take in one step."""
        doing = f"{step.doing} {step.name} ({step.kind})"
        if step.seconds is None:
            self._begun[doing] = time.monotonic()
            if not self._console.is_interactive:
                self._console.print(f"{elapsed(self._start)}  {doing}")
        else:
            self._begun.pop(doing, None)
            self.changes += 1
            if step.seconds >= _QUICK_SECONDS or self._console.is_interactive:
                self._console.print(
                    f"{elapsed(self._start)}  {step.done} {step.name} ({step.kind}) in {step.seconds:.0f} s"
                )
        if self._begun:
            self._doing.become_all(self._begun)
        else:
            self._doing.become("working")
