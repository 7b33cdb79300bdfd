"""Progress at the terminal: one line for each thing done, a live line for what is under way; plain lines elsewhere."""

import time
from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status

from lab.lifecycle.engine import ResourceProgress

_QUICK_SECONDS = 1.0
"""What took less isn't worth a line of its own."""

_REMINDER_SECONDS = 30.0
"""Where there is no live line, how often a long operation says that it goes on."""


def elapsed(since: float) -> str:
    """Whole seconds since a moment of the monotonic clock, set in a column."""
    return f"{time.monotonic() - since:4.0f} s"


class EngineProgress:
    """Shows the engine's operations on resources as they begin and end."""

    def __init__(self, console: Console, status: Status) -> None:
        self._console = console
        self._status = status
        self._start = time.monotonic()
        self._under_way: dict[str, str] = {}
        self.changes = 0

    def __call__(self, step: ResourceProgress) -> None:
        """Take in one step."""
        if step.seconds is None:
            self._under_way[step.name] = f"{step.doing} {step.name} ({step.kind})"
            if not self._console.is_terminal:
                self._console.print(f"{elapsed(self._start)}  {self._under_way[step.name]}")
        else:
            self._under_way.pop(step.name, None)
            self.changes += 1
            if step.seconds >= _QUICK_SECONDS or self._console.is_terminal:
                self._console.print(
                    f"{elapsed(self._start)}  {step.done} {step.name} ({step.kind}) in {step.seconds:.0f} s"
                )
        self._status.update(", ".join(self._under_way.values()) or "working")


@contextmanager
def engine_progress(console: Console) -> Generator[EngineProgress]:
    """Show the engine's work while the context is open."""
    with console.status("asking the engine") as status:
        yield EngineProgress(console, status)
