"""wrk on the host, as a detached job on the generator's own CPUs and in its own cgroup.

What wrk is told to do is the experiment's: its workload builds the command. By this room's agreement with it, wrk's
Lua script writes ``wrk.json`` into the working directory, which is the job's folder.
"""

from collections.abc import Sequence
from pathlib import Path

from documents.errors import HostError, TransferError
from documents.load import WrkResult
from provision import cgroups, jobs
from provision.cgroups import Cgroup
from provision.connection import Connection
from provision.host_changes import Journal
from provision.jobs import Job, JobStatus

GENERATOR_CGROUP = "generator"
RESULT_NAME = "wrk.json"
TEXT_NAME = "wrk.txt"


def generator_cgroup(connection: Connection, beside: Cgroup) -> Cgroup:
    """The generator's cgroup, made where it isn't there.

    Args:
        connection: to the host.
        beside: the cgroup of one of the lab's containers. The generator's is made beside it, so that in a `container`
            host the outer limits bind it too, and on cgroup v2 the controllers are enabled for it.

    Raises:
        HostError: it can't be made.
    """
    return _make(connection, cgroups.sibling(beside, GENERATOR_CGROUP))


def own_generator_cgroup(connection: Connection) -> Cgroup:
    """The generator's cgroup on a host without containers of the lab's, made where it isn't there.

    Raises:
        HostError: it can't be made.
    """
    return _make(connection, cgroups.of_host(connection, GENERATOR_CGROUP))


def _make(connection: Connection, cgroup: Cgroup) -> Cgroup:
    # On a host that the lab didn't make, it is to go with the lab.
    Journal(connection).note(cgroups=tuple(sorted(set(cgroup.directories.values()))))
    cgroups.create(connection, cgroup)
    return cgroup


def start(
    connection: Connection,
    directory: str,
    command: Sequence[str],
    *,
    cpus: Sequence[int],
    cgroup: Cgroup,
    deadline_seconds: float,
) -> Job:
    """Start wrk; it goes on when the connection is lost.

    Args:
        connection: to the host.
        directory: the job's folder on the host and wrk's working directory.
        command: wrk with its arguments, no secret among them.
        cpus: the generator's, which wrk runs on.
        cgroup: what `generator_cgroup` gave.
        deadline_seconds: when it is ended; some seconds more than the load's duration.

    Raises:
        HostError: it can't be started.
    """
    return jobs.start(connection, directory, command, cpus=cpus, cgroup=cgroup, deadline_seconds=deadline_seconds)


def finish(connection: Connection, job: Job, folder: Path, *, prefix: str = "") -> tuple[JobStatus, WrkResult]:
    """Wait for wrk's end and fetch what it tells, as ``wrk.json`` and ``wrk.txt`` in the folder.

    Both names begin with the prefix. ``wrk.txt`` is wrk's own printed summary. Nothing else of the job's directory is
    fetched: it may hold tokens.

    Returns:
        The load window on the host's CLOCK_MONOTONIC, and wrk's result.

    Raises:
        HostError: wrk failed, or wrote no result, as it does when nobody answers its first connection.
        DeadlineExceededError: it hung and was ended.
        DocumentError: its result isn't of the shape that it must have.
        TransferError: the files didn't arrive whole.
    """
    target = folder / f"{prefix}{RESULT_NAME}"
    status = jobs.wait(connection, job)
    connection.pull(f"{job.directory}/stdout", folder / f"{prefix}{TEXT_NAME}")
    if status.exit_status != 0:
        raise HostError(f"wrk on {connection} ended with the status {status.exit_status}: {jobs.tail(connection, job)}")
    try:
        connection.pull(f"{job.directory}/{RESULT_NAME}", target)
    except TransferError as error:
        raise HostError(f"wrk on {connection} wrote no result: {jobs.tail(connection, job)}") from error
    return status, WrkResult.from_json(target.read_bytes(), name=target.name)
