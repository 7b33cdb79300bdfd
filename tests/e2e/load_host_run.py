"""Measures from load hosts that are neighbours of the lab's host on one machine, which voids no cell here.

`load_host_run.py RUNS_DIRECTORY`: begins a run; the standard input has the inventory, the secrets and the protocol, a
line of JSON each. A line of JSON is written for each event.
"""

import sys
from pathlib import Path

from documents.inventory import Inventory, Secrets
from documents.protocol import Protocol
from experiment import disturbances
from experiment.events import Event
from experiment.run import start_run

UNLIKELY = 9.0


def allow_neighbours() -> None:
    """Void no cell for what else is at work on the machine."""
    disturbances.OTHERS_ON_API_MOST = disturbances.OTHERS_ON_GENERATOR_MOST = UNLIKELY
    disturbances.GENERATOR_WAITED_MOST = disturbances.GENERATOR_BUSY_MOST = UNLIKELY
    # Other virtual machines are neighbours as well.
    disturbances.STEAL_MOST = UNLIKELY
    disturbances.LITTLES_LAW_LEAST = 0.0


def main() -> None:
    allow_neighbours()
    inventory, secrets, protocol = sys.stdin.read().splitlines()

    def progress(event: Event) -> None:
        sys.stdout.write(f"{event.model_dump_json()}\n")
        sys.stdout.flush()

    start_run(
        Inventory.from_json(inventory, name="inventory"),
        Secrets.from_json(secrets, name="secrets"),
        Protocol.from_json(protocol, name="protocol"),
        Path(sys.argv[1]),
        progress=progress,
    )


if __name__ == "__main__":
    main()
