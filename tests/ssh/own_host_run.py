"""Measures on a host of its own that is real but for what is measured there: sshd, lock, settings, lease and guard.

`own_host_run.py HOST_JSON PLACE_JSON RUNS_DIRECTORY [RUN_DIRECTORY]`: begins a run, or goes on with one. Services, APIs
and load are those of the bench in memory, and each load is a command on the host that takes a while.
"""

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from documents.errors import HostError
from documents.host import Host
from documents.knobs import KnobRecord
from experiment import loop, run_lock
from experiment.bench import Load, Measured
from experiment.events import Event
from experiment.remote_bench import RemoteBench
from provision import channels, execution
from provision.connection import Connection, connect
from provision.tuning import Place
from tests.unit.experiment.fake_bench import INVENTORY, PROTOCOL, SECRETS, FakeBench

LEASE_SECONDS = 8.0
_SILENT_SECONDS = 10.0
"""How long the lock outlives a run that says nothing, here."""


class OwnHostBench(FakeBench):
    """The bench in memory, with the lock and the settings of a real host."""

    def __init__(self, connection: Connection, host: Host, place: Place) -> None:
        super().__init__(protocol=PROTOCOL)
        inventory = INVENTORY.model_copy(update={"host": host})
        self._connection = connection
        self._lock = f"{Path(place.program).parent}/run.lock"
        self._remote = RemoteBench(connection, inventory, SECRETS, place=place, lease_margin_seconds=0)

    @contextmanager
    def hold(self, holder: str) -> Generator[None]:
        with run_lock.held(self._connection, holder, lock=self._lock):
            yield

    def tune(self, *, seconds: float) -> tuple[KnobRecord, ...]:
        assert seconds > LEASE_SECONDS
        return self._remote.tune(seconds=LEASE_SECONDS)

    def renew(self, *, seconds: float) -> None:
        assert seconds > LEASE_SECONDS
        self._remote.renew(seconds=LEASE_SECONDS)

    def read_knobs(self) -> tuple[KnobRecord, ...]:
        return self._remote.read_knobs()

    def untune(self) -> None:
        self._remote.untune()

    def measure(self, load: Load) -> None:
        super().measure(load)
        self._connection.run(["sleep", "0.2"], deadline_seconds=5)

    def collect(self, folder: Path) -> Measured:
        self._remote.renew(seconds=LEASE_SECONDS)
        return super().collect(folder)


def main() -> None:
    # Only so that a test needn't wait as long as a user may have to.
    channels.ANSWER_SECONDS = 2
    execution._GRACE_SECONDS = 1  # pyright: ignore[reportPrivateUsage]
    run_lock._BEAT_SECONDS, run_lock._SILENT_SECONDS = 0.5, _SILENT_SECONDS  # pyright: ignore[reportPrivateUsage]
    host = Host.from_json(sys.argv[1], name="host")
    place, runs, resumed = Place(**json.loads(sys.argv[2])), Path(sys.argv[3]), sys.argv[4:]
    inventory = INVENTORY.model_copy(update={"host": host})

    def progress(event: Event) -> None:
        sys.stdout.write(f"{event.model_dump_json()}\n")
        sys.stdout.flush()

    try:
        with connect(host) as connection:
            bench = OwnHostBench(connection, host, place)
            if resumed:
                loop.resume(bench, Path(resumed[0]), inventory, SECRETS, git_commit="resumed", progress=progress)
            else:
                loop.begin(
                    bench, inventory, SECRETS, PROTOCOL, runs, order_seed=1, git_commit="begun", progress=progress
                )
    except HostError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
