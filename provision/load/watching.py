"""The watch: what the host's kernel counts while a cell is measured, and the calibration spins around its load."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from documents.base import Document
from documents.errors import HostError, RemoteCommandError
from documents.run import SampledRole, Spin
from provision.containers import Cgroup
from provision.load import recording
from provision.load.jobs import Job
from provision.load.recording import Recorder
from provision.payload import FOLDER as PAYLOAD
from provision.ssh import Connection, read_answer, unexpected

PERIOD_SECONDS = 0.4
"""So that even the shortest window, of a second, has two ticks, one of which may come late."""

FILE_NAME = "ticks.jsonl"

_SCRIPT = PAYLOAD / "watch.py"
_WATCH = Recorder(name="watch", script=_SCRIPT, file_name=FILE_NAME, nothing="saw nothing")
_DEADLINE_SECONDS = 30


class _Spins(Document):
    spins: tuple[Spin, ...]


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
    except RemoteCommandError as error:
        raise HostError(f"The calibration spin on {connection} failed: {error}") from error
    told = read_answer(_Spins, f'{{"spins": {answer}}}', what="its calibration spin", where=connection).spins
    if sorted(spin.cpu for spin in told) != sorted(cpus):
        raise unexpected(answer, what=f"a calibration spin on the CPUs {sorted(cpus)}", where=connection)
    return told


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
    request = {
        "period_seconds": PERIOD_SECONDS,
        "cpus": list(lab_cpus),
        "port": port,
        "roles": {
            role: {"version": cgroup.version, "cpu": cgroup.directories["cpuacct"]} for role, cgroup in cgroups.items()
        },
    }
    return recording.start(
        connection,
        directory,
        _WATCH,
        ["follow", json.dumps(request)],
        first_lines=1,
        cpus=cpus,
        deadline_seconds=deadline_seconds,
    )


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
    return recording.finish(connection, job, _WATCH, target)
