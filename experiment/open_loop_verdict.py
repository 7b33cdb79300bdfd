"""Whether a window of the open loop counts: each reason why it doesn't, with its numbers. Pure functions."""

from analysis.cells import WatchFiles
from analysis.load_hosts import LoadFiles
from analysis.open_loop import measure_open_loop
from documents.errors import AnalysisError, DocumentError
from documents.open_loop import OpenLoopCell, OpenLoopResult
from documents.protocol import Workload
from documents.run import Void
from experiment.disturbances import generator_voids, load_host_voids
from experiment.workloads.requests import EXPECTED_STATUS

LEAST_SHARE_OF_RATE = 0.99
"""Below this share of its target rate a window is one of another rate than that of the other APIs."""

_EXPECTED_BY_METHOD = {"GET": 200, "POST": 201, "PUT": 200}
"""The right statuses of `mixed`: reads, creations of posts, and updates of posts."""


def open_loop_voids(result: OpenLoopResult, workload: Workload) -> list[Void]:
    """What in the generator's counters makes a window invalid.

    A request that was sent late isn't one: its wait is in its latency. But a window in which too few were sent was one
    of another rate.
    """
    voids: list[Void] = []
    if result.latency.count == 0:
        voids.append(Void(reason="no-requests", message=f"No request was answered in {result.duration_seconds} s."))
    if result.achieved_rate < LEAST_SHARE_OF_RATE * result.rate:
        voids.append(
            Void(
                reason="rate-missed",
                message=f"{result.achieved_rate:.1f} requests/s were sent in time, "
                f"{result.achieved_rate / result.rate:.1%} of the {result.rate} that were due: the API couldn't take "
                f"more over {result.connections} connections, or the generator had too little CPU.",
            )
        )
    if result.errors.total > 0:
        voids.append(
            Void(
                reason="vegeta-errors",
                message=f"{result.errors.total} of {result.requests} requests weren't answered, "
                f"{result.errors.timeout} of them because {result.timeout_seconds} s were over; the first: "
                f"{result.first_error}.",
            )
        )
    wrong = _wrong_statuses(result.statuses, workload)
    if wrong:
        voids.append(Void(reason="wrong-status", message=f"{workload} was answered wrongly: {', '.join(wrong)}."))
    return voids


def open_loop_analysis_voids(
    cell: OpenLoopCell,
    *,
    open_loop_json: bytes,
    samples_csv: bytes,
    generator_cpus: int,
    watched: WatchFiles | None = None,
    load_files: LoadFiles | None = None,
    folder: str,
) -> list[Void]:
    """Whether the analysis can turn a cell's raw files into numbers, so that none stops the report of a whole run.

    Where all is well, whether the generator was the limit. The arguments are those of
    `analysis.open_loop.measure_open_loop`.
    """
    try:
        numbers = measure_open_loop(
            cell,
            open_loop_json=open_loop_json,
            samples_csv=samples_csv,
            generator_cpus=generator_cpus,
            watched=watched,
            load_files=load_files,
            folder=folder,
        )
    except (AnalysisError, DocumentError) as error:
        return [Void(reason="generator-failed", message=str(error))]
    return [*load_host_voids(numbers), *([] if watched is None else generator_voids(numbers, watched.cores))]


def _wrong_statuses(statuses: dict[str, dict[str, int]], workload: Workload) -> list[str]:
    return [
        f"{method} with {status} instead of {expected} {count} times"
        for method, found in sorted(statuses.items())
        for expected in [EXPECTED_STATUS.get(workload, _EXPECTED_BY_METHOD.get(method))]
        for status, count in sorted(found.items())
        if status != str(expected)
    ]
