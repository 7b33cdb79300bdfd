"""What one load window leaves: the generator's result, samples of cgroups, ticks of the kernel, and spins."""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from documents.base import Document, Name
from documents.lab import HostRole
from documents.run.protocol import Cell, Workload
from documents.run.records import Nanoseconds


class WrkErrors(Document):
    """wrk's own error counters.

    Attributes:
        connect: sockets that failed to connect
        read: sockets that failed to read
        write: sockets that failed to write
        status: responses with a status of 400 or more
        timeout: responses slower than the timeout
    """

    connect: int = Field(ge=0)
    read: int = Field(ge=0)
    write: int = Field(ge=0)
    status: int = Field(ge=0)
    timeout: int = Field(ge=0)

    @property
    def total(self) -> int:
        """All errors together."""
        return self.connect + self.read + self.write + self.status + self.timeout


class WrkLatency(Document):
    """wrk's latency histogram, which wrk has corrected for coordinated omission.

    `analysis/` inverts the correction, so that both raw and corrected percentiles can be reported.

    Attributes:
        count: latencies in the histogram, those that wrk added included
        histogram: pairs of latency in whole microseconds and how many, rising
    """

    count: int
    minimum_us: int
    maximum_us: int
    histogram: tuple[tuple[int, int], ...]


class WrkResult(Document):
    """`wrk.json`: one load window as wrk saw it.

    The wrk process lives longer: it builds its requests before the load, and writes this document after it.

    Attributes:
        duration_seconds: what was asked for
        elapsed_us: what it took
        ended_ns: when the load ended; it began `elapsed_us` before
        requests: responses of any status
        bytes: bytes read
        statuses: responses by status; null for a workload of several routes
    """

    version: Literal[2] = 2
    wrk_version: str
    workload: Workload
    threads: int = Field(ge=1)
    connections: int = Field(ge=1)
    timeout_seconds: int
    duration_seconds: int
    elapsed_us: int = Field(ge=1)
    ended_ns: Nanoseconds
    requests: int = Field(ge=0)
    bytes: int = Field(ge=0)
    errors: WrkErrors
    latency: WrkLatency
    statuses: dict[str, int] | None

    @property
    def started_ns(self) -> int:
        """When the load began: wrk counts the responses that throughput is made of from then on."""
        return self.ended_ns - 1000 * self.elapsed_us

    @property
    def throughput(self) -> float:
        """Responses a second."""
        return self.requests / self.elapsed_us * 1e6

    @property
    def opened(self) -> int:
        """The connections that wrk opened: as many in each thread, without the rest."""
        return self.connections // self.threads * self.threads


class OpenLoopCell(Cell):
    """A cell whose window has requests arrive at a rate.

    Its scenario is the protocol's with the open loop's `duration_seconds`.

    Attributes:
        rate: requests a second, due at equal distances
    """

    rate: int = Field(ge=1)

    @property
    def id(self) -> str:
        """The cell's folder in `cells/`: ``<number>-<api>-<scenario>-at-<rate>``."""
        return f"{super().id}-at-{self.rate}"


class OpenLoopRate(Document):
    """A rate that is common to all APIs.

    Attributes:
        share: of the slowest API's throughput
        rate: requests a second, rounded down to three digits
    """

    share: float
    rate: int


class OpenLoopPlan(Document):
    """`open-loop-plan.json`: rates and cells of the open loop, written once when the closed loop is over.

    Attributes:
        slowest: the API whose throughput the rates are shares of; null where no API has a valid cell
        throughput: its geometric mean over blocks, in requests a second
        cells: in the order in which they are measured
    """

    version: Literal[1] = 1
    order_seed: int
    slowest: Name | None
    throughput: float | None
    rates: tuple[OpenLoopRate, ...]
    cells: tuple[OpenLoopCell, ...]


class OpenLoopErrors(Document):
    """Requests without an answer.

    Attributes:
        timeout: given up after the timeout
        other: for another reason, such as a closed connection
    """

    timeout: int = Field(ge=0)
    other: int = Field(ge=0)

    @property
    def total(self) -> int:
        """All errors together."""
        return self.timeout + self.other


class OpenLoopHistogram(Document):
    """Durations by the whole microsecond.

    Attributes:
        histogram: pairs of microseconds and how many, rising
    """

    count: int = Field(ge=0)
    minimum_us: int = Field(ge=0)
    maximum_us: int = Field(ge=0)
    histogram: tuple[tuple[int, int], ...]


class OpenLoopResult(Document):
    """`open-loop.json`: one window as vegeta saw it.

    Attributes:
        connections: the most at a time
        duration_seconds: how long requests were due
        rate: requests due a second
        started_ns: the first request
        ended_ns: the last answer, or when it was given up
        requests: those that were sent, also after the window
        sent_in_window: those sent before the window's end
        connections_opened: over the window
        first_error: in the words of Go's client
        statuses: answers by method and status
        latency: of the answered requests, from when each was due to its last byte
        lateness: of all requests, from when each was due to when it was sent
    """

    version: Literal[1] = 1
    vegeta_version: str
    workload: Workload
    connections: int = Field(ge=1)
    timeout_seconds: int
    duration_seconds: int = Field(ge=1)
    rate: int = Field(ge=1)
    started_ns: Nanoseconds
    ended_ns: Nanoseconds
    requests: int = Field(ge=0)
    sent_in_window: int = Field(ge=0)
    connections_opened: int = Field(ge=0)
    errors: OpenLoopErrors
    first_error: str | None
    statuses: dict[str, dict[str, int]]
    latency: OpenLoopHistogram
    lateness: OpenLoopHistogram

    @property
    def throughput(self) -> float:
        """Requests a second that were sent before the window's end."""
        return self.sent_in_window / self.duration_seconds


WindowResult = WrkResult | OpenLoopResult
"""One load window as its generator saw it: wrk in a closed loop, vegeta in an open one. It began at `started_ns` and
ended at `ended_ns` of the host's CLOCK_MONOTONIC."""

WRK_FILE = "wrk.json"
OPEN_LOOP_FILE = "open-loop.json"


def result_file(cell: Cell) -> str:
    """The name of the file in a cell's folder that holds its window's result."""
    return OPEN_LOOP_FILE if isinstance(cell, OpenLoopCell) else WRK_FILE


def read_result(data: bytes, *, name: str) -> WindowResult:
    """Read a window's result by the end of its file's name.

    Raises:
        DocumentError: it isn't of its shape.
    """
    kind = OpenLoopResult if name.endswith(OPEN_LOOP_FILE) else WrkResult
    return kind.from_json(data, name=name)


SampledRole = Literal[HostRole, "generator"]

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
"""A counter of the kernel."""

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
