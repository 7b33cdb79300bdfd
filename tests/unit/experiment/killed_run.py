"""Runs the loop on a fake bench and kills itself without warning.

`killed_run.py RUNS_DIRECTORY step|event NUMBER [SPOILT_WINDOW…]`
"""

import os
import signal
import sys
from pathlib import Path

from experiment import loop
from experiment.events import Event
from tests.unit.experiment.fake_bench import INVENTORY, PROTOCOL, SECRETS, FakeBench


def main() -> None:
    runs_directory, kind, number = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    events = 0

    def before(_step: str, count: int) -> None:
        if kind == "step" and count == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def progress(_event: Event) -> None:
        nonlocal events
        events += 1
        if kind == "event" and events == number:
            os.kill(os.getpid(), signal.SIGKILL)

    loop.begin(
        FakeBench(before=before, spoilt=frozenset(map(int, sys.argv[4:]))),
        INVENTORY,
        SECRETS,
        PROTOCOL,
        runs_directory,
        order_seed=7,
        git_commit="abc",
        progress=progress,
    )


main()
