"""One run on this machine as a host of its own that is broken off: what it had finished, and what was set by then."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from documents.host import Host
from documents.plan import Plan
from documents.run import HostRecord
from tests.conftest import ROOT
from tests.e2e.lab_run import read_finished, read_journal
from tests.unit.provision.settings_stand_in import UNTOUCHED_SETTINGS, StandIn


class BrokenRun:
    """The run, in a process of its own each time that it is begun or gone on with; all that it has is in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.stand_in = StandIn(folder)
        self._runs = folder / "runs"
        self._process: subprocess.Popen[str] | None = None
        self._finished: dict[Path, bytes] = {}
        self._breaks = 0

    @property
    def folder(self) -> Path:
        [found] = self._runs.iterdir()
        return found

    def start(self, host: Host) -> None:
        """Begin the run, or go on with it; returns when it has started."""
        place = json.dumps(asdict(self.stand_in.place))
        resumed = [str(self.folder)] if self._breaks else []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.ssh.own_host_run", host.to_json(), place, str(self._runs), *resumed],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.wait_for("run-started")

    def wait_for(self, kind: str) -> None:
        """Wait for the next event of a kind."""
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if kind == json.loads(line)["kind"]:
                return
        raise AssertionError(f"the run ended before: {self._process.communicate()[1]}")

    def require_lost(self) -> None:
        """The run ended by itself and says that it lost the connection."""
        status, errors = self._finish()
        assert status == 1
        assert "The connection to root@127.0.0.1:" in errors
        assert "Traceback" not in errors
        self._finished = read_finished(self.folder)
        self._breaks += 1

    def require_finished(self) -> None:
        """The run measured all of its cells, kept what it had, and left the host as it was."""
        status, errors = self._finish()
        assert status == 0, errors
        assert self._finished or not self._breaks, "no cell was finished when it was broken off: this proves nothing"
        assert {path: path.read_bytes() for path in self._finished} == self._finished
        events = [entry.event for entry in read_journal(self.folder)]
        assert events.count("run-resumed") == self._breaks
        plan = Plan.from_json((self.folder / "plan.json").read_bytes(), name="plan.json")
        assert events.count("cell-finished") == len(plan.cells)
        assert events[-1] == "run-finished"
        assert self.stand_in.settings() == UNTOUCHED_SETTINGS
        assert self.stand_in.left() == []
        record = HostRecord.from_json((self.folder / "host.json").read_bytes(), name="host.json")
        assert record.knobs
        assert all(knob.controlled and knob.after == knob.before for knob in record.knobs)

    def abandon(self) -> None:
        """End the controller, however it stands with it, and the guard, which ends when it sees no lease."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
        (self.stand_in.state / "lease.json").unlink(missing_ok=True)

    def _finish(self) -> tuple[int, str]:
        """Wait for the end; returns the status and the standard error."""
        assert self._process is not None
        errors = self._process.communicate(timeout=240)[1]
        return self._process.returncode, errors
