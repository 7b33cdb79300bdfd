"""wrk on the host, a detached job on the generator's CPUs and in its cgroup: a warm-up, or a window of load."""

import re
import shlex
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from tenacity import RetryError, Retrying, retry_if_result, stop_before_delay, wait_fixed

from documents.errors import HostError
from documents.run import WRK_FILE, WrkResult
from provision.containers import Cgroup, cgroups
from provision.load import jobs
from provision.load.jobs import Job, JobStatus
from provision.ssh import Connection
from provision.system import ChangeJournal

GENERATOR_CGROUP = "generator"
TEXT_NAME = "wrk.txt"


def generator_cgroup(connection: Connection, beside: Cgroup) -> Cgroup:
    """The generator's cgroup, created if it is missing.

    Args:
        connection: to the host.
        beside: the cgroup of one of the lab's containers. The generator's is created beside it, so that in a
            `container` host the outer limits apply to it too, and on cgroup v2 the controllers are enabled for it.

    Raises:
        HostError: it can't be made.
    """
    return _make(connection, cgroups.sibling(beside, GENERATOR_CGROUP))


def own_generator_cgroup(connection: Connection) -> Cgroup:
    """The generator's cgroup on a host without the lab's containers, created if it is missing.

    Raises:
        HostError: it can't be made.
    """
    return _make(connection, cgroups.of_host(connection, GENERATOR_CGROUP))


def _make(connection: Connection, cgroup: Cgroup) -> Cgroup:
    # On a host that the lab didn't make, it is removed with the lab.
    ChangeJournal(connection).note(cgroups=tuple(cgroup.paths))
    cgroups.create(connection, cgroup)
    return cgroup


def finish(connection: Connection, job: Job, folder: Path, *, prefix: str = "") -> WrkResult:
    """Wait for wrk's end and fetch its result, as ``wrk.json`` and ``wrk.txt`` in the folder.

    Both names begin with the prefix. ``wrk.txt`` is wrk's own printed summary. Nothing else of the job's directory is
    fetched: it may hold tokens.

    Raises:
        HostError: wrk failed, or wrote no result, as if nothing answers its first connection.
        DeadlineExceededError: it hung and was ended.
        DocumentError: its result has another shape than expected.
        TransferError: the files didn't arrive whole.
    """
    target = folder / f"{prefix}{WRK_FILE}"
    status = jobs.wait(connection, job)
    connection.pull(f"{job.directory}/stdout", folder / f"{prefix}{TEXT_NAME}")
    result = jobs.pull_result(connection, job, status, WRK_FILE, target, program="wrk")
    return WrkResult.from_json(result, name=target.name)


SERIES_NAME = "requests-by-second"

_PERIOD_SECONDS = 1
_DEADLINE_SECONDS = 30
_ENDED = "ended"
_LINE = re.compile(r"(\d{1,4}) (\d{1,9}) (\d{1,18})", re.ASCII)


def follow_warm_up(
    running: Sequence[tuple[Connection, Job]], *, threads: int, enough: Callable[[Sequence[int]], bool]
) -> tuple[tuple[int, ...], tuple[JobStatus, ...]]:
    """Read a warm-up's series about once a second, and end its wrk as soon as it is enough.

    Reading is one command for some short files, which costs the host almost nothing: it starts no Python.

    Args:
        running: each wrk, as it was started, and the connection to its host. Where there are several they were started
            together, and their seconds count as the same.
        threads: how many each has.
        enough: decides by the requests of each second so far whether the warm-up may end.

    Returns:
        The requests of each second, summed over all threads, and how each wrk ended. If `enough` ended them, the series
        is the one that it was asked about.

    Raises:
        HostError: wrk failed.
        DeadlineExceededError: it hung and was ended.
        HostUnreachableError: the connection was lost; wrk goes on to its end.
    """
    series: tuple[int, ...] = ()

    def look() -> str | None:
        nonlocal series
        texts = [_read(connection, job) for connection, job in running]
        series = tuple(map(sum, zip(*(series_of(text, threads) for text in texts), strict=False)))
        if all(text.startswith(f"{_ENDED}\n") for text in texts):
            return _ENDED
        return "enough" if enough(series) else None

    looking = Retrying(
        retry=retry_if_result(lambda seen: seen is None),
        stop=stop_before_delay(max(job.deadline_seconds for _, job in running)),
        wait=wait_fixed(_PERIOD_SECONDS),
    )
    try:
        seen = looking(look)
    except RetryError:
        # wrk is past its deadline; `jobs.wait` raises with the reason.
        seen = _ENDED
    return series, tuple(_end(connection, job, stop=seen == "enough") for connection, job in running)


def _end(connection: Connection, job: Job, *, stop: bool) -> JobStatus:
    """The status of a wrk that ended by itself or was stopped."""
    status = jobs.stop(connection, job) if stop else jobs.wait(connection, job)
    if status.outcome != "stopped" and status.exit_status != 0:
        last = jobs.tail(connection, job)
        raise HostError(f"wrk on {connection} ended with the status {status.exit_status} in the warm-up: {last}")
    return status


def series_of(text: str, threads: int) -> tuple[int, ...]:
    """Sum the threads' counts, up to the last second that each thread has reported.

    A thread reports a second when it is over. An incomplete line is left out, and all lines after it.

    Args:
        text: the threads' lines, in any order; lines of another form are ignored.
        threads: how many threads there are. As long as one has reported nothing, there is no series.
    """
    counts: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for line in text.split("\n")[:-1]:
        if found := _LINE.fullmatch(line):
            thread, second, count = map(int, found.groups())
            if thread < threads:
                counts[second][thread] = count
    series: list[int] = []
    while len(counts[len(series)]) == threads:
        series.append(sum(counts[len(series)].values()))
    return tuple(series)


def _read(connection: Connection, job: Job) -> str:
    """The line `ended` if the job has ended, then all threads' lines; in this order, so that they are complete."""
    folder = shlex.quote(job.directory)
    command = f"[ ! -e {folder}/status.json ] || echo {_ENDED}; cat {folder}/{SERIES_NAME}.* 2>/dev/null"
    return connection.run(command, deadline_seconds=_DEADLINE_SECONDS, check=False).stdout
