"""What was recorded while a cell was measured: samples of each role's cgroup, and what the kernel counted."""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from documents.base import Document
from documents.run.records import Nanoseconds

SampledRole = Literal["api", "postgres", "redis", "generator"]

SAMPLE_COLUMNS = ("time_ns", "role", "cpu_ns", "anonymous_bytes", "page_cache_bytes")
"""The header line of `samples.csv`; a line for each role and tick follows, times rising."""


class Sample(NamedTuple):
    """One role at one moment: a line of `samples.csv`.

    Attributes:
        time_ns: the host's CLOCK_MONOTONIC
        role: `api`, `postgres`, `redis` or `generator`
        cpu_ns: CPU time that the role's cgroup has used since it was made; it only grows
        anonymous_bytes: anonymous memory: rss of cgroup v1, anon of cgroup v2
        page_cache_bytes: file-backed memory: cache of cgroup v1, file of cgroup v2
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
    """One line of `ticks.jsonl`: what the kernel had counted at one moment. All counters only grow.

    Attributes:
        cpus: the lab's CPUs by number
        used_ns: CPU time that each role's cgroup has used since it was made
        throttled: the cgroups of the roles and those above them, by directory
        pressure: null on a kernel without pressure stall information
        connections: established TCP connections to the API's port
        silent_ms: for each connection to which the API has sent nothing for a second or more, how long; null where
            the kernel doesn't show it
        generator: null while no load runs, and where the kernel doesn't count it
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
    """The fastest of ten equal pieces of work on one CPU.

    Attributes:
        wall_ns: what it took by the clock
        cpu_ns: the CPU time that it took
    """

    cpu: Cpu
    wall_ns: Annotated[int, Field(gt=0, lt=2**63)]
    cpu_ns: Annotated[int, Field(gt=0, lt=2**63)]


class HostWatch(Document):
    """`watch.json`: the calibration spins on the API's CPUs, all at once, while the API has no request.

    Attributes:
        spins_before: immediately before the load
        spins_after: immediately after it
    """

    version: Literal[1] = 1
    spins_before: Annotated[tuple[Spin, ...], Field(min_length=1)]
    spins_after: Annotated[tuple[Spin, ...], Field(min_length=1)]
