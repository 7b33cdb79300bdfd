"""Whether a load window counts: each reason why it doesn't, with its numbers. Pure functions of what was measured."""

import csv
from collections.abc import Iterable
from typing import get_args

from documents.load import WrkResult
from documents.protocol import Workload
from documents.run import Void
from documents.samples import SAMPLE_COLUMNS, SampledRole
from experiment.workloads.requests import EXPECTED_STATUS


def load_voids(result: WrkResult, workload: Workload) -> list[Void]:
    """What in wrk's own counters makes a window invalid: an error is no fast answer, and a 404 no right one.

    wrk counts a response of any status as a request, so these have to be looked at. Responses slower than the
    time-out are among its errors; a connection that hangs to the end of the window is not, and shows in Little's law.
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


def sample_voids(lines: Iterable[str], started_ns: int, ended_ns: int) -> list[Void]:
    """Whether each role was sampled throughout the window: on average five times a second or more.

    Args:
        lines: those of `samples.csv`.
        started_ns: when the window began, on the clock of the samples.
        ended_ns: when it ended.
    """
    rows = csv.reader(lines)
    if tuple(next(rows, ())) != SAMPLE_COLUMNS:
        return [Void(reason="sampler-failed", message="samples.csv doesn't begin with its header line.")]
    counts: dict[str, int] = dict.fromkeys(get_args(SampledRole), 0)
    for row in rows:
        if len(row) == len(SAMPLE_COLUMNS) and started_ns <= int(row[0]) <= ended_ns:
            counts[row[1]] = counts.get(row[1], 0) + 1
    seconds = (ended_ns - started_ns) / 1e9
    lacking = {role: count for role, count in counts.items() if count < 5 * seconds}
    if not lacking:
        return []
    told = ", ".join(f"{role} {count} times" for role, count in lacking.items())
    return [Void(reason="sampler-failed", message=f"In {seconds:.1f} s of load there were samples of {told}.")]
