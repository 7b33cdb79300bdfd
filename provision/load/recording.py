"""Recording on a host while a cell is measured, by the sampler and the watch; and the spins around its load.

The sampler writes CPU time and memory of each role's cgroup, ten times a second. The watch writes what the host's
kernel counts. Each is a program of `provision/payload`, in a job of its own, until it is stopped. A spin is a fixed
piece of work on each CPU, for calibration.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from documents.errors import DeadlineExceededError, HostError, RemoteCommandError
from documents.run import SampledRole, Spin
from provision.containers import Cgroup
from provision.load import jobs
from provision.load.jobs import Job
from provision.payload import PROGRAMS, call
from provision.ssh import Connection, unexpected


@dataclass(frozen=True)
class Recorder:
    """A program that appends lines to a file in its working folder.

    Messages use `name` and `nothing`, as in "The sampler on HOST took no sample".
    """

    name: str
    program: Path
    file_name: str
    nothing: str


SAMPLER = Recorder(name="sampler", program=PROGRAMS / "sampler.py", file_name="samples.csv", nothing="took no sample")
WATCH = Recorder(name="watch", program=PROGRAMS / "watch.py", file_name="ticks.jsonl", nothing="saw nothing")

SAMPLE_SECONDS = 0.1
"""The time between two samples."""

TICK_SECONDS = 0.4
"""The time between two ticks: even the shortest window, of a second, has two, one of which may be late."""

_FIRST_LINES_SECONDS = 10
_SPIN_SECONDS = 30


def start_sampler(
    connection: Connection,
    directory: str,
    cgroups: Mapping[SampledRole, Cgroup],
    *,
    cpus: Sequence[int] | None = None,
    deadline_seconds: float,
) -> Job:
    """Start the sampler; returns when it has written its first sample of every role.

    It is ended after `deadline_seconds` if `finish` isn't called. `cpus` are those that it may run on itself.

    Raises:
        HostError: a cgroup doesn't exist, or accounts nothing.
    """
    arguments = [str(SAMPLE_SECONDS), *(_sampled(role, cgroup) for role, cgroup in cgroups.items())]
    return start(
        connection,
        directory,
        SAMPLER,
        arguments,
        first_lines=1 + len(cgroups),
        cpus=cpus,
        deadline_seconds=deadline_seconds,
    )


def _sampled(role: SampledRole, cgroup: Cgroup) -> str:
    """A role as the sampler reads it; see `provision/payload/sampler.py`."""
    return f"{role}={cgroup.version}:{cgroup.cpu_file}:{cgroup.memory_file}"


def start_watch(
    connection: Connection,
    directory: str,
    cgroups: Mapping[SampledRole, Cgroup],
    *,
    lab_cpus: Sequence[int],
    port: int,
    cpus: Sequence[int] | None = None,
    deadline_seconds: float,
) -> Job:
    """Start the watch; returns when it has written its first tick; `cpus` and `deadline_seconds` as in `start_sampler`.

    Raises:
        HostError: a cgroup or a CPU doesn't exist.
    """
    request = {
        "period_seconds": TICK_SECONDS,
        "cpus": list(lab_cpus),
        "port": port,
        "roles": {
            role: {"version": cgroup.version, "cpu": cgroup.directories["cpuacct"]} for role, cgroup in cgroups.items()
        },
    }
    return start(
        connection,
        directory,
        WATCH,
        [json.dumps(request)],
        first_lines=1,
        cpus=cpus,
        deadline_seconds=deadline_seconds,
    )


def start(
    connection: Connection,
    directory: str,
    recorder: Recorder,
    arguments: Sequence[str],
    *,
    first_lines: int,
    cpus: Sequence[int] | None,
    deadline_seconds: float,
) -> Job:
    """Start a recorder; returns when it has written its first lines. The arguments are those of `start_sampler`.

    Raises:
        HostError: it ended before, or wrote nothing in time; nothing of it is left running.
    """
    # Without the folders above: see `jobs.start`.
    connection.run(["mkdir", "-m", "0700", "--", directory], deadline_seconds=_FIRST_LINES_SECONDS)
    program = f"{directory}/{recorder.program.name}"
    connection.push(recorder.program, program)
    argv = ["python3", "-I", program, *arguments]
    job = jobs.start(connection, directory, argv, cpus=cpus, deadline_seconds=deadline_seconds)
    ready = f'[ "$(cat {recorder.file_name} 2>/dev/null | wc -l)" -ge {first_lines} ]'
    try:
        connection.run(
            f"cd '{directory}'; until {ready}; do [ ! -e status.json ] || exit 1; sleep 0.01; done",
            deadline_seconds=_FIRST_LINES_SECONDS,
        )
    except (RemoteCommandError, DeadlineExceededError) as error:
        jobs.stop(connection, job)
        message = f"The {recorder.name} on {connection} {recorder.nothing}: {jobs.tail(connection, job)}"
        raise HostError(message) from error
    return job


def finish(connection: Connection, job: Job, recorder: Recorder, target: Path) -> str:
    """Stop recording and fetch the file.

    Returns:
        The file's SHA-256.

    Raises:
        HostError: it had ended before, because a cgroup vanished or its deadline passed.
        TransferError: the copy isn't the same as the host's file.
    """
    status = jobs.stop(connection, job)
    if status.outcome != "stopped" or status.exit_status != 0:
        raise HostError(
            f"The {recorder.name} on {connection} ended too early, with the status {status.exit_status} "
            f"({status.outcome}): {jobs.tail(connection, job)}"
        )
    return connection.pull(f"{job.directory}/{recorder.file_name}", target)


def spin(connection: Connection, cpus: Sequence[int]) -> tuple[Spin, ...]:
    """Do the calibration's fixed piece of work on each of the CPUs at once; it takes some tenths of a second.

    Raises:
        HostError: it failed, as on a CPU that the host may not use.
    """
    spins = call(
        connection,
        "spin",
        {"cpus": list(cpus)},
        tuple[Spin, ...],
        what="its calibration spin",
        failure=f"The calibration spin on {connection} failed",
        deadline_seconds=_SPIN_SECONDS,
    )
    if sorted(one.cpu for one in spins) != sorted(cpus):
        shown = ", ".join(str(one.cpu) for one in spins)
        raise unexpected(shown, what=f"a calibration spin on the CPUs {sorted(cpus)}", where=connection)
    return spins
