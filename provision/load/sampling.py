"""The sampler: CPU time and memory of each role's cgroup, ten times a second, in a job of its own on the host."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from documents.run import SampledRole
from provision.containers import Cgroup
from provision.load import recording
from provision.load.jobs import Job
from provision.load.recording import Recorder
from provision.payload import FOLDER as PAYLOAD
from provision.ssh import Connection

PERIOD_SECONDS = 0.1
FILE_NAME = "samples.csv"

_SAMPLER = Recorder(
    name="sampler",
    script=PAYLOAD / "sampler.py",
    file_name=FILE_NAME,
    nothing="took no sample",
)


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
    arguments = [str(PERIOD_SECONDS), *(_argument(role, cgroup) for role, cgroup in cgroups.items())]
    return recording.start(
        connection,
        directory,
        _SAMPLER,
        arguments,
        first_lines=1 + len(cgroups),
        cpus=cpus,
        deadline_seconds=deadline_seconds,
    )


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
    return recording.finish(connection, job, _SAMPLER, target)


def _argument(role: SampledRole, cgroup: Cgroup) -> str:
    """How the sampler is told of a role; see `provision/payload/sampler.py`."""
    cpu = "cpuacct.usage" if cgroup.version == 1 else "cpu.stat"
    directories = cgroup.directories
    return f"{role}={cgroup.version}:{directories['cpuacct']}/{cpu}:{directories['memory']}/memory.stat"
