"""wrk as a warm-up: watched while it runs, and ended as soon as it has run enough.

By this room's agreement with the experiment, wrk's Lua script tells the requests of each whole second in files of the
job's folder, one for each thread, whose names begin with `SERIES_NAME`. A line is `<thread> <second> <requests>`.
"""

import re
import shlex
from collections import defaultdict
from collections.abc import Callable, Sequence

from tenacity import RetryError, Retrying, retry_if_result, stop_before_delay, wait_fixed

from documents.errors import HostError
from provision import jobs
from provision.connection import Connection
from provision.jobs import Job, JobStatus

SERIES_NAME = "requests-by-second"

_PERIOD_SECONDS = 1
_DEADLINE_SECONDS = 30
_ENDED = "ended"
_LINE = re.compile(r"(\d{1,4}) (\d{1,9}) (\d{1,18})", re.ASCII)


def watch(
    running: Sequence[tuple[Connection, Job]], *, threads: int, enough: Callable[[Sequence[int]], bool]
) -> tuple[tuple[int, ...], tuple[JobStatus, ...]]:
    """Look at a warm-up's series about once a second, and end its wrk as soon as it is enough.

    A look is one command that reads some short files, so that it costs the host next to nothing: no Python is started
    for it, as it is to end the job.

    Args:
        running: each wrk, as it was started, and the connection to its host. Where there are several they were started
            together, and their seconds are taken for the same.
        threads: how many each has.
        enough: whether it may end, of the requests of each second so far.

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
        told = [_read(connection, job) for connection, job in running]
        series = tuple(map(sum, zip(*(series_of(text, threads) for text in told), strict=False)))
        if all(text.startswith(f"{_ENDED}\n") for text in told):
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
        # It is past its time. What has become of it, the job itself tells.
        seen = _ENDED
    return series, tuple(_end(connection, job, stop=seen == "enough") for connection, job in running)


def _end(connection: Connection, job: Job, *, stop: bool) -> JobStatus:
    """How wrk ended, by itself or because it was enough."""
    status = jobs.stop(connection, job) if stop else jobs.wait(connection, job)
    if status.outcome != "stopped" and status.exit_status != 0:
        told = jobs.tail(connection, job)
        raise HostError(f"wrk ended with the status {status.exit_status} in the warm-up: {told}")
    return status


def series_of(text: str, threads: int) -> tuple[int, ...]:
    """Sum the threads' counts, up to the last second that each thread has told.

    A thread tells a second when it is over. A line that isn't whole yet is left out, and with it what comes after.

    Args:
        text: the threads' lines, in any order; lines of another form are passed over.
        threads: how many threads there are. As long as one has told nothing, there is no series.
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
    """The line `ended` if the job has, and the lines of all threads; in this order, so that an end is that of them."""
    folder = shlex.quote(job.directory)
    command = f"[ ! -e {folder}/status.json ] || echo {_ENDED}; cat {folder}/{SERIES_NAME}.* 2>/dev/null"
    return connection.run(command, deadline_seconds=_DEADLINE_SECONDS, check=False).stdout
