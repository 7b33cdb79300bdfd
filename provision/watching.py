"""The watch: what the host's kernel counts while a cell is measured, and the calibration spins around its load."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from documents.errors import HostError, RemoteCommandError
from documents.samples import SampledRole
from documents.watch import Spin
from provision import jobs
from provision.cgroups import Cgroup
from provision.connection import Connection
from provision.jobs import Job

PERIOD_SECONDS = 0.4
"""So that even the shortest window, of a second, has two ticks, one of which may come late."""

FILE_NAME = "ticks.jsonl"

_SCRIPT = Path(__file__).with_name("host") / "watch.py"
_DEADLINE_SECONDS = 30
_FIRST_TICK_SECONDS = 10
_SPINS = TypeAdapter(tuple[Spin, ...])


def spin(connection: Connection, cpus: Sequence[int]) -> tuple[Spin, ...]:
    """Do the calibration's fixed piece of work on each of the CPUs at once; some tenths of a second.

    Raises:
        HostError: it can't be done, as on a CPU that the host may not use.
    """
    try:
        answer = connection.run(
            ["python3", "-I", "-", "spin", ",".join(map(str, cpus))],
            input=_SCRIPT.read_bytes(),
            deadline_seconds=_DEADLINE_SECONDS,
        ).stdout
        return _SPINS.validate_json(answer)
    except (RemoteCommandError, ValidationError) as error:
        raise HostError(f"The calibration spin on {connection} failed: {error}") from error


def start(
    connection: Connection,
    directory: str,
    cgroups: Mapping[SampledRole, Cgroup],
    *,
    lab_cpus: Sequence[int],
    port: int,
    cpus: Sequence[int] | None = None,
    deadline_seconds: float,
) -> Job:
    """Start to write ticks; returns when the first is written.

    Args:
        connection: to the host.
        directory: the job's folder on the host, made anew; ``ticks.jsonl`` is made in it.
        cgroups: the cgroup of each role.
        lab_cpus: the CPUs whose times are told.
        port: the API's, whose connections are counted.
        cpus: the CPUs that the watch itself may run on.
        deadline_seconds: when it is ended if `finish` doesn't come.

    Raises:
        HostError: a cgroup or a CPU isn't there.
    """
    # Without the folders above: see `jobs.start`.
    connection.run(["mkdir", "-m", "0700", "--", directory], deadline_seconds=_FIRST_TICK_SECONDS)
    script = f"{directory}/{_SCRIPT.name}"
    connection.push(_SCRIPT, script)
    request = {
        "period_seconds": PERIOD_SECONDS,
        "cpus": list(lab_cpus),
        "port": port,
        "roles": {
            role: {"version": cgroup.version, "cpu": cgroup.directories["cpuacct"]} for role, cgroup in cgroups.items()
        },
    }
    argv = ["python3", "-I", script, "follow", json.dumps(request)]
    job = jobs.start(connection, directory, argv, cpus=cpus, deadline_seconds=deadline_seconds)
    try:
        connection.run(
            f"cd '{directory}'; until [ -s {FILE_NAME} ]; do [ ! -e status.json ] || exit 1; sleep 0.01; done",
            deadline_seconds=_FIRST_TICK_SECONDS,
        )
    except RemoteCommandError as error:
        raise HostError(f"The watch on {connection} saw nothing: {jobs.tail(connection, job)}") from error
    return job


def finish(connection: Connection, job: Job, target: Path) -> str:
    """Stop the watch and fetch its ticks.

    Args:
        connection: to the host.
        job: what `start` gave.
        target: where the ticks go on this side.

    Returns:
        The file's SHA-256.

    Raises:
        HostError: the watch had ended before, because a cgroup vanished or its deadline passed.
        TransferError: the file didn't arrive whole.
    """
    status = jobs.stop(connection, job)
    if status.outcome != "stopped" or status.exit_status != 0:
        raise HostError(
            f"The watch on {connection} ended too early, with the status {status.exit_status} "
            f"({status.outcome}): {jobs.tail(connection, job)}"
        )
    return connection.pull(f"{job.directory}/{FILE_NAME}", target)
