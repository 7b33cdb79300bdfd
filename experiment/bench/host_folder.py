"""A run's folder on a host: its contents, and the removal of the folder and its jobs."""

import uuid
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from documents.errors import AnalysisError, DocumentError, HostError, HostUnreachableError, TransferError
from documents.files import replace_file
from documents.lab import ROLES, CoreLayout
from documents.run import HostWatch, SampledRole, Spin, Workload
from provision import payload
from provision.containers import Cgroup
from provision.load import Job, jobs, recording
from provision.ssh import Connection

_Found = TypeVar("_Found")

HOME = f"{payload.HOME}/run"
ASIDE = f"{payload.HOME}/ended-run-"
"""The beginning of a run folder's name during its removal."""

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
    """Create the folder if it is missing."""
    connection.run(["install", "-d", "-m", "0700", HOME], deadline_seconds=_DEADLINE_SECONDS)


def clear(connection: Connection) -> None:
    """End the jobs that any run left behind, and remove its files, tokens included."""
    # Renamed first: a job that is just starting is then found in it, or fails because its folder is gone.
    aside = f"{ASIDE}{uuid.uuid4().hex[:12]}"
    connection.run(f"[ ! -e '{HOME}' ] || mv -T -- '{HOME}' '{aside}'", deadline_seconds=_DEADLINE_SECONDS)
    jobs.end_all(connection, f"'{ASIDE}'*")
    connection.run(f"rm -rf -- '{ASIDE}'*", deadline_seconds=_DEADLINE_SECONDS)


def empty(connection: Connection, *, end_jobs: bool) -> None:
    """Remove the folders of the last cell's jobs; with `end_jobs`, end the jobs before."""
    if end_jobs:
        jobs.end_all(connection, f"'{HOME}'")
    connection.run(["rm", "-rf", "--", *map(path_of, JOBS)], deadline_seconds=_DEADLINE_SECONDS)


def or_failure(fetch: Callable[[], _Found]) -> tuple[_Found | None, str | None]:
    """The fetched value, or why there is none; raises if the connection was lost or the copy failed."""
    try:
        return fetch(), None
    except (HostUnreachableError, TransferError):
        raise
    except (AnalysisError, DocumentError, HostError) as error:
        return None, str(error)


SPINS_NAME = "watch.json"


class CellWatch:
    """Runs the watch in each cell. A failure doesn't end the cell: `finish` returns it."""

    def __init__(self, connection: Connection, cores: CoreLayout) -> None:
        self._connection = connection
        self._cores = cores
        self._job: Job | None = None
        self._before: tuple[Spin, ...] = ()
        self._after: tuple[Spin, ...] = ()
        self._failure: str | None = None

    def use(self, cores: CoreLayout) -> None:
        """Use these CPUs of the roles from the next cell on."""
        self._cores = cores

    def start(self, directory: str, cgroups: Mapping[SampledRole, Cgroup], *, port: int, seconds: float) -> None:
        """Start the ticks of a new cell; see `provision.load.recording.start_watch`."""
        self._job, self._before, self._after, self._failure = None, (), (), None
        cores = self._cores
        self._job = self._noted(
            lambda: recording.start_watch(
                self._connection,
                directory,
                cgroups,
                lab_cpus=sorted({cpu for role in ROLES for cpu in cores.of(role)}),
                port=port,
                cpus=cores.system,
                deadline_seconds=seconds,
            )
        )

    @contextmanager
    def around_load(self) -> Generator[None]:
        """Spin on the API's CPUs, immediately before the block and immediately after it."""
        self._before = self._noted(self._spin) or ()
        yield
        self._after = self._noted(self._spin) or ()

    def finish(self, folder: Path) -> str | None:
        """End the ticks and write both files to the folder; returns None, or why they are incomplete.

        Raises:
            HostUnreachableError: the connection was lost.
            TransferError: the ticks didn't arrive complete.
        """
        job, self._job = self._job, None
        if job is not None:
            target = folder / recording.WATCH.file_name
            self._noted(lambda: recording.finish(self._connection, job, recording.WATCH, target))
        if self._before and self._after:
            replace_file(folder / SPINS_NAME, HostWatch(spins_before=self._before, spins_after=self._after).to_json())
        elif self._failure is None:
            self._failure = "There was no calibration spin around the load."
        return self._failure

    def _spin(self) -> tuple[Spin, ...]:
        return recording.spin(self._connection, self._cores.api)

    def _noted(self, act: Callable[[], _Found]) -> _Found | None:
        """The result, or None; the first failure is kept for `finish`."""
        found, failure = or_failure(act)
        self._failure = self._failure or failure
        return found
