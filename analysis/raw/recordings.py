"""The recordings of a cell: the usage of each role over a load window, and the state of the host.

`samples.csv`: CPU time only grows, so the mean use over a window is the counter's increase over the window's length; at
an end between two samples it is interpolated. Memory is a level: its mean and peak are those of the samples in the
window. A peak shorter than the sampler's interval of 0.1 s can be missed.

`watch.json` and `ticks.jsonl`: all counters only grow, so a number is the difference of two ticks. Only ticks inside
the window are used, and nothing is interpolated, because at a window's ends the load changes too much within one tick.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from analysis.raw import limits
from documents.errors import AnalysisError, DocumentError
from documents.lab import ROLES, CoreLayout, Role
from documents.report import Usage, WatchNumbers
from documents.run import (
    SAMPLE_COLUMNS,
    CpuTimes,
    HostTick,
    HostWatch,
    Resource,
    SampledRole,
    Spin,
    WindowResult,
    WrkResult,
)

SAMPLED_ROLES: tuple[SampledRole, ...] = get_args(SampledRole)

_HEADER = ",".join(SAMPLE_COLUMNS)
_LINE = re.compile(rf"(\d{{1,18}}),({'|'.join(SAMPLED_ROLES)}),(\d{{1,18}}),(\d{{1,18}}),(\d{{1,18}})", re.ASCII)


@dataclass(frozen=True)
class RoleSamples:
    """One role's samples: int64 arrays of one length, times strictly rising. Units as in `Sample`."""

    time_ns: NDArray[np.int64]
    cpu_ns: NDArray[np.int64]
    anonymous_bytes: NDArray[np.int64]
    page_cache_bytes: NDArray[np.int64]


@dataclass(frozen=True)
class Window:
    """A load window on the host's CLOCK_MONOTONIC, in nanoseconds."""

    start_ns: int
    end_ns: int


def load_window(result: WindowResult) -> Window:
    """The load window of a result."""
    return Window(result.started_ns, result.ended_ns)


def read_samples(
    data: bytes, *, name: str, roles: Sequence[SampledRole] = SAMPLED_ROLES
) -> dict[SampledRole, RoleSamples]:
    """The samples of each role.

    Args:
        data: the bytes of a `samples.csv`.
        name: the file's name, for messages.
        roles: the roles in it; the samples of a generator on a load host are in a file of that host.

    Raises:
        AnalysisError: the file is cut off or damaged, time or a CPU counter runs backwards, or a role is missing; names
            the line.
    """
    try:
        lines = data.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise _broken(name, line, "a byte that isn't ASCII") from error
    if lines[0] != _HEADER:
        raise _broken(name, 1, f"the header must read {_HEADER}")
    if lines[-1]:
        raise _broken(name, len(lines), "the line has no end: the file is cut off")
    rows: dict[SampledRole, list[tuple[int, int, int, int]]] = {role: [] for role in roles}
    role_of: dict[str, SampledRole] = {role: role for role in roles}
    for number, line in enumerate(lines[1:-1], start=2):
        match = _LINE.fullmatch(line)
        if match is None or match[2] not in role_of:
            raise _broken(name, number, f"{line[:80]!r} is not {_HEADER}")
        time_ns, role, cpu_ns, anonymous, page_cache = match.groups()
        row = (int(time_ns), int(cpu_ns), int(anonymous), int(page_cache))
        earlier = rows[role_of[role]]
        if earlier and row[0] <= earlier[-1][0]:
            raise _broken(name, number, f"the time of {role} doesn't rise")
        if earlier and row[1] < earlier[-1][1]:
            raise _broken(name, number, f"the CPU time of {role} falls: its cgroup was created again")
        earlier.append(row)
    for role, found in rows.items():
        if len(found) < 2:
            raise _broken(name, len(lines), f"the file ends with fewer than two samples of {role}")
    return {role: RoleSamples(*np.array(found, dtype=np.int64).T) for role, found in rows.items()}


def usage(samples: dict[SampledRole, RoleSamples], window: Window, *, name: str) -> dict[SampledRole, Usage]:
    """The usage of each role over a load window.

    Raises:
        AnalysisError: a role has no sample for more than a second of the window.
    """
    return {role: _usage_of(role, found, window, name) for role, found in samples.items()}


def _usage_of(role: SampledRole, samples: RoleSamples, window: Window, name: str) -> Usage:
    first, last = int(samples.time_ns[0]), int(samples.time_ns[-1])
    if first - window.start_ns > limits.SAMPLE_GAP_MOST_NS or window.end_ns - last > limits.SAMPLE_GAP_MOST_NS:
        raise _unsampled(name, role, max(first - window.start_ns, window.end_ns - last))
    start, end = max(first, window.start_ns), min(last, window.end_ns)
    inside = (samples.time_ns >= start) & (samples.time_ns <= end)
    longest_gap = int(np.diff(np.concatenate(([start], samples.time_ns[inside], [end]))).max())
    if longest_gap > limits.SAMPLE_GAP_MOST_NS or not inside.any() or end <= start:
        raise _unsampled(name, role, longest_gap)
    cpu_at_ends = np.interp([0, end - start], samples.time_ns - start, samples.cpu_ns)
    return Usage(
        cpu_cores=float(cpu_at_ends[1] - cpu_at_ends[0]) / (end - start),
        memory_mean_bytes=float(samples.anonymous_bytes[inside].mean()),
        memory_peak_bytes=int(samples.anonymous_bytes[inside].max()),
        page_cache_mean_bytes=float(samples.page_cache_bytes[inside].mean()),
    )


def step_means(samples: RoleSamples, window: Window, steps: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """CPU use in cores and anonymous memory in bytes in equal steps of a window.

    Both are interpolated linearly at the steps' ends; memory is the mean of a step's two ends.

    Returns:
        Two arrays of `steps` numbers.
    """
    ends = np.linspace(0, window.end_ns - window.start_ns, steps + 1)
    times = samples.time_ns - window.start_ns
    cpu = np.interp(ends, times, samples.cpu_ns)
    memory = np.interp(ends, times, samples.anonymous_bytes)
    return np.diff(cpu) / np.diff(ends), (memory[:-1] + memory[1:]) / 2


def _unsampled(name: str, role: SampledRole, nanoseconds: int) -> AnalysisError:
    return AnalysisError(
        f"{name} has no sample of {role} for {max(nanoseconds, 0) // 10**8 / 10} s of the load window: the sampler "
        "started late or stopped. The cell can't be used; measure it again."
    )


def _broken(name: str, line: int, what: str) -> AnalysisError:
    return AnalysisError(f"{name}:{line}: {what}. The cell can't be used; measure it again.")


_GRACE_MS = 200
"""A connection's silence may be shorter by this much: its last answer may come shortly after the load's start."""


@dataclass(frozen=True)
class WatchFiles:
    """The watch's files of a cell: the bytes of `watch.json` and `ticks.jsonl`, and the CPUs of each role."""

    watch_json: bytes
    ticks_jsonl: bytes
    cores: CoreLayout


def read_ticks(data: bytes, *, name: str) -> tuple[HostTick, ...]:
    """The ticks of a cell.

    Raises:
        AnalysisError: the file is cut off or damaged, or time runs backwards; names the line.
    """
    lines = data.split(b"\n")
    if lines[-1]:
        raise _broken(name, len(lines), "the line has no end: the file is cut off")
    ticks: list[HostTick] = []
    for number, line in enumerate(lines[:-1], start=1):
        try:
            tick = HostTick.from_json(line, name=f"{name}:{number}")
        except DocumentError as error:
            raise AnalysisError(f"{error} The cell can't be used; measure it again.") from error
        if ticks and tick.time_ns <= ticks[-1].time_ns:
            raise _broken(name, number, "the time doesn't rise")
        if ticks and tick.cpus.keys() != ticks[-1].cpus.keys():
            raise _broken(name, number, "the line has other CPUs than the one before")
        ticks.append(tick)
    return tuple(ticks)


def watch_numbers(files: WatchFiles, *, window: Window, result: WindowResult | None, folder: str) -> WatchNumbers:
    """The state of the host over a load window.

    `generator_waited`, `connections_planned` and `stuck` need wrk's result: in an open loop the rate decides how many
    connections are open, and the generator how many threads it has.

    Args:
        files: the watch's files of a cell.
        window: the load window.
        result: the generator's; None if it left none.
        folder: the cell's folder with a final slash, for messages.

    Raises:
        AnalysisError: the ticks are damaged, or don't cover the window.
        DocumentError: `watch.json` is invalid.
    """
    cores = files.cores
    wrk = result if isinstance(result, WrkResult) else None
    spins = HostWatch.from_json(files.watch_json, name=f"{folder}watch.json")
    of_roles = {cpu for role in ROLES for cpu in cores.of(role)}
    ticks, milliseconds, used = _over_window(files.ticks_jsonl, window, of_roles, name=f"{folder}ticks.jsonl")
    first, last = ticks[0], ticks[-1]
    before, after = _cpu_seconds(spins.spins_before), _cpu_seconds(spins.spins_after)
    return WatchNumbers(
        steal={role: _stolen(used, cores.of(role)) for role in ROLES if cores.of(role)},
        busy={cpu: found.busy for cpu, found in used.items()},
        others={
            role: _others(first, last, used, cores.joined(role), _roles_on(cores, cores.joined(role)))
            for role in ROLES
            if cores.of(role)
        },
        throttled=_throttled(ticks),
        pressure=_pressure(first, last),
        generator_waited=None if wrk is None else _waited(ticks),
        connections=max(tick.connections for tick in ticks),
        connections_planned=None if wrk is None else wrk.opened,
        stuck=None if wrk is None else _stuck(last, window, wrk.timeout_seconds),
        seconds=milliseconds / 1e3,
        spin_change=after / before - 1,
        spin_seconds=(after + before) / 2,
    )


@dataclass(frozen=True)
class GeneratorWatch:
    """The state of a load host over a load window, for the generator's CPUs; as in `WatchNumbers`."""

    steal: float
    others: float
    throttled: dict[str, float]
    generator_waited: float | None
    busy: tuple[float, ...]


def generator_watch(ticks_jsonl: bytes, result: WindowResult, *, cpus: Sequence[int], name: str) -> GeneratorWatch:
    """The state of a load host over its generator's window; `cpus` are the generator's.

    Raises:
        AnalysisError: the ticks are damaged, or don't cover the window.
    """
    ticks, _, used = _over_window(ticks_jsonl, load_window(result), cpus, name=name)
    return GeneratorWatch(
        steal=_stolen(used, cpus),
        others=_others(ticks[0], ticks[-1], used, frozenset(cpus), {"generator"}),
        throttled=_throttled(ticks),
        generator_waited=_waited(ticks) if isinstance(result, WrkResult) else None,
        busy=tuple(used[cpu].busy for cpu in cpus),
    )


@dataclass(frozen=True)
class _Used:
    """How one CPU spent the time between two ticks, as shares.

    Busy is neither idle nor stolen: the kernel measures idle time, but may only sample the kinds of busy time. `tasks`
    excludes interrupts, such as those of loopback packets, which count for no process.
    """

    stolen: float
    busy: float
    tasks: float

    @classmethod
    def between(cls, first: CpuTimes, last: CpuTimes, milliseconds: float) -> "_Used":
        """The difference of two ticks this many milliseconds apart."""
        # Idle and waiting times may fall by a step, as proc_stat(5) warns.
        spent = CpuTimes(*(max(after - before, 0) for before, after in zip(first, last, strict=True)))
        busy = milliseconds - spent.idle - spent.iowait - spent.steal
        tasks = busy - spent.irq - spent.softirq
        return cls(
            stolen=min(spent.steal / milliseconds, 1.0),
            busy=min(max(busy / milliseconds, 0.0), 1.0),
            tasks=min(max(tasks / milliseconds, 0.0), 1.0),
        )


def _over_window(
    ticks_jsonl: bytes, window: Window, cpus: Collection[int], *, name: str
) -> tuple[Sequence[HostTick], float, dict[int, _Used]]:
    """The ticks inside a window, the milliseconds from the first to the last, and the use of each CPU in between.

    Raises:
        AnalysisError: the ticks are damaged, don't cover the window, or lack one of `cpus`.
    """
    ticks = _inside(read_ticks(ticks_jsonl, name=name), window, name)
    first, last = ticks[0], ticks[-1]
    if missing := {*cpus} - first.cpus.keys():
        raise AnalysisError(f"{name} has no times of the CPUs {sorted(missing)}. Measure the cell again.")
    milliseconds = (last.time_ns - first.time_ns) / 1e6
    return (
        ticks,
        milliseconds,
        {cpu: _Used.between(first.cpus[cpu], last.cpus[cpu], milliseconds) for cpu in first.cpus},
    )


def _inside(ticks: Sequence[HostTick], window: Window, name: str) -> Sequence[HostTick]:
    """The ticks inside a window, at least two."""
    inside = [tick for tick in ticks if window.start_ns <= tick.time_ns <= window.end_ns]
    moments = [window.start_ns, *(tick.time_ns for tick in inside), window.end_ns]
    longest_ns = max(after - before for before, after in pairwise(moments))
    if len(inside) < 2 or longest_ns > limits.TICK_GAP_MOST_NS:
        raise AnalysisError(
            f"{name} has {len(inside)} ticks in the load window, and none for {max(longest_ns, 0) // 10**8 / 10} s of "
            "it: the watch started late, stopped, or got no CPU. The cell can't be used; measure it again."
        )
    return inside


def _stolen(used: dict[int, _Used], cpus: Sequence[int]) -> float:
    return sum(used[cpu].stolen for cpu in cpus) / len(cpus)


def _roles_on(cores: CoreLayout, cpus: frozenset[int]) -> set[Role]:
    return {role for role in ROLES if cpus & {*cores.of(role)}}


def _others(
    first: HostTick, last: HostTick, used: dict[int, _Used], cpus: frozenset[int], roles: Collection[Role]
) -> float:
    """The share of these CPUs that was used by other processes than those of the roles on them."""
    own_ns = sum(
        last.used_ns[name] - first.used_ns[name] for name in first.used_ns.keys() & last.used_ns.keys() if name in roles
    )
    own = own_ns / (last.time_ns - first.time_ns)
    return min(max(sum(used[cpu].tasks for cpu in cpus) - own, 0.0) / len(cpus), 1.0)


def _throttled(ticks: Sequence[HostTick]) -> dict[str, float]:
    """The cgroups that were throttled, and for how many seconds; a new one counts from its first tick."""
    found: dict[str, float] = {}
    for directory in {name for tick in ticks for name in tick.throttled}:
        seen = [tick.throttled[directory] for tick in ticks if directory in tick.throttled]
        if seen[-1].times > seen[0].times:
            found[directory] = (seen[-1].ns - seen[0].ns) / 1e9
    return dict(sorted(found.items()))


def _pressure(first: HostTick, last: HostTick) -> dict[Resource, tuple[float, float]] | None:
    if first.pressure is None or last.pressure is None:
        return None
    microseconds = (last.time_ns - first.time_ns) / 1e3
    return {
        resource: (
            (last.pressure[resource].some_us - before.some_us) / microseconds,
            (last.pressure[resource].full_us - before.full_us) / microseconds,
        )
        for resource, before in first.pressure.items()
        if resource in last.pressure
    }


def _waited(ticks: Sequence[HostTick]) -> float | None:
    """The share of its time that a worker of the generator was ready without a CPU.

    wrk's first thread, which sleeps until the others have ended, isn't counted.
    """
    known = [(tick.time_ns, tick.generator) for tick in ticks if tick.generator is not None]
    # The times of a thread disappear when it ends, and some may end near the window's end.
    threads = max((scheduled.threads for _, scheduled in known), default=0)
    seen = [(time_ns, scheduled) for time_ns, scheduled in known if scheduled.threads == threads]
    if len(seen) < 2:
        return None
    (first_ns, first), (last_ns, last) = seen[0], seen[-1]
    workers = max(threads - 1, 1)
    return max(last.waited_ns - first.waited_ns, 0) / (last_ns - first_ns) / workers


def _stuck(last: HostTick, window: Window, timeout_seconds: int) -> int | None:
    """How many connections at the last tick had no answer since the load began, or for the timeout or longer."""
    if last.silent_ms is None:
        return None
    patience_ms = min((last.time_ns - window.start_ns) // 1_000_000 - _GRACE_MS, 1000 * timeout_seconds)
    if patience_ms < 1000 * limits.STUCK_SECONDS_LEAST:
        return None
    return sum(silence >= patience_ms for silence in last.silent_ms)


def _cpu_seconds(spins: Collection[Spin]) -> float:
    """The CPU time of a spin, mean over the CPUs.

    CPU time, not wall time: other programs on these CPUs make the spin wait, and have a number of their own.
    """
    return sum(spin.cpu_ns for spin in spins) / len(spins) / 1e9
