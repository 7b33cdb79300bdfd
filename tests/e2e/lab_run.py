"""A `lab run` in a process of its own, followed event by event, so that a test can act at a certain moment of it."""

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Queue
from typing import Annotated

from pydantic import Field, TypeAdapter

from documents.run.protocol import Plan
from documents.run.records import CellRecord, VoidReason
from experiment.progress.events import Event, Phase, PhaseStarted, RunStarted
from tests.conftest import LAB, ROOT
from tests.run_folder import read_attempts

_EVENT = TypeAdapter[Event](Annotated[Event, Field(discriminator="kind")])

API = "go"
"""The one that these runs measure: what they test is the lab's own, the same for every API."""

_PATIENCE_SECONDS = 300
"""Less than pytest gives a test, so that the test names a run that hangs. A host may compile before its first cell."""


class LabRun:
    """A `lab run --json` that goes on beside the test; `lab` is the command that is run as `lab`."""

    def __init__(self, stack: str, *arguments: str, lab: Sequence[str | Path] = (LAB,)) -> None:
        self.events: list[Event] = []
        self.stdout = self.stderr = ""
        self._queue: Queue[Event | None] = Queue()
        measured = [] if {"--resume", "--api"} & {*arguments} else ["--api", API]
        self.process = subprocess.Popen(
            [*lab, "run", "--stack", stack, "--json", *measured, *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._readers = [threading.Thread(target=read, daemon=True) for read in (self._read_events, self._read_errors)]
        for reader in self._readers:
            reader.start()

    @property
    def folder(self) -> Path:
        """The run's folder; it is known from the first event on."""
        [started] = [event for event in self.events if isinstance(event, RunStarted)]
        return Path(started.directory)

    def wait_for(self, wanted: Callable[[Event], bool]) -> Event:
        """Wait for the first event from now on that is wanted."""
        ends_at = time.monotonic() + _PATIENCE_SECONDS
        while (event := self._queue.get(timeout=max(ends_at - time.monotonic(), 0.001))) is not None:
            if wanted(event):
                return event
        raise AssertionError(f"the run ended before the event came: {self.stdout}{self.stderr}")

    def wait_for_phase(self, phase: Phase) -> PhaseStarted:
        """Wait until a cell comes to a phase."""
        event = self.wait_for(lambda event: isinstance(event, PhaseStarted) and event.phase == phase)
        assert isinstance(event, PhaseStarted)
        return event

    def follow(self, act: Callable[[Event], None]) -> int:
        """Call `act` for each event until the run's end; returns the exit code."""
        while (event := self._queue.get(timeout=_PATIENCE_SECONDS)) is not None:
            act(event)
        return self.finish()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the controller's process."""
        self.process.send_signal(number)

    def finish(self, *, patience_seconds: float = _PATIENCE_SECONDS) -> int:
        """Wait for the run's end; returns the exit code."""
        code = self.process.wait(timeout=patience_seconds)
        for reader in self._readers:
            reader.join()
        return code

    def abandon(self) -> None:
        """End the controller, however it stands with it."""
        self.process.kill()
        self.finish()

    def _read_events(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.stdout += line
            event = _EVENT.validate_json(line)
            self.events.append(event)
            self._queue.put(event)
        self._queue.put(None)

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.stderr = self.process.stderr.read()


ATTEMPTS_MOST = 5
"""As many as a protocol allows. A machine that has other work beside the test voids one attempt, and seldom all."""

OF_THE_MACHINE: frozenset[VoidReason] = frozenset({"noisy-neighbour", "generator-saturated", "steal"})
"""The reasons by which other work on the machine voids a cell. The lab's own work is in none of these: it is in its own
cgroups, and too little elsewhere.
"""


def write_protocol(
    folder: Path,
    *scenarios: tuple[str, str, int, int],
    name: str = "e2e",
    warm_up_seconds: int = 1,
    blocks: int = 1,
    attempts: int | None = None,
    timeout_seconds: int = 20,
) -> Path:
    """Write a protocol with scenarios of (name, workload, connections, seconds); returns its path.

    The time-out is long: on a small machine whose cores are shared a slow answer is no fault. There is no twin, so that
    a scenario has one cell in a block. Void cells are run again as often as in any protocol that doesn't say how often,
    unless `attempts` does.
    """
    lines = [
        "version: 1",
        f"name: {name}",
        f"blocks: {blocks}",
        f"warm_up_seconds: {warm_up_seconds}",
        f"timeout_seconds: {timeout_seconds}",
        *([] if attempts is None else [f"attempts: {attempts}"]),
        "twin: false",
        "scenarios:",
    ]
    for scenario, workload, connections, seconds in scenarios:
        lines.append(
            f"  - {{name: {scenario}, workload: {workload}, connections: {connections}, duration_seconds: {seconds}}}"
        )
    path = folder / f"{name}.yaml"
    path.write_text("\n".join(lines) + "\n")
    return path


def read_records(folder: Path) -> dict[str, CellRecord]:
    """The records of the last attempts at a run's cells, by the name of their scenario."""
    plan = Plan.from_json((folder / "plan.json").read_bytes(), name="plan.json")
    scenarios = {cell.id: cell.scenario.name for cell in plan.cells}
    return {scenarios[record.cell_id]: record for record in read_attempts(folder)}


def read_finished(folder: Path) -> dict[Path, bytes]:
    """Every file of a run's finished attempts."""
    cells = [path.parent for path in folder.glob("cells/*/cell.json")]
    return {path: path.read_bytes() for cell in cells for path in sorted(cell.iterdir())}
