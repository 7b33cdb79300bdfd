"""What several load generators measured at once, as one.

Everything that a generator tells is a sum or a count over its requests, so what all of them did is the sum of what each
did: this is exact, and what one generator with all connections would have counted of the same answers. wrk's histogram
first has to be rid of its correction, which each wrk made with an interval of its own; the sum is then corrected as wrk
would have done with all connections. vegeta merges the results of several attackers by adding each to the same sums
(`NewRoundRobinDecoder` and `Metrics.Add` of its library), and the open loop's tallies are such sums.

The load is all the time in which at least one generator was at work: from the first one's begin to the last one's end,
by the clock of the lab's host. Where they didn't begin and end together, throughput is so much too low at most.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TypeVar

from analysis.clocks import to_lab_ns
from analysis.histogram import Histogram, add_correction, expected_interval, read_histogram, recover_raw, sum_of
from analysis.samples import Window, load_window
from documents.errors import AnalysisError
from documents.load import WrkErrors, WrkLatency, WrkResult
from documents.network import CellClocks, ClockReadings
from documents.open_loop import OpenLoopErrors, OpenLoopHistogram, OpenLoopResult

_Part = TypeVar("_Part")


def wrk_windows(parts: Sequence[WrkResult], clocks: CellClocks) -> tuple[Window, ...]:
    """When each generator put load on, by the clock of the lab's host.

    Raises:
        AnalysisError: there aren't as many clocks, or one can't be used.
    """
    return tuple(_moved(load_window(part), clock) for part, clock in _pairs(parts, clocks))


def open_loop_windows(parts: Sequence[OpenLoopResult], clocks: CellClocks) -> tuple[Window, ...]:
    """When each generator put load on, by the clock of the lab's host; errors are those of `wrk_windows`."""
    return tuple(_moved(Window(part.started_ns, part.ended_ns), clock) for part, clock in _pairs(parts, clocks))


def merge_wrk(parts: Sequence[WrkResult], clocks: CellClocks) -> WrkResult:
    """One result of all generators, by the clock of the lab's host.

    Args:
        parts: what each wrk wrote, by its own clock.
        clocks: of their hosts, in the same order.

    Raises:
        AnalysisError: a histogram isn't wrk's, the parts are of different loads, or a clock can't be used.
    """
    windows = wrk_windows(parts, clocks)
    start_ns, end_ns = min(window.start_ns for window in windows), max(window.end_ns for window in windows)
    if len(parts) == 1:
        return parts[0].model_copy(update={"ended_ns": end_ns})
    first = _same_of_all(
        parts, [(part.workload, part.duration_seconds, part.timeout_seconds, part.wrk_version) for part in parts]
    )
    raw = sum_of(
        [
            recover_raw(read_histogram(part.latency, name=_name(number)), part, name=_name(number))
            for number, part in enumerate(parts, start=1)
        ]
    )
    # What wrk's correction depends on; the histogram comes after it.
    merged = first.model_copy(
        update={
            "threads": sum(part.threads for part in parts),
            "connections": sum(part.connections for part in parts),
            "elapsed_us": (end_ns - start_ns) // 1000,
            "ended_ns": end_ns,
            "requests": sum(part.requests for part in parts),
            "bytes": sum(part.bytes for part in parts),
            "errors": WrkErrors(
                **{name: sum(getattr(part.errors, name) for part in parts) for name in WrkErrors.model_fields}
            ),
            "statuses": _sum([part.statuses for part in parts if part.statuses is not None])
            if first.statuses is not None
            else None,
        }
    )
    interval = expected_interval(merged)
    return merged.model_copy(
        update={"latency": _latency(raw if interval is None else add_correction(raw, interval), raw)}
    )


def merge_open_loop(parts: Sequence[OpenLoopResult], clocks: CellClocks) -> OpenLoopResult:
    """One result of all generators, by the clock of the lab's host; arguments and errors are those of `merge_wrk`."""
    windows = open_loop_windows(parts, clocks)
    first = _same_of_all(
        parts, [(part.workload, part.duration_seconds, part.timeout_seconds, part.vegeta_version) for part in parts]
    )
    methods = dict.fromkeys(chain.from_iterable(part.statuses for part in parts))
    return first.model_copy(
        update={
            "connections": sum(part.connections for part in parts),
            "rate": sum(part.rate for part in parts),
            "started_ns": min(window.start_ns for window in windows),
            "ended_ns": max(window.end_ns for window in windows),
            "requests": sum(part.requests for part in parts),
            "sent_in_window": sum(part.sent_in_window for part in parts),
            "connections_opened": sum(part.connections_opened for part in parts),
            "errors": OpenLoopErrors(
                timeout=sum(part.errors.timeout for part in parts), other=sum(part.errors.other for part in parts)
            ),
            "first_error": next((part.first_error for part in parts if part.first_error is not None), None),
            "statuses": {method: _sum(part.statuses.get(method, {}) for part in parts) for method in methods},
            "latency": _durations([part.latency for part in parts]),
            "lateness": _durations([part.lateness for part in parts]),
        }
    )


def _pairs(parts: Sequence[_Part], clocks: CellClocks) -> Iterable[tuple[_Part, ClockReadings]]:
    if len(parts) != len(clocks.load_hosts):
        raise AnalysisError(
            f"clocks.json has the clocks of {len(clocks.load_hosts)} load hosts, but {len(parts)} have results. "
            "Restore the cell's files, or measure it again."
        )
    return zip(parts, clocks.load_hosts, strict=True)


def _moved(window: Window, clock: ClockReadings) -> Window:
    return Window(to_lab_ns(clock, window.start_ns), to_lab_ns(clock, window.end_ns))


def _same_of_all(parts: Sequence[_Part], told: Sequence[object]) -> _Part:
    """The first part, if all are of the same load."""
    if len({*map(str, told)}) > 1:
        raise AnalysisError(
            f"The load hosts' results aren't of one load: {'; '.join(map(str, told))}. Measure the cell again."
        )
    return parts[0]


def _sum(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for found in counts:
        total.update(found)
    return dict(sorted(total.items()))


def _latency(corrected: Histogram, raw: Histogram) -> WrkLatency:
    """As wrk tells it, whose minimum and maximum are those of the raw latencies."""
    return WrkLatency(
        count=corrected.count,
        minimum_us=int(raw.values[0]) if raw.count else 0,
        maximum_us=int(raw.values[-1]) if raw.count else 0,
        histogram=tuple(zip(corrected.values.tolist(), corrected.counts.tolist(), strict=True)),
    )


def _durations(parts: Sequence[OpenLoopHistogram]) -> OpenLoopHistogram:
    counts: Counter[int] = Counter()
    for part in parts:
        for microseconds, count in part.histogram:
            counts[microseconds] += count
    pairs = tuple(sorted(counts.items()))
    return OpenLoopHistogram(
        count=sum(counts.values()),
        minimum_us=pairs[0][0] if pairs else 0,
        maximum_us=pairs[-1][0] if pairs else 0,
        histogram=pairs,
    )


def _name(number: int) -> str:
    return f"generator-{number}.wrk.json"
