"""A run's folder on a host: what is in it, and how a host is rid of it and of the jobs that run there."""

import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from documents.errors import HostError, HostUnreachableError, TransferError
from documents.files import replace_file
from documents.lab import CoreLayout
from documents.run import HostWatch, SampledRole, Spin, Workload
from provision import payload
from provision.containers import Cgroup
from provision.load import Job, jobs, recording
from provision.ssh import Connection

HOME = f"{payload.HOME}/run"
ASIDE = f"{HOME}/ended-run-"
"""How the names begin that a run's folder has while it is cleared away."""

JOBS = ("warm-up", "load", "sampler", "watch")
"""The folders of a cell's jobs."""

_DEADLINE_SECONDS = 60


def path_of(name: str) -> str:
    """The path of a file or of a job's folder."""
    return f"{HOME}/{name}"


def requests_path(workload: Workload) -> str:
    """The path of a workload's request file."""
    return path_of(f"{workload}.requests")


def make(connection: Connection) -> None:
    """Make the folder where it isn't there."""
    connection.run(["install", "-d", "-m", "0700", HOME], deadline_seconds=_DEADLINE_SECONDS)


def clear(connection: Connection) -> None:
    """End what a run left behind, whoever started it, and remove its files, tokens included."""
    # Renamed before it is looked through: a job whose start is under way is found in it, or finds its folder gone.
    aside = f"{ASIDE}{uuid.uuid4().hex[:12]}"
    connection.run(f"[ ! -e '{HOME}' ] || mv -T -- '{HOME}' '{aside}'", deadline_seconds=_DEADLINE_SECONDS)
    jobs.end_all(connection, f"'{ASIDE}'*")
    connection.run(f"rm -rf -- '{ASIDE}'*", deadline_seconds=_DEADLINE_SECONDS)


def lay_ready(connection: Connection, *, end_jobs: bool) -> None:
    """Remove the folders of the last cell's jobs; where some may still run, they are ended before."""
    if end_jobs:
        jobs.end_all(connection, f"'{HOME}'")
    connection.run(["rm", "-rf", "--", *map(path_of, JOBS)], deadline_seconds=_DEADLINE_SECONDS)


SPINS_NAME = "watch.json"


class CellWatch:
    """What is seen of the host in one cell after the other. A failure ends no cell: `finish` returns it."""

    def __init__(self, connection: Connection, cores: CoreLayout) -> None:
        self._connection = connection
        self._cores = cores
        self._job: Job | None = None
        self._before: tuple[Spin, ...] = ()
        self._after: tuple[Spin, ...] = ()
        self._failure: str | None = None

    def lay_out(self, cores: CoreLayout) -> None:
        """Take these CPUs for those of the roles, from the next cell on."""
        self._cores = cores

    def start(self, directory: str, cgroups: Mapping[SampledRole, Cgroup], *, port: int, seconds: float) -> None:
        """Start the ticks of a new cell; see `provision.load.recording.start_watch`."""
        self._job, self._before, self._after, self._failure = None, (), (), None
        cores = self._cores
        with self._noting():
            self._job = recording.start_watch(
                self._connection,
                directory,
                cgroups,
                lab_cpus=sorted({*cores.api, *cores.postgres, *cores.redis, *cores.generator, *cores.system}),
                port=port,
                cpus=cores.system,
                deadline_seconds=seconds,
            )

    @contextmanager
    def around_load(self) -> Generator[None]:
        """Spin on the API's CPUs, immediately before the block and immediately after it."""
        with self._noting():
            self._before = recording.spin(self._connection, self._cores.api)
        yield
        with self._noting():
            self._after = recording.spin(self._connection, self._cores.api)

    def finish(self, folder: Path) -> str | None:
        """End the ticks and leave both files in the folder; returns why they aren't whole, None where they are.

        Raises:
            HostUnreachableError: the connection was lost.
            TransferError: the ticks didn't arrive whole.
        """
        job, self._job = self._job, None
        if job is not None:
            with self._noting():
                recording.finish(self._connection, job, recording.WATCH, folder / recording.WATCH.file_name)
        if self._before and self._after:
            replace_file(folder / SPINS_NAME, HostWatch(spins_before=self._before, spins_after=self._after).to_json())
        elif self._failure is None:
            self._failure = "There was no calibration spin around the load."
        return self._failure

    @contextmanager
    def _noting(self) -> Generator[None]:
        """Keep the first failure for `finish`."""
        try:
            yield
        except (HostUnreachableError, TransferError):
            raise
        except HostError as error:
            self._failure = self._failure or str(error)
