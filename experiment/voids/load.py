"""Whether a load window counts: each reason why it doesn't, with its numbers. Pure functions of what was measured."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.cells import measure, measure_open_loop
from analysis.raw import SAMPLED_ROLES, CellFiles, WatchFiles, Window, read_samples, usage, watch_numbers
from documents.errors import AnalysisError, DocumentError
from documents.run import Cell, OpenLoopCell, OpenLoopResult, SampledRole, Void, WindowResult, Workload, WrkResult
from experiment.voids.host import generator_voids, host_voids, load_host_voids
from experiment.workloads import EXPECTED_STATUS


def window_voids(result: WindowResult, workload: Workload) -> list[Void]:
    """What in the generator's counters makes a window invalid."""
    return _wrk_voids(result, workload) if isinstance(result, WrkResult) else _open_loop_voids(result, workload)


def _wrk_voids(result: WrkResult, workload: Workload) -> list[Void]:
    """What in wrk's own counters makes a window invalid: an error is no fast answer, and a 404 no right one.

    wrk counts a response of any status as a request, so these have to be looked at. Responses slower than the
    time-out are among its errors; a connection that still waits at the end of the window is not, and shows in Little's
    law, as a slow generator does.
    """
    voids: list[Void] = []
    if result.requests == 0:
        voids.append(Void(reason="no-requests", message=f"No request was answered in {result.duration_seconds} s."))
    if result.errors.total > 0:
        counters = ", ".join(f"{name} {count}" for name, count in result.errors.model_dump().items() if count)
        voids.append(
            Void(
                reason="wrk-errors",
                message=f"wrk counted {result.errors.total} errors in {result.requests} requests: {counters}.",
            )
        )
    if result.statuses is not None and workload in EXPECTED_STATUS:
        expected = str(EXPECTED_STATUS[workload])
        wrong = {status: count for status, count in result.statuses.items() if status != expected}
        if wrong:
            counts = ", ".join(f"{status} {count} times" for status, count in sorted(wrong.items()))
            voids.append(
                Void(
                    reason="wrong-status",
                    message=f"{workload} must be answered with {expected}, but was with {counts}.",
                )
            )
    return voids


def sample_voids(
    samples_csv: bytes, window: Window, *, name: str, roles: Sequence[SampledRole] = SAMPLED_ROLES
) -> list[Void]:
    """Whether each role was sampled throughout the window: on average five times a second or more, without a gap.

    Args:
        samples_csv: the bytes of `samples.csv`.
        window: the load window.
        name: the file's name, for messages.
        roles: those that it is to have.
    """
    try:
        samples = read_samples(samples_csv, name=name, roles=roles)
        seconds = (window.end_ns - window.start_ns) / 1e9
        counts = {role: _within(found.time_ns, window) for role, found in samples.items()}
        lacking = {role: count for role, count in counts.items() if count < 5 * seconds}
        if lacking:
            told = ", ".join(f"{role} {count} times" for role, count in lacking.items())
            return [Void(reason="sampler-failed", message=f"In {seconds:.1f} s of load there were samples of {told}.")]
        usage(samples, window, name=name)
    except AnalysisError as error:
        return [Void(reason="sampler-failed", message=str(error))]
    return []


def watch_voids(files: WatchFiles, window: Window, result: WindowResult | None, *, folder: str) -> list[Void]:
    """What disturbed the host in the window, whatever else is wrong with the cell.

    Args:
        files: what the watch left.
        window: the load window.
        result: the generator's; None where it left none.
        folder: the cell's folder with a final slash, for messages.
    """
    try:
        numbers = watch_numbers(
            files.watch_json,
            files.ticks_jsonl,
            window=window,
            result=result if isinstance(result, WrkResult) else None,
            cores=files.cores,
            folder=folder,
        )
    except (AnalysisError, DocumentError) as error:
        return [Void(reason="watch-failed", message=str(error))]
    return host_voids(numbers, files.cores)


def analysis_voids(cell: Cell, files: CellFiles) -> list[Void]:
    """Whether the analysis can turn a cell's raw files into numbers, so that none stops the report of a whole run.

    Once its samples and its watch are known to be fit, what is at fault is the generator's result. Where all is well,
    whether the numbers are those of the API and not of the generator.
    """
    try:
        numbers = measure_open_loop(cell, files) if isinstance(cell, OpenLoopCell) else measure(cell, files).numbers
    except (AnalysisError, DocumentError) as error:
        return [Void(reason="generator-failed", message=str(error))]
    watched = files.watched
    return [*load_host_voids(numbers), *([] if watched is None else generator_voids(numbers, watched.cores))]


def _within(times_ns: NDArray[np.int64], window: Window) -> int:
    return int(np.count_nonzero((times_ns >= window.start_ns) & (times_ns <= window.end_ns)))


LEAST_SHARE_OF_RATE = 0.99
"""Below this share of its target rate a window is one of another rate than that of the other APIs."""

_EXPECTED_BY_METHOD = {"GET": 200, "POST": 201, "PUT": 200}
"""The right statuses of `mixed`: reads, creations of posts, and updates of posts."""


def _open_loop_voids(result: OpenLoopResult, workload: Workload) -> list[Void]:
    """What in the generator's counters makes a window invalid.

    A request that was sent late isn't one: its wait is in its latency. But a window in which too few were sent was one
    of another rate.
    """
    voids: list[Void] = []
    if result.latency.count == 0:
        voids.append(Void(reason="no-requests", message=f"No request was answered in {result.duration_seconds} s."))
    if result.throughput < LEAST_SHARE_OF_RATE * result.rate:
        voids.append(
            Void(
                reason="rate-missed",
                message=f"{result.throughput:.1f} requests/s were sent in time, "
                f"{result.throughput / result.rate:.1%} of the {result.rate} that were due: the API couldn't take "
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


def _wrong_statuses(statuses: dict[str, dict[str, int]], workload: Workload) -> list[str]:
    return [
        f"{method} with {status} instead of {expected} {count} times"
        for method, found in sorted(statuses.items())
        for expected in [EXPECTED_STATUS.get(workload, _EXPECTED_BY_METHOD.get(method))]
        for status, count in sorted(found.items())
        if status != str(expected)
    ]
