"""Detached jobs on a host: they go on if the connection is lost or the controller is gone.

A job has a directory on the host. In it are ``stdout``, ``stderr``, the files that the job writes by relative paths,
and after its end ``status.json``, written in one step. `end_all` finds jobs by their directories, which may have been
renamed since.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from documents.base import Document
from documents.errors import DeadlineExceededError, HostError, HostUnreachableError
from provision.containers import Cgroup
from provision.payload import call
from provision.ssh import Amount, Connection

_logger = logging.getLogger(__name__)

_DEADLINE_SECONDS = 30
_GRACE_SECONDS = 10
"""How long a job's supervisor has after the deadline to end it and to write its status."""


class Job(Document):
    """A job on a host, as far as the controller has to know it; its ``job.json`` there has more."""

    model_config = ConfigDict(extra="ignore")

    directory: str
    deadline_seconds: Annotated[float, Field(gt=0)]
    supervisor_id: Amount
    process_id: Amount


class JobStatus(Document):
    """How a job ended. Times are of the host's CLOCK_MONOTONIC, in nanoseconds.

    `exit_status` is 128 + n for a job that signal n ended. `outcome` is whether the job ended by itself, was
    stopped, or was ended at its deadline.
    """

    outcome: Literal["ended", "stopped", "deadline"]
    exit_status: Amount
    started_ns: Amount
    ended_ns: Amount


class _Answer(Document):
    state: Literal["running", "ended", "lost"]
    status: JobStatus | None
    supervisor_id: Amount


def start(
    connection: Connection,
    directory: str,
    argv: Sequence[str],
    *,
    cpus: Sequence[int] | None = None,
    cgroup: Cgroup | None = None,
    deadline_seconds: float,
) -> Job:
    """Start a job on the host; returns as soon as its process runs.

    Args:
        connection: to the host.
        directory: the job's folder and working directory, created with mode 0700 if it is missing. Its parent must
            exist: a start that comes too late finds it gone and does nothing.
        argv: its command; no shell is involved, and no secret may be in it.
        cpus: the CPUs that it may run on; those of the SSH session unless given.
        cgroup: the cgroup that it runs in; that of the SSH session unless given.
        deadline_seconds: when the host ends it with its whole process group.

    Raises:
        HostError: a job was started in the directory before, or this one can't be started; then nothing of it runs.
        HostUnreachableError: the connection was lost; the job may have been started.
    """
    request = {
        "directory": directory,
        "argv": list(argv),
        "deadline_seconds": deadline_seconds,
        "cpus": None if cpus is None else list(cpus),
        "cgroups": [] if cgroup is None else cgroup.paths,
    }
    return call(
        connection,
        "job",
        request,
        Job,
        what=f"the job in {directory}",
        failure=f"The job in {directory} can't be started on {connection}",
        deadline_seconds=_DEADLINE_SECONDS,
        function="start",
    )


def wait(connection: Connection, job: Job) -> JobStatus:
    """Wait for the job's end. Repeating it on a job that has ended gives the same answer.

    Raises:
        DeadlineExceededError: the job was ended at its deadline.
        HostError: it ended without a status, because its supervisor was killed or the host restarted; or it goes on.
        HostUnreachableError: the connection was lost; the job goes on.
    """
    status = _status_after(connection, job.directory, "wait", seconds=job.deadline_seconds + _GRACE_SECONDS)
    if status.outcome == "deadline":
        raise DeadlineExceededError(
            f"The job in {job.directory} on {connection} wasn't done within {job.deadline_seconds:g} s and was ended."
        )
    return status


def pull_result(connection: Connection, job: Job, status: JobStatus, name: str, target: Path, *, program: str) -> bytes:
    """Fetch the result of a job that has ended.

    Args:
        connection: to the host.
        job: the job.
        status: how it ended.
        name: the result's file in the job's directory.
        target: where the file is written on the controller.
        program: the job's program, for messages.

    Returns:
        The file's content.

    Raises:
        HostError: the job failed, or wrote no such file; ends with what it wrote last.
        TransferError: the file didn't arrive whole.
    """
    path = f"{job.directory}/{name}"
    if status.exit_status != 0:
        failure = f"ended with the status {status.exit_status}"
    elif connection.run(["test", "-e", path], deadline_seconds=_DEADLINE_SECONDS, check=False).exit_status != 0:
        failure = "wrote no result"
    else:
        connection.pull(path, target)
        return target.read_bytes()
    raise HostError(f"{program} on {connection} {failure}: {tail(connection, job)}")


def stop(connection: Connection, job: Job) -> JobStatus:
    """End the job with its whole process group: SIGTERM, and SIGKILL five seconds later. An ended job is fine.

    Raises:
        HostError: it ended without a status, because its supervisor was killed or the host restarted; or it goes on.
    """
    return _status_after(connection, job.directory, "stop", seconds=0)


def end_all(connection: Connection, homes: str) -> None:
    """End every job whose directory is in one of these folders, also those of other controllers.

    `homes` is a pattern of the host's shell for their folders.

    Raises:
        HostUnreachableError: the connection was lost.
    """
    found = connection.run(
        f"find {homes} -mindepth 2 -maxdepth 2 -name job.json -printf '%h\\n'",
        deadline_seconds=_DEADLINE_SECONDS,
        check=False,
    )
    for directory in found.stdout.splitlines():
        try:
            _status_after(connection, directory, "stop", seconds=0)
        except HostUnreachableError:
            raise
        except HostError as error:
            # Ended without a status, as after a restart of the host: nothing is left to end.
            _logger.info("%s", error)


def tail(connection: Connection, job: Job) -> str:
    """The last lines that the job wrote to its standard output and to its standard error, on one line."""
    completed = connection.run(
        ["tail", "--quiet", "--lines=5", f"{job.directory}/stdout", f"{job.directory}/stderr"],
        deadline_seconds=_DEADLINE_SECONDS,
        check=False,
    )
    return " / ".join(completed.stdout.split("\n")).removesuffix(" / ")


def _status_after(
    connection: Connection, directory: str, function: Literal["wait", "stop"], *, seconds: float
) -> JobStatus:
    """The status of a job after a function of the host's program has waited up to this time for it, or stopped it."""
    answer = call(
        connection,
        "job",
        {"directory": directory, "seconds": seconds},
        _Answer,
        what=f"the job in {directory}",
        failure=f"The job in {directory} can't be managed on {connection}",
        deadline_seconds=seconds + _DEADLINE_SECONDS,
        function=function,
    )
    if answer.state == "running":
        raise HostError(
            f"The job in {directory} on {connection} still runs, although it should have ended. End it on the host: "
            f"`kill {answer.supervisor_id}`."
        )
    if answer.status is None:
        raise HostError(
            f"The job in {directory} on {connection} ended without a status: its supervisor was killed or the host "
            "restarted. Start it again."
        )
    return answer.status
