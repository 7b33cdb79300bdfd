"""Latencies as wrk counts them: exact to the microsecond, raw and "corrected" for coordinated omission.

wrk 4.1.0 records each response's latency in an array `data[]` with one counter for each microsecond (`stats_record` in
src/stats.c). When the load is over, `main` in src/wrk.c computes the interval in which one connection is expected to
send one request,

    e = runtime_us / (complete / connections)        (both divisions whole; skipped if the inner one gives 0)

and calls `stats_correct(latency, e)` before it prints anything and before a script's `done()` runs. For each n from 2e
up to the maximum that adds data[n], to the counters at n - e, n - 2e, ... as long as the position is above e: the
requests that would have been sent during the slow one. It can't be switched off, but it can be undone.

n rises and only positions below n are written, so each data[n] that is read is still the raw count. Hence, for m > e,

    corrected(m) = raw(m) + raw(m + e) + raw(m + 2e) + ...  =  raw(m) + corrected(m + e)

and raw(m) = corrected(m) - corrected(m + e) for m > e; up to e the two are equal. This is exact: no response is
lost or made up, which `recover_raw` checks against wrk's own count of requests.

The mean is exact as well. A percentile is the exact nearest rank (Hyndman and Fan 1996, "Sample quantiles in
statistical packages", definition 1): the least latency with at least p·N of the N responses at or below it. wrk's own
`stats_percentile` takes the rank round(p·N + 0.5), which differs only if p·N is whole: it is then one response higher,
and for p = 100% it doesn't exist and the result is 0. The textbook's definition is used here because anyone can
recompute it from the histogram without wrk; the two ranks never differ by more than one response.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from documents.errors import AnalysisError
from documents.report import Latency
from documents.run import WrkLatency, WrkResult

LARGEST_EXACT = 2**53
"""Above this, Lua numbers can't represent every integer, so wrk's script can't have written the exact value."""

FEW_RESPONSES = 1000
"""The 99.9th percentile of fewer responses is a single one, the slowest."""

ONE_IN = tuple(10 ** (step / 8) for step in range(1, 49))
"""The points of a distribution: eight per power of ten, as in HdrHistogram's plots, up to one in 10⁶."""

LEAST_BEYOND = 10
"""A distribution ends where fewer responses than these took longer, because single ones decide the rest."""


@dataclass(frozen=True)
class Histogram:
    """Counts of latencies: `values` in whole microseconds, strictly rising, and `counts`, all above 0; both int64."""

    values: NDArray[np.int64]
    counts: NDArray[np.int64]

    @property
    def count(self) -> int:
        """The number of latencies."""
        return int(self.counts.sum())

    def mean(self) -> float:
        """The arithmetic mean in microseconds, of a histogram that isn't empty."""
        return float(np.average(self.values, weights=self.counts))

    def percentile(self, per_mille: int) -> int:
        """The nearest-rank percentile in microseconds, of a histogram that isn't empty; 999 means p99.9."""
        rank = -(-per_mille * self.count // 1000)
        return int(self.values[np.searchsorted(np.cumsum(self.counts), max(rank, 1))])

    def tail(self) -> NDArray[np.float64]:
        """For each n of `ONE_IN`, the latency in microseconds that one response in n exceeds.

        Each is the nearest rank: one in 100 is exactly p99. The array ends before fewer than `LEAST_BEYOND` responses
        are beyond, and may be empty; the histogram may not.
        """
        beyond = np.array([int(self.count / one_in) for one_in in ONE_IN if self.count / one_in >= LEAST_BEYOND])
        ranks = self.count - beyond.astype(np.int64)
        return self.values[np.searchsorted(np.cumsum(self.counts), np.maximum(ranks, 1))].astype(np.float64)

    def summary(self) -> Latency:
        """Mean and percentiles, of a histogram that isn't empty."""
        return Latency(
            mean_us=self.mean(),
            p50_us=float(self.percentile(500)),
            p90_us=float(self.percentile(900)),
            p99_us=float(self.percentile(990)),
            p999_us=float(self.percentile(999)),
        )


def histogram_of(pairs: Sequence[tuple[int, int]], invalid: Callable[[str], AnalysisError]) -> Histogram:
    """Pairs of (µs, count) as arrays, if they are a histogram.

    Raises:
        AnalysisError: the error that `invalid` returns.
    """
    try:
        numbers = np.fromiter(chain.from_iterable(pairs), np.int64, 2 * len(pairs))
    except OverflowError as error:
        raise invalid("there is a number of more than 64 bits") from error
    values, counts = numbers[0::2], numbers[1::2]
    if np.any(values < 0) or np.any(counts < 1) or np.any(np.diff(values) <= 0):
        raise invalid("durations must rise from 0 and counts be above 0")
    return Histogram(values, counts)


def read_histogram(latency: WrkLatency, *, name: str) -> Histogram:
    """Read wrk's histogram into arrays, and compare it with wrk's sums.

    Raises:
        AnalysisError: the histogram isn't one of wrk's, or was changed.
    """
    found = histogram_of(latency.histogram, lambda why: _invalid(name, why))
    values, counts = found.values, found.counts
    if np.any(values > LARGEST_EXACT) or np.any(counts > LARGEST_EXACT) or counts.astype(float).sum() > LARGEST_EXACT:
        raise _invalid(name, f"it holds a number above {LARGEST_EXACT}, which wrk's script can't write")
    if found.count != latency.count:
        raise _invalid(name, f"it holds {found.count} latencies, but wrk counted {latency.count}")
    if found.count and values[-1] != latency.maximum_us:
        raise _invalid(name, f"its maximum is {values[-1]} µs, but wrk says {latency.maximum_us} µs")
    return found


def expected_interval(result: WrkResult) -> int | None:
    """The interval that wrk expects between two requests of a connection, in µs: e in the module's docstring.

    None if wrk corrected nothing, because connections completed less than one request on average.
    """
    per_connection = result.requests // result.connections
    return result.elapsed_us // per_connection if per_connection else None


def recover_raw(corrected: Histogram, result: WrkResult, *, name: str) -> Histogram:
    """The histogram before wrk's correction.

    Raises:
        AnalysisError: no raw histogram gives this one, or the raw one doesn't have each response once. wrk counts a
            response after the timeout as a request and as an error, but leaves it out of the histogram.
    """
    interval = expected_interval(result)
    if interval is None:
        raw = corrected
    elif interval < 1:
        raise _invalid(name, f"{result.requests} requests can't have been sent in {result.elapsed_us} µs")
    else:
        raw = invert_correction(corrected, interval, name=name)
    recorded = result.requests - result.errors.timeout
    if raw.count != recorded:
        raise _invalid(name, f"without wrk's correction it holds {raw.count} responses, but wrk recorded {recorded}")
    return raw


def invert_correction(corrected: Histogram, interval: int, *, name: str) -> Histogram:
    """Undo wrk's correction: raw(m) = corrected(m) - corrected(m + e) for m > e; see the module's docstring.

    `interval` is e in microseconds, at least 1.

    Raises:
        AnalysisError: no raw histogram gives this one.
    """
    values, counts = corrected.values, corrected.counts
    later = np.minimum(np.searchsorted(values, values + interval), max(len(values) - 1, 0))
    has_later = (values > interval) & (values[later] == values + interval)
    raw = counts - np.where(has_later, counts[later], 0)
    added_to = np.count_nonzero(values > 2 * interval)
    if np.any(raw < 0) or np.count_nonzero(has_later) != added_to:
        raise _invalid(name, f"wrk's correction at an interval of {interval} µs can't have made it")
    kept = raw > 0
    return Histogram(values[kept], raw[kept])


def add_correction(raw: Histogram, interval: int) -> Histogram:
    """Correct a raw histogram like wrk: corrected(m) = raw(m) + raw(m + e) + raw(m + 2e) + … for m > e.

    `interval` is e in microseconds, at least 1.
    """
    if not raw.count or raw.values[-1] < 2 * interval:
        return raw
    # A row for each interval, so that the addends of a latency are below it, in the same column.
    rows = int(raw.values[-1]) // interval + 1
    corrected = np.zeros(rows * interval, np.int64)
    corrected[raw.values] = raw.counts
    as_they_are = corrected[: interval + 1].copy()
    # In place: with a timeout of a minute, these are half a gigabyte.
    from_below = corrected.reshape(rows, interval)[::-1]
    np.cumsum(from_below, axis=0, out=from_below)
    corrected[: interval + 1] = as_they_are
    [values] = np.nonzero(corrected)
    return Histogram(values.astype(np.int64), corrected[values])


def sum_of(parts: Sequence[Histogram]) -> Histogram:
    """All latencies of several histograms in one."""
    values, places = np.unique(np.concatenate([part.values for part in parts]), return_inverse=True)
    counts = np.zeros(len(values), np.int64)
    np.add.at(counts, places, np.concatenate([part.counts for part in parts]))
    return Histogram(values, counts)


def _invalid(name: str, why: str) -> AnalysisError:
    return AnalysisError(
        f"The latency histogram in {name} is not one that wrk 4.1.0 writes: {why}. "
        "Measure the cell again with the wrk that `lab doctor` accepts."
    )
