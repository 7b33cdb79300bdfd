"""A script that records on the host, in a job of its own, until it's told to stop: the sampler and the watch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from documents.errors import DeadlineExceededError, HostError, RemoteCommandError
from provision.load import jobs
from provision.load.jobs import Job
from provision.ssh import Connection

_FIRST_LINES_SECONDS = 10


@dataclass(frozen=True)
class Recorder:
    """A script of `provision/payload` that appends lines to a file in its working directory.

    `name` is what messages call it, as in "The sampler on HOST took no sample", of which `nothing` is the end.
    """

    name: str
    script: Path
    file_name: str
    nothing: str


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
    """Start to record; returns when the first lines are written.

    Args:
        connection: to the host.
        directory: the job's folder on the host, made anew; the recorder's file is made in it.
        recorder: what records.
        arguments: of its script.
        first_lines: how many lines it writes at once.
        cpus: the CPUs that it may run on; those of the SSH session where None.
        deadline_seconds: when it is ended if `finish` doesn't come.

    Raises:
        HostError: it ended before, or wrote nothing in time; nothing of it runs then.
    """
    # Without the folders above: see `jobs.start`.
    connection.run(["mkdir", "-m", "0700", "--", directory], deadline_seconds=_FIRST_LINES_SECONDS)
    script = f"{directory}/{recorder.script.name}"
    connection.push(recorder.script, script)
    argv = ["python3", "-I", script, *arguments]
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

    Args:
        connection: to the host.
        job: what `start` gave.
        recorder: what records.
        target: where the file goes on this side.

    Returns:
        The file's SHA-256.

    Raises:
        HostError: it had ended before, because a cgroup vanished or its deadline passed.
        TransferError: the file didn't arrive whole.
    """
    status = jobs.stop(connection, job)
    if status.outcome != "stopped" or status.exit_status != 0:
        raise HostError(
            f"The {recorder.name} on {connection} ended too early, with the status {status.exit_status} "
            f"({status.outcome}): {jobs.tail(connection, job)}"
        )
    return connection.pull(f"{job.directory}/{recorder.file_name}", target)
