"""What load hosts left of a cell, and what it says of the generators there, of the clocks, and of the network.

What was measured on a load host is by its own clock, and so is the window that its generator tells: neither needs the
lab's. Only where the load lies among the samples of the lab's host depends on how exactly the clocks are known.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from analysis.clocks import error_seconds
from analysis.merging import merge_open_loop, merge_wrk, open_loop_windows, wrk_windows
from analysis.samples import Window, load_window, read_samples, usage
from analysis.watch import generator_watch
from documents.cell_numbers import LoadHostNumbers, Usage, WatchNumbers
from documents.errors import AnalysisError
from documents.load import WrkResult
from documents.network import CellClocks
from documents.open_loop import OpenLoopResult
from documents.run import LoadHostRecord

CLOCKS_NAME = "clocks.json"


def load_host_file(number: int | Literal["*"], name: str) -> str:
    """The name in a cell's folder of what the load host of that number, from 1 on, wrote under a name.

    A star stands for any of them, as in a pattern of file names.
    """
    return f"generator-{number}.{name}"


def turn_ns(number: int, rate: int) -> int:
    """How much later than the first one, 0, a generator of an open loop begins, in nanoseconds.

    So they take turns: all requests together, `rate` a second, are due at distances that are as equal as can be.
    """
    return round(number * 1e9 / rate)


@dataclass(frozen=True)
class LoadHostFiles:
    """What one load host left of a cell: the bytes of its generator's result, samples and ticks, all by its own clock.

    `cpus` are those of the generator.
    """

    result_json: bytes
    samples_csv: bytes
    ticks_jsonl: bytes
    cpus: tuple[int, ...]


@dataclass(frozen=True)
class LoadFiles:
    """What all load hosts left of a cell, in the inventory's order, the bytes of its `clocks.json`, and the records."""

    clocks_json: bytes
    hosts: tuple[LoadHostFiles, ...]
    records: tuple[LoadHostRecord, ...]


@dataclass(frozen=True)
class LoadHostsSeen:
    """What came of it: the generators' usage together, how busy the busiest of them was, and what the watch saw.

    `saturation` is the CPU use of the busiest generator over the CPUs that its threads can fill.
    """

    usage: Usage
    saturation: float
    watches: tuple[WatchNumbers, ...]
    numbers: LoadHostNumbers


def look_at_wrk(files: LoadFiles, merged: WrkResult, *, folder: str) -> LoadHostsSeen:
    """The load hosts of a cell of the closed loop.

    Args:
        files: what they left.
        merged: the cell's `wrk.json`.
        folder: the cell's folder with a final slash, for messages.

    Raises:
        AnalysisError: `wrk.json` isn't what the generators' results come to, or a file can't be used.
        DocumentError: a file isn't of its shape.
    """
    clocks = CellClocks.from_json(files.clocks_json, name=f"{folder}{CLOCKS_NAME}")
    parts = [
        WrkResult.from_json(found.result_json, name=f"{folder}{load_host_file(number, 'wrk.json')}")
        for number, found in enumerate(files.hosts, start=1)
    ]
    if merge_wrk(parts, clocks) != merged:
        raise _another(folder, "wrk.json")
    return _seen(
        files,
        clocks,
        own_windows=[load_window(part) for part in parts],
        windows=wrk_windows(parts, clocks),
        fillable=[min(part.threads, len(found.cpus)) for part, found in zip(parts, files.hosts, strict=True)],
        results=parts,
        network_share=_network_share(parts, files.records),
        folder=folder,
    )


def look_at_open_loop(files: LoadFiles, merged: OpenLoopResult, *, folder: str) -> LoadHostsSeen:
    """The load hosts of a cell of the open loop; arguments and errors are as those of `look_at_wrk`.

    That each begins in its turn isn't taken for being late.
    """
    clocks = CellClocks.from_json(files.clocks_json, name=f"{folder}{CLOCKS_NAME}")
    parts = [
        OpenLoopResult.from_json(found.result_json, name=f"{folder}{load_host_file(number, 'open-loop.json')}")
        for number, found in enumerate(files.hosts, start=1)
    ]
    if merge_open_loop(parts, clocks) != merged:
        raise _another(folder, "open-loop.json")
    return _seen(
        files,
        clocks,
        own_windows=[Window(part.started_ns, part.ended_ns) for part in parts],
        windows=[
            Window(window.start_ns - turn_ns(number, merged.rate), window.end_ns - turn_ns(number, merged.rate))
            for number, window in enumerate(open_loop_windows(parts, clocks))
        ],
        fillable=[len(found.cpus) for found in files.hosts],
        results=[None] * len(parts),
        network_share=None,
        folder=folder,
    )


def with_load_hosts(watch: WatchNumbers, seen: LoadHostsSeen) -> WatchNumbers:
    """What the lab's host was like, together with what the generators' hosts were: the worst of these counts."""
    watches = seen.watches
    waited = [found.generator_waited for found in watches if found.generator_waited is not None]
    return watch.model_copy(
        update={
            "steal": {**watch.steal, "generator": max(found.steal["generator"] for found in watches)},
            "others": {**watch.others, "generator": max(found.others["generator"] for found in watches)},
            "throttled": {
                **watch.throttled,
                **{
                    f"{directory} of load host {number}": seconds
                    for number, found in enumerate(watches, start=1)
                    for directory, seconds in found.throttled.items()
                },
            },
            "generator_waited": max(waited) if waited else None,
            "generator_busy": tuple(share for found in watches for share in found.busy.values()),
        }
    )


def _seen(
    files: LoadFiles,
    clocks: CellClocks,
    *,
    own_windows: Sequence[Window],
    windows: Sequence[Window],
    fillable: Sequence[int],
    results: Sequence[WrkResult | None],
    network_share: float | None,
    folder: str,
) -> LoadHostsSeen:
    used: list[Usage] = []
    watches: list[WatchNumbers] = []
    for number, (found, window, result) in enumerate(zip(files.hosts, own_windows, results, strict=True), start=1):
        name = f"{folder}{load_host_file(number, 'samples.csv')}"
        used.append(
            usage(read_samples(found.samples_csv, name=name, roles=("generator",)), window, name=name)["generator"]
        )
        watches.append(
            generator_watch(
                found.ticks_jsonl,
                window=window,
                result=result,
                cpus=found.cpus,
                name=f"{folder}{load_host_file(number, 'ticks.jsonl')}",
            )
        )
    return LoadHostsSeen(
        usage=Usage(
            cpu_cores=sum(one.cpu_cores for one in used),
            memory_mean_bytes=sum(one.memory_mean_bytes for one in used),
            memory_peak_bytes=sum(one.memory_peak_bytes for one in used),
            page_cache_mean_bytes=sum(one.page_cache_mean_bytes for one in used),
        ),
        saturation=max(one.cpu_cores / cpus for one, cpus in zip(used, fillable, strict=True)),
        watches=tuple(watches),
        numbers=LoadHostNumbers(
            clock_error_seconds=error_seconds(clocks),
            start_skew_seconds=_spread(window.start_ns for window in windows),
            apart=_apart(windows),
            network_share=network_share,
        ),
    )


def _spread(moments_ns: Iterable[int]) -> float:
    found = [*moments_ns]
    return (max(found) - min(found)) / 1e9


def _apart(windows: Sequence[Window]) -> float:
    """The share of the load in which not all generators were at work."""
    start_ns, end_ns = min(window.start_ns for window in windows), max(window.end_ns for window in windows)
    together_ns = min(window.end_ns for window in windows) - max(window.start_ns for window in windows)
    return 1 - max(together_ns, 0) / (end_ns - start_ns)


def _network_share(parts: Sequence[WrkResult], records: Sequence[LoadHostRecord]) -> float | None:
    """The answers' share of the bandwidth: that of the fullest way, or of all that the lab's host can send.

    What the lab's host can send is taken for the most that went to any one of them. None where it wasn't measured.
    """
    carried = [8e6 * part.bytes / part.elapsed_us for part in parts]
    measured = [record.before.network.bandwidth for record in records]
    known = [found.from_apis for found in measured if found is not None]
    if len(known) < len(parts):
        return None
    ways = [bits / most for bits, most in zip(carried, known, strict=True)]
    return max(*ways, sum(carried) / max(known))


def _another(folder: str, name: str) -> AnalysisError:
    return AnalysisError(
        f"{folder}{name} isn't what the results of the load hosts beside it come to by {CLOCKS_NAME}. Restore the "
        "cell's files, or measure it again."
    )
