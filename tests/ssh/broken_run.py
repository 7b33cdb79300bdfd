"""One run on a host of its own that is broken off time and again: what it had finished, and what was set by then."""

import json
import random
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

from documents.host import Host
from documents.run import HostRecord
from tests.conftest import ROOT
from tests.e2e.lab_run import read_finished, read_journal
from tests.unit.provision.settings_stand_in import UNTOUCHED_SETTINGS

KILLS = 10


class BrokenRun(ABC):
    """The run, in a process of its own each time that it is begun or gone on with.

    `folder` is where runs are, of which there is only this one. It has so many `cells`. A cell has ten events, so less
    than two are finished between two of the random moments: with two cells more than there are moments, the run is
    never over before them. One that isn't killed so often may have fewer.
    """

    cells = KILLS + 2

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        self._finished: dict[Path, bytes] = {}
        self.breaks = 0

    @abstractmethod
    def command(self, host: Host) -> list[str]:
        """What begins the run on a host, or goes on with it where a run's folder is its last argument."""

    @abstractmethod
    def settings(self) -> dict[str, str]:
        """What the host's settings are."""

    @abstractmethod
    def left(self) -> list[str]:
        """What of journal and lease is left on the host."""

    def is_tuned(self) -> bool:
        """Whether the run's settings are at work, as far as they don't depend on the host's cores."""
        found = self.settings()
        wanted = (
            ("proc/sys/vm/swappiness", "1"),
            ("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance"),
        )
        return all(found[name] == value for name, value in wanted)

    @property
    def folder(self) -> Path:
        [found] = self._folder.iterdir()
        return found

    def start(self, host: Host) -> None:
        """Begin the run, or go on with it; returns when it has started."""
        resumed = [str(self.folder)] if self.breaks else []
        self._process = subprocess.Popen(
            [*self.command(host), *resumed],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.wait_for("run-started")

    def wait_for(self, kind: str, phase: str | None = None) -> None:
        """Wait for the next event of a kind, or for any where that is empty."""
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            event = json.loads(line)
            if kind in {"", event["kind"]} and phase in {None, event.get("phase")}:
                return
        raise AssertionError(f"the run ended before: {self._process.communicate()[1]}")

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the controller's process."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill_at_ten_random_moments(self, host: Host) -> None:
        """Begin the run and kill it, go on with it and kill it, and so on; what it had finished stays."""
        seed = random.SystemRandom().randrange(2**32)
        draw, tuned = random.Random(seed), 0  # noqa: S311 - moments, not secrets
        print(f"seed of the moments: {seed}")  # noqa: T201 - pytest shows it where the test fails
        for kill in range(KILLS):
            self.start(host)
            # The first moment lies behind a cell's end, so that there is something to be kept.
            for _ in range(draw.randint(0 if kill else 10, 17)):
                self.wait_for("")
            time.sleep(draw.uniform(0, 0.1))
            self.send(signal.SIGKILL)
            assert self.finish()[0] == -signal.SIGKILL
            self.remember()
            tuned += self.is_tuned()
        assert tuned > KILLS / 2, "at most of the moments there must have been something to put back"

    def finish(self, *, patience_seconds: float = 180) -> tuple[int, str]:
        """Wait for the end; returns the status and the standard error."""
        assert self._process is not None
        errors = self._process.communicate(timeout=patience_seconds)[1]
        return self._process.returncode, errors

    def require_lost(self) -> None:
        """The run ended by itself and says that it lost the connection."""
        status, errors = self.finish(patience_seconds=240)
        assert status == 1
        assert "The connection to root@127.0.0.1:" in errors
        assert "Traceback" not in errors
        self.remember()

    def remember(self) -> None:
        """Take down what is finished after a break; nothing of it may have changed since the last one."""
        self._require_unchanged()
        self._finished = read_finished(self.folder)
        self.breaks += 1

    def wait_until_put_back(self, lease_seconds: float) -> None:
        """Wait until the host itself has put back all that the run had set, when its lease lapsed."""
        _wait_until(lambda: self.settings() == UNTOUCHED_SETTINGS, lease_seconds + 60)
        _wait_until(lambda: self.left() == [], 10)

    def require_finished(self) -> None:
        """The run measured all of its cells, kept what it had, and left the host as it was."""
        status, errors = self.finish()
        assert status == 0, errors
        assert self._finished or not self.breaks, "no cell was finished when it was broken off: this proves nothing"
        self._require_unchanged()
        events = [entry.event for entry in read_journal(self.folder)]
        assert events.count("run-resumed") == self.breaks
        assert events.count("cell-finished") == self.cells
        assert events[-1] == "run-finished"
        assert self.settings() == UNTOUCHED_SETTINGS
        assert self.left() == []
        record = HostRecord.from_json((self.folder / "host.json").read_bytes(), name="host.json")
        assert record.knobs
        assert all(knob.controlled and knob.after == knob.before for knob in record.knobs)

    def abandon(self) -> None:
        """End the controller, however it stands with it."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def _require_unchanged(self) -> None:
        assert {path: path.read_bytes() for path in self._finished} == self._finished


def _wait_until(done: Callable[[], bool], seconds: float) -> None:
    ends_at = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < ends_at, "it didn't come to that"
        time.sleep(0.1)
