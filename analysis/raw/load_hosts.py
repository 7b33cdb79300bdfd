"""The files of a cell from load hosts, converted to the clock of the lab's host and merged."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal, TypeVar

from analysis.raw.histogram import Histogram, add_correction, expected_interval, read_histogram, recover_raw, sum_of
from analysis.raw.recordings import GeneratorWatch, Window, generator_watch, load_window, read_samples, usage
from documents.errors import AnalysisError
from documents.report import LoadHostNumbers, Usage, WatchNumbers
from documents.run import (
    OPEN_LOOP_FILE,
    WRK_FILE,
    CellClocks,
    ClockReadings,
    LoadHostRecord,
    OpenLoopErrors,
    OpenLoopHistogram,
    OpenLoopResult,
    WindowResult,
    WrkErrors,
    WrkLatency,
    WrkResult,
    read_result,
)

FREQUENCY_ERROR_MOST = 500e-6
"""Nanoseconds per nanosecond: the largest permanent frequency correction of a clock by NTP (MAXFREQ in
include/linux/timex.h)."""


def to_lab_ns(clock: ClockReadings, at_ns: int) -> int:
    """Convert a time of a load host's clock to the lab host's clock, in nanoseconds.

    Raises:
        AnalysisError: the two readings aren't in order.
    """
    before, after = clock.before, clock.after
    passed_ns = after.at_ns - before.at_ns
    if passed_ns <= 0:
        raise AnalysisError(
            "clocks.json has a reading after the load that isn't later than the one before it. Measure the cell again."
        )
    # In integers: in floating point, the time of a machine that has been up for months isn't exact.
    change_ns = (after.offset_ns - before.offset_ns) * (at_ns - before.at_ns) // passed_ns
    return at_ns + before.offset_ns + change_ns


def error_seconds(clocks: CellClocks) -> float:
    """The largest possible error of a time difference between two load hosts."""
    errors = sorted(map(_error_ns, clocks.load_hosts))
    return sum(errors[-2:]) / 1e9


def _error_ns(clock: ClockReadings) -> float:
    before, after = clock.before, clock.after
    change_ns, passed_ns = abs(after.offset_ns - before.offset_ns), after.at_ns - before.at_ns
    return max(before.error_ns, after.error_ns) + max(change_ns - FREQUENCY_ERROR_MOST * passed_ns, 0)


_Part = TypeVar("_Part")


def windows_of(parts: Sequence[WindowResult], clocks: CellClocks) -> tuple[Window, ...]:
    """The load window of each generator, by the clock of the lab's host.

    Raises:
        AnalysisError: the number of clocks differs, or one can't be used.
    """
    if len(parts) != len(clocks.load_hosts):
        raise AnalysisError(
            f"clocks.json has the clocks of {len(clocks.load_hosts)} load hosts, but {len(parts)} have results. "
            "Restore the cell's files, or measure it again."
        )
    return tuple(
        Window(to_lab_ns(clock, window.start_ns), to_lab_ns(clock, window.end_ns))
        for window, clock in zip(map(load_window, parts), clocks.load_hosts, strict=True)
    )


def merge(parts: Sequence[WindowResult], clocks: CellClocks) -> WindowResult:
    """Merge the results of all generators, by the clock of the lab's host.

    Args:
        parts: what each generator wrote, by its own clock; all in a closed loop, or all in an open one.
        clocks: of their hosts, in the same order.

    Raises:
        AnalysisError: a histogram isn't wrk's, the parts are of different loads, or a clock can't be used.
    """
    closed = [part for part in parts if isinstance(part, WrkResult)]
    if len(closed) == len(parts):
        return _merge_wrk(closed, clocks)
    return _merge_open_loop([part for part in parts if isinstance(part, OpenLoopResult)], clocks)


def _merge_wrk(parts: Sequence[WrkResult], clocks: CellClocks) -> WrkResult:
    windows = windows_of(parts, clocks)
    start_ns, end_ns = min(window.start_ns for window in windows), max(window.end_ns for window in windows)
    if len(parts) == 1:
        return parts[0].model_copy(update={"ended_ns": end_ns})
    first = _same_of_all(
        parts, [(part.workload, part.duration_seconds, part.timeout_seconds, part.wrk_version) for part in parts]
    )
    raw = sum_of(
        [
            recover_raw(read_histogram(part.latency, name=name), part, name=name)
            for number, part in enumerate(parts, start=1)
            for name in [load_host_file(number, WRK_FILE)]
        ]
    )
    # The inputs of wrk's correction; the histogram follows.
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


def _merge_open_loop(parts: Sequence[OpenLoopResult], clocks: CellClocks) -> OpenLoopResult:
    windows = windows_of(parts, clocks)
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


def _same_of_all(parts: Sequence[_Part], values: Sequence[object]) -> _Part:
    """The first part, if all are of the same load."""
    if len({*map(str, values)}) > 1:
        raise AnalysisError(
            f"The load hosts' results aren't of one load: {'; '.join(map(str, values))}. Measure the cell again."
        )
    return parts[0]


def _sum(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for found in counts:
        total.update(found)
    return dict(sorted(total.items()))


def _latency(corrected: Histogram, raw: Histogram) -> WrkLatency:
    """The latencies in wrk's form, with the minimum and maximum of the raw ones."""
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


CLOCKS_NAME = "clocks.json"


def load_host_file(number: int | Literal["*"], name: str) -> str:
    """The name, in a cell's folder, of a file from the load host of that number, from 1.

    A star gives the pattern for all load hosts.
    """
    return f"generator-{number}.{name}"


def turn_ns(number: int, rate: int) -> int:
    """How much later than the first, 0, a generator of an open loop begins, in nanoseconds.

    So they take turns: all requests together, `rate` a second, are due at nearly equal distances.
    """
    return round(number * 1e9 / rate)


@dataclass(frozen=True)
class LoadHostFiles:
    """A load host's files of a cell: the bytes of its generator's result, samples and ticks, by its own clock.

    `cpus` are those of the generator.
    """

    result_json: bytes
    samples_csv: bytes
    ticks_jsonl: bytes
    cpus: tuple[int, ...]


@dataclass(frozen=True)
class LoadFiles:
    """All load hosts' files of a cell in the inventory's order, the bytes of its `clocks.json`, and their records."""

    clocks_json: bytes
    hosts: tuple[LoadHostFiles, ...]
    records: tuple[LoadHostRecord, ...]


@dataclass(frozen=True)
class MeasuredLoadHosts:
    """The load hosts of a cell: the generators' total usage, the busiest one's saturation, and the watch's numbers.

    `saturation` is the CPU use of the busiest generator over the CPUs that its threads can fill.
    """

    usage: Usage
    saturation: float
    watches: tuple[GeneratorWatch, ...]
    numbers: LoadHostNumbers


def fillable_cpus(result: WindowResult, cpus: int) -> int:
    """How many of a generator's CPUs its threads can fill; in an open loop it chooses their number, so all."""
    return min(result.threads, cpus) if isinstance(result, WrkResult) else cpus


def measure_load_hosts(files: LoadFiles, merged: WindowResult, *, folder: str) -> MeasuredLoadHosts:
    """The numbers of a cell's load hosts.

    The turns of an open loop's generators don't count as delays.
    `merged` is the cell's own result, of all generators together; `folder`, for messages, has a final slash.

    Raises:
        AnalysisError: the cell's result differs from the merged results, or a file can't be used.
        DocumentError: a file is invalid.
    """
    clocks = CellClocks.from_json(files.clocks_json, name=f"{folder}{CLOCKS_NAME}")
    result_name = WRK_FILE if isinstance(merged, WrkResult) else OPEN_LOOP_FILE
    parts = [
        read_result(found.result_json, name=f"{folder}{load_host_file(number, result_name)}")
        for number, found in enumerate(files.hosts, start=1)
    ]
    if merge(parts, clocks) != merged:
        raise AnalysisError(
            f"{folder}{result_name} differs from the merged results of the load hosts beside it. Restore the cell's "
            "files, or measure it again."
        )
    used: list[Usage] = []
    saturations: list[float] = []
    watches: list[GeneratorWatch] = []
    for number, (found, part) in enumerate(zip(files.hosts, parts, strict=True), start=1):
        name = f"{folder}{load_host_file(number, 'samples.csv')}"
        samples = read_samples(found.samples_csv, name=name, roles=("generator",))
        used.append(usage(samples, load_window(part), name=name)["generator"])
        saturations.append(used[-1].cpu_cores / fillable_cpus(part, len(found.cpus)))
        name = f"{folder}{load_host_file(number, 'ticks.jsonl')}"
        watches.append(generator_watch(found.ticks_jsonl, part, cpus=found.cpus, name=name))
    turns_ns = [0 if isinstance(merged, WrkResult) else turn_ns(number, merged.rate) for number in range(len(parts))]
    windows = [
        Window(window.start_ns - turn, window.end_ns - turn)
        for window, turn in zip(windows_of(parts, clocks), turns_ns, strict=True)
    ]
    starts_ns = [window.start_ns for window in windows]
    closed = [part for part in parts if isinstance(part, WrkResult)]
    return MeasuredLoadHosts(
        usage=Usage(
            cpu_cores=sum(one.cpu_cores for one in used),
            memory_mean_bytes=sum(one.memory_mean_bytes for one in used),
            memory_peak_bytes=sum(one.memory_peak_bytes for one in used),
            page_cache_mean_bytes=sum(one.page_cache_mean_bytes for one in used),
        ),
        saturation=max(saturations),
        watches=tuple(watches),
        numbers=LoadHostNumbers(
            clock_error_seconds=error_seconds(clocks),
            start_skew_seconds=(max(starts_ns) - min(starts_ns)) / 1e9,
            apart=_apart(windows),
            network_share=_network_share(closed, files.records) if closed else None,
        ),
    )


def with_load_hosts(watch: WatchNumbers, seen: MeasuredLoadHosts) -> WatchNumbers:
    """The watch's numbers of the lab's host, with those of the worst load host."""
    watches = seen.watches
    waited = [found.generator_waited for found in watches if found.generator_waited is not None]
    return watch.model_copy(
        update={
            "steal": {**watch.steal, "generator": max(found.steal for found in watches)},
            "others": {**watch.others, "generator": max(found.others for found in watches)},
            "throttled": {
                **watch.throttled,
                **{
                    f"{directory} of load host {number}": seconds
                    for number, found in enumerate(watches, start=1)
                    for directory, seconds in found.throttled.items()
                },
            },
            "generator_waited": max(waited) if waited else None,
            "generator_busy": tuple(share for found in watches for share in found.busy),
        }
    )


def _apart(windows: Sequence[Window]) -> float:
    """The share of the load in which not all generators ran."""
    start_ns, end_ns = min(window.start_ns for window in windows), max(window.end_ns for window in windows)
    together_ns = min(window.end_ns for window in windows) - max(window.start_ns for window in windows)
    return 1 - max(together_ns, 0) / max(end_ns - start_ns, 1)


def _network_share(parts: Sequence[WrkResult], records: Sequence[LoadHostRecord]) -> float | None:
    """The answers' share of the bandwidth: to the load host with the largest share, or of the lab host's total.

    The total is assumed to be the largest bandwidth to a single load host. None if it wasn't measured.
    """
    carried = [8e6 * part.bytes / part.elapsed_us for part in parts]
    measured = [record.before.network.bandwidth for record in records]
    known = [found.from_apis for found in measured if found is not None]
    if len(known) < len(parts):
        return None
    ways = [bits / most for bits, most in zip(carried, known, strict=True)]
    return max(*ways, sum(carried) / max(known))
