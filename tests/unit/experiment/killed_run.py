"""Runs of the loop on a fake bench that kill themselves without warning, each in a process of its own."""

import multiprocessing
import os
import signal
from collections.abc import Sequence
from pathlib import Path

from documents.run.protocol import Protocol
from experiment.progress.events import Event
from tests.unit.experiment.fake_bench import PROTOCOL, FakeBench
from tests.unit.experiment.loop_runs import begin

# What a run imports takes a second: one process imports it, and the runs' are forked from that.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload([__name__])

_DEADLINE_SECONDS = 60


def kill_run(
    runs_directory: Path, kind: str, number: int, *, spoilt: Sequence[int] = (), protocol: Protocol = PROTOCOL
) -> int | None:
    """Begin a run and have it killed at a `step` of its bench, or at an `event`; returns its process's exit code."""
    process = _PROCESSES.Process(target=_begin, args=(runs_directory, kind, number, spoilt, protocol), daemon=True)
    process.start()
    process.join(_DEADLINE_SECONDS)
    return process.exitcode


def _begin(runs_directory: Path, kind: str, number: int, spoilt: Sequence[int], protocol: Protocol) -> None:
    events = 0

    def before(_step: str, count: int) -> None:
        if kind == "step" and count == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def progress(_event: Event) -> None:
        nonlocal events
        events += 1
        if kind == "event" and events == number:
            os.kill(os.getpid(), signal.SIGKILL)

    begin(FakeBench(before=before, spoilt=frozenset(spoilt)), runs_directory, progress, protocol=protocol)
