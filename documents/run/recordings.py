"""What was recorded while a cell was measured: samples of each role's cgroup, and what the kernel counted."""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from documents.base import Document
from documents.run.records import Nanoseconds

SampledRole = Literal["api", "postgres", "redis", "generator"]

SAMPLE_COLUMNS = ("time_ns", "role", "cpu_ns", "anonymous_bytes", "page_cache_bytes")
"""The header line of `samples.csv`; a line for each role and tick follows, times rising."""


class Sample(NamedTuple):
    """One role at one moment.

    `time_ns` is the host's CLOCK_MONOTONIC; `cpu_ns` the CPU time that the cgroup has used since it was made;
    `anonymous_bytes` its anonymous memory and `page_cache_bytes` its file-backed memory (cgroup v1: rss and
    cache; v2: anon and file in memory.stat).
    """

    time_ns: int
    role: SampledRole
    cpu_ns: int
    anonymous_bytes: int
    page_cache_bytes: int


Count = Annotated[int, Field(ge=0, lt=2**63)]
"""A counter of the kernel's, or what was measured of it."""

Resource = Literal["cpu", "memory", "io"]
"""What tasks may have to wait for, as the kernel's pressure stall information names it."""

Cpu = Annotated[int, Field(ge=0, lt=8192)]
"""A CPU by the kernel's number."""


class CpuTimes(NamedTuple):
    """How one CPU has spent its time since boot, in milliseconds, as /proc/stat has it.

    `steal` is what the hypervisor gave to others. The kernel counts in hundredths of a second.
    """

    user: Count
    nice: Count
    system: Count
    idle: Count
    iowait: Count
    irq: Count
    softirq: Count
    steal: Count


class Throttling(NamedTuple):
    """How often a cgroup was held back by its CPU quota since it was made, and for how many nanoseconds."""

    times: Count
    ns: Count


class Pressure(NamedTuple):
    """Pressure stall information since boot: microseconds in which some task waited, and in which all did."""

    some_us: Count
    full_us: Count


class Scheduled(NamedTuple):
    """What a role's threads have run since each began, and how long they stood ready without a CPU, in nanoseconds."""

    ran_ns: Count
    waited_ns: Count
    threads: Count


class HostTick(Document):
    """One line of `ticks.jsonl`: what the kernel had counted at one moment of the host's CLOCK_MONOTONIC.

    `cpus` has the lab's CPUs by their number, `used_ns` the CPU time of each role's cgroup, `throttled` the cgroups of
    the roles and those above them, by directory. `pressure` is None on a kernel that has none. `connections` are the
    established TCP connections to the API's port. `silent_ms` has one value for each of them to which the API has sent
    nothing for a second or more: for how long; None where the kernel can't tell. `generator` is None while no load
    runs, and where the kernel doesn't account what threads wait.
    """

    time_ns: Nanoseconds
    cpus: dict[Cpu, CpuTimes]
    used_ns: dict[SampledRole, Count]
    throttled: dict[str, Throttling]
    pressure: dict[Resource, Pressure] | None
    connections: Count
    silent_ms: tuple[Count, ...] | None
    generator: Scheduled | None


class Spin(Document):
    """The fastest of ten equal pieces of work on one CPU: how long it took by the clock, and its CPU time, in ns."""

    cpu: Cpu
    wall_ns: Annotated[int, Field(gt=0, lt=2**63)]
    cpu_ns: Annotated[int, Field(gt=0, lt=2**63)]


class HostWatch(Document):
    """`watch.json`: the calibration spins on the API's CPUs, straight before the load and straight after it.

    The API has no request then. All CPUs of a set spin at once.
    """

    version: Literal[1] = 1
    spins_before: Annotated[tuple[Spin, ...], Field(min_length=1)]
    spins_after: Annotated[tuple[Spin, ...], Field(min_length=1)]
