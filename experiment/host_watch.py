"""The watch over one cell on the bench's host: spins around the load, ticks along it, and the files that they leave."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from documents.cores import CoreLayout
from documents.errors import HostError, HostUnreachableError, TransferError
from documents.samples import SampledRole
from documents.watch import HostWatch, Spin
from experiment.storage import write_whole
from provision import watching
from provision.cgroups import Cgroup
from provision.connection import Connection
from provision.jobs import Job

SPINS_NAME = "watch.json"


class CellWatch:
    """What is seen of the host in one cell after the other. A failure ends no cell: `finish` tells it."""

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
        """Start the ticks of a new cell; see `provision.watching.start`."""
        self._job, self._before, self._after, self._failure = None, (), (), None
        cores = self._cores
        with self._noting():
            self._job = watching.start(
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
        """Spin on the API's CPUs, straight before what is done within and straight after it."""
        with self._noting():
            self._before = watching.spin(self._connection, self._cores.api)
        yield
        with self._noting():
            self._after = watching.spin(self._connection, self._cores.api)

    def finish(self, folder: Path) -> str | None:
        """End the ticks and leave both files in the folder; returns why they aren't whole, None where they are.

        Raises:
            HostUnreachableError: the connection was lost.
            TransferError: the ticks didn't arrive whole.
        """
        job, self._job = self._job, None
        if job is not None:
            with self._noting():
                watching.finish(self._connection, job, folder / watching.FILE_NAME)
        if self._before and self._after:
            write_whole(folder / SPINS_NAME, HostWatch(spins_before=self._before, spins_after=self._after).to_json())
        elif self._failure is None:
            self._failure = "There was no calibration spin around the load."
        return self._failure

    @contextmanager
    def _noting(self) -> Generator[None]:
        """Keep a failure for `finish`; the first one is told."""
        try:
            yield
        except (HostUnreachableError, TransferError):
            raise
        except HostError as error:
            self._failure = self._failure or str(error)
