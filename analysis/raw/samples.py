"""`samples.csv` to what each role used over a load window.

CPU time is a counter that only grows, so the mean use over a window is the difference of its ends over the window's
length; the counter at an end that lies between two samples is interpolated. Memory is a level: its mean is that of the
samples in the window, its peak the greatest of them. A peak shorter than the sampler's interval of 0.1 s can be missed.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from documents.errors import AnalysisError
from documents.report import Usage
from documents.run import SAMPLE_COLUMNS, SampledRole, WindowResult

SAMPLED_ROLES: tuple[SampledRole, ...] = get_args(SampledRole)

HOST_ROLES: tuple[SampledRole, ...] = ("api", "postgres", "redis")
"""Those on the lab's host where the load comes from load hosts."""

_HEADER = ",".join(SAMPLE_COLUMNS)
_LINE = re.compile(rf"(\d{{1,18}}),({'|'.join(SAMPLED_ROLES)}),(\d{{1,18}}),(\d{{1,18}}),(\d{{1,18}})", re.ASCII)

LONGEST_GAP_NS = 1_000_000_000
"""A second without a sample is ten ticks missed: peaks and the window's ends are then no longer known."""


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
    """When there was load."""
    return Window(result.started_ns, result.ended_ns)


def read_samples(
    data: bytes, *, name: str, roles: Sequence[SampledRole] = SAMPLED_ROLES
) -> dict[SampledRole, RoleSamples]:
    """The samples of each role.

    Args:
        data: the bytes of a `samples.csv`.
        name: the file's name, for messages.
        roles: those that it has; a generator on a load host has a table of its own.

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
            raise _broken(name, number, f"the CPU time of {role} falls: its cgroup was made anew")
        earlier.append(row)
    for role, found in rows.items():
        if len(found) < 2:
            raise _broken(name, len(lines), f"the file ends with fewer than two samples of {role}")
    return {role: RoleSamples(*np.array(found, dtype=np.int64).T) for role, found in rows.items()}


def usage(samples: dict[SampledRole, RoleSamples], window: Window, *, name: str) -> dict[SampledRole, Usage]:
    """What each role used over a load window.

    Raises:
        AnalysisError: for more than a second of the window a role has no sample.
    """
    return {role: _usage_of(role, found, window, name) for role, found in samples.items()}


def _usage_of(role: SampledRole, samples: RoleSamples, window: Window, name: str) -> Usage:
    first, last = int(samples.time_ns[0]), int(samples.time_ns[-1])
    if first - window.start_ns > LONGEST_GAP_NS or window.end_ns - last > LONGEST_GAP_NS:
        raise _unsampled(name, role, max(first - window.start_ns, window.end_ns - last))
    start, end = max(first, window.start_ns), min(last, window.end_ns)
    inside = (samples.time_ns >= start) & (samples.time_ns <= end)
    longest_gap = int(np.diff(np.concatenate(([start], samples.time_ns[inside], [end]))).max())
    if longest_gap > LONGEST_GAP_NS or not inside.any() or end <= start:
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

    Both are read at the steps' ends from the samples, linearly interpolated; memory is the mean of a step's two ends.

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
