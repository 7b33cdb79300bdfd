"""The sampler: CPU time and memory of each role's cgroup, ten times a second, in a job of its own on the host."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from documents.errors import HostError, RemoteCommandError
from documents.samples import SampledRole
from provision import jobs
from provision.cgroups import Cgroup
from provision.connection import Connection
from provision.jobs import Job

PERIOD_SECONDS = 0.1
FILE_NAME = "samples.csv"

_SCRIPT = Path(__file__).with_name("host") / "sampler.py"
_FIRST_SAMPLE_SECONDS = 10


def start(
    connection: Connection,
    directory: str,
    cgroups: Mapping[SampledRole, Cgroup],
    *,
    cpus: Sequence[int] | None = None,
    deadline_seconds: float,
) -> Job:
    """Start the sampler; returns when it has written its first sample of every role.

    Args:
        connection: to the host.
        directory: the job's folder on the host, made anew; ``samples.csv`` is made in it.
        cgroups: the cgroup of each role.
        cpus: the CPUs that the sampler may run on.
        deadline_seconds: when it is ended if `finish` doesn't come.

    Raises:
        HostError: a cgroup isn't there, or accounts nothing.
    """
    # Without the folders above: see `jobs.start`.
    connection.run(["mkdir", "-m", "0700", "--", directory], deadline_seconds=_FIRST_SAMPLE_SECONDS)
    script = f"{directory}/{_SCRIPT.name}"
    connection.push(_SCRIPT, script)
    argv = [
        "python3",
        "-I",
        script,
        str(PERIOD_SECONDS),
        *(_argument(role, cgroup) for role, cgroup in cgroups.items()),
    ]
    job = jobs.start(connection, directory, argv, cpus=cpus, deadline_seconds=deadline_seconds)
    lines = 1 + len(cgroups)
    ready = f'[ "$(cat {FILE_NAME} 2>/dev/null | wc -l)" -ge {lines} ]'
    try:
        connection.run(
            f"cd '{directory}'; until {ready}; do [ ! -e status.json ] || exit 1; sleep 0.01; done",
            deadline_seconds=_FIRST_SAMPLE_SECONDS,
        )
    except RemoteCommandError as error:
        raise HostError(f"The sampler on {connection} took no sample: {jobs.tail(connection, job)}") from error
    return job


def finish(connection: Connection, job: Job, target: Path) -> str:
    """Stop the sampler and fetch its table.

    Args:
        connection: to the host.
        job: what `start` gave.
        target: where the table goes on this side.

    Returns:
        The table's SHA-256.

    Raises:
        HostError: the sampler had ended before, because a cgroup vanished or its deadline passed.
        TransferError: the table didn't arrive whole.
    """
    status = jobs.stop(connection, job)
    if status.outcome != "stopped" or status.exit_status != 0:
        raise HostError(
            f"The sampler on {connection} ended too early, with the status {status.exit_status} "
            f"({status.outcome}): {jobs.tail(connection, job)}"
        )
    return connection.pull(f"{job.directory}/{FILE_NAME}", target)


def _argument(role: SampledRole, cgroup: Cgroup) -> str:
    """How the sampler is told of a role; see `provision/host/sampler.py`."""
    cpu = "cpuacct.usage" if cgroup.version == 1 else "cpu.stat"
    directories = cgroup.directories
    return f"{role}={cgroup.version}:{directories['cpuacct']}/{cpu}:{directories['memory']}/memory.stat"
