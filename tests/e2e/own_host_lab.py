"""`lab run` on a given host over SSH, as if it had a kernel of its own: its kernel's files are a stand-in.

`own_host_lab.py CHANGES_JSON RUN...`: `lab RUN...` except for that. The changes are the host's document, and where on
the host the kernel's files and the lab's journal of them are.
"""

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager

import experiment.running.run
import lab.lifecycle
from cli.main import main
from documents.lab.host import Host
from documents.lab.inventory import Inventory, Secrets
from experiment.bench import run_lock
from experiment.bench.remote import RemoteBench
from experiment.running import loop
from experiment.running.cell import READY_SECONDS
from lab.lifecycle.engine import Engine
from provision.kernel.tuning import KnobPaths
from provision.ssh import execution, login
from provision.ssh.connection import connect
from tests.e2e.lab_with_neighbours import allow_neighbours

LEASE_SECONDS = 15.0
"""How long the host's settings outlive a run that is gone, beyond the time of a cell."""

BEGINNING_SECONDS = 30.0
"""The same for a run that is gone before its first cell."""

SILENT_SECONDS = 10


def become(host: Host, paths: KnobPaths) -> None:
    """Have `lab run` measure on this host, and be done sooner with one that says nothing."""

    read_lab = lab.lifecycle.read_lab

    def read_own(engine: Engine) -> tuple[Inventory, Secrets]:
        inventory, secrets = read_lab(engine)
        return inventory.model_copy(update={"host": host, "own_kernel": True}), secrets

    @contextmanager
    def open_own(inventory: Inventory, secrets: Secrets) -> Generator[RemoteBench]:
        with connect(inventory.host) as opened:
            yield RemoteBench(
                opened, inventory, secrets, paths=paths, lease_margin_seconds=LEASE_SECONDS - READY_SECONDS
            )

    lab.lifecycle.read_lab = read_own
    experiment.running.run.open_bench = open_own
    # Only so that a test needn't wait as long as a user may have to.
    loop.BEGINNING_SECONDS = BEGINNING_SECONDS - LEASE_SECONDS + READY_SECONDS
    execution.ANSWER_SECONDS = login.DEAD_PEER_SECONDS = SILENT_SECONDS
    execution.GRACE_SECONDS = 2
    run_lock.BEAT_SECONDS, run_lock.SILENT_SECONDS = 1.0, SILENT_SECONDS


if __name__ == "__main__":
    changes = json.loads(sys.argv[1])
    become(Host.from_json(json.dumps(changes["host"]), name="host"), KnobPaths(**changes["paths"]))
    # Other tests run beside these.
    allow_neighbours()
    sys.argv = ["lab", *sys.argv[2:]]
    main()
