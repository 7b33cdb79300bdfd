"""Progress at the terminal: a line for each finished step, a live line for the current one; plain lines elsewhere."""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from lab.lifecycle import ResourceProgress

_QUICK_SECONDS = 1.0
"""Faster steps get no line."""

_REMINDER_SECONDS = 30.0
"""How often a long operation prints a reminder if there is no live line."""


def elapsed(since: float) -> str:
    """Whole seconds since a time of the monotonic clock, as a column."""
    return f"{time.monotonic() - since:4.0f} s"


class UnderWay:
    """The current operations, each with its seconds so far. Other threads may read it at any time."""

    def __init__(self, what: str) -> None:
        self._begun = {what: time.monotonic()}

    def become(self, what: str) -> None:
        """Replace the current operations by one."""
        self._begun = {what: time.monotonic()}

    def become_all(self, begun: dict[str, float]) -> None:
        """Replace the current operations by several, each with its start on the monotonic clock."""
        self._begun = dict(begun)

    def __str__(self) -> str:
        now = time.monotonic()
        return "; ".join(f"{what}, {now - since:.0f} s" for what, since in self._begun.items())

    def __rich__(self) -> "Text":
        from rich.text import Text

        return Text(str(self))


@contextmanager
def under_way(console: "Console", what: str) -> Generator[UnderWay]:
    """Show an operation during the context: on a live line, or by reminders without a terminal."""
    doing = UnderWay(what)
    ended = threading.Event()
    reminders = threading.Thread(target=_remind, args=(console, doing, ended), name="reminders", daemon=True)
    # The live line is drawn several times a second, so its time advances.
    with console.status(doing) if console.is_interactive else nullcontext():
        if not console.is_interactive:
            reminders.start()
        try:
            yield doing
        finally:
            ended.set()
            if reminders.is_alive():
                reminders.join()


def _remind(console: "Console", doing: UnderWay, ended: threading.Event) -> None:
    start = time.monotonic()
    while not ended.wait(_REMINDER_SECONDS):
        try:
            console.print(f"{elapsed(start)}  {doing}", markup=False, soft_wrap=True)
        except OSError:
            # The output can't be written. The caller gets the same error, and reports it.
            return


class EngineProgress:
    """Shows the engine's operations on resources as they begin and end."""

    def __init__(self, console: "Console", doing: UnderWay) -> None:
        self._console = console
        self._doing = doing
        self._start = time.monotonic()
        self._begun: dict[str, float] = {}
        self.changes = 0

    def __call__(self, step: "ResourceProgress") -> None:
        """Show one step."""
        doing = f"{step.doing} {step.name} ({step.kind})"
        if step.seconds is None:
            self._begun[doing] = time.monotonic()
            if not self._console.is_interactive:
                self._console.print(f"{elapsed(self._start)}  {doing}", markup=False)
        else:
            self._begun.pop(doing, None)
            self.changes += 1
            if step.seconds >= _QUICK_SECONDS or self._console.is_interactive:
                self._console.print(
                    f"{elapsed(self._start)}  {step.done} {step.name} ({step.kind}) in {step.seconds:.0f} s",
                    markup=False,
                )
        if self._begun:
            self._doing.become_all(self._begun)
        else:
            self._doing.become("working")
