"""Measures on a lab's host as on a host of its own, with a stand-in for its kernel's files.

`own_host_run.py LAB_JSON RUNS_DIRECTORY PROTOCOL_FILE PLACE_JSON [RUN_DIRECTORY]`: begins a run, or goes on with one.
The lab's JSON, inventory and secrets, comes from a file that only its user can read.
"""

import json
import sys
from pathlib import Path

from documents.errors import HostError
from documents.inventory import Inventory, Secrets
from experiment import loop
from experiment.events import Event
from experiment.protocol_file import read_protocol
from experiment.remote_bench import RemoteBench
from provision.connection import connect
from provision.tuning import Place

LEASE_MARGIN_SECONDS = 5


def main() -> None:
    lab = json.loads(Path(sys.argv[1]).read_text())
    inventory = Inventory.from_json(json.dumps(lab["inventory"]), name="inventory")
    secrets = Secrets.from_json(json.dumps(lab["secrets"]), name="secrets")
    place = Place(**json.loads(sys.argv[4]))

    def progress(event: Event) -> None:
        sys.stdout.write(f"{event.model_dump_json()}\n")
        sys.stdout.flush()

    try:
        with connect(inventory.host) as connection:
            bench = RemoteBench(connection, inventory, secrets, place=place, lease_margin_seconds=LEASE_MARGIN_SECONDS)
            if len(sys.argv) > 5:
                loop.resume(bench, Path(sys.argv[5]), inventory, secrets, git_commit="resumed", progress=progress)
            else:
                loop.begin(
                    bench,
                    inventory,
                    secrets,
                    read_protocol(sys.argv[3]),
                    Path(sys.argv[2]),
                    apis=[inventory.apis[0].name],
                    order_seed=1,
                    git_commit="begun",
                    progress=progress,
                )
    except HostError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
