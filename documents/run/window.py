"""What one load window leaves: the generator's result, samples of cgroups, ticks of the kernel, and spins."""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from documents.base import Document, Name
from documents.run.protocol import Cell, Workload
from documents.run.records import Nanoseconds


class WrkErrors(Document):
    """wrk's own error counters: sockets that failed to connect, read or write; statuses of 400 and more; time-outs."""

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
    """wrk's latency histogram as `done()` finds it: already "corrected" for coordinated omission by wrk itself.

    `histogram` holds pairs of (latency in whole microseconds, responses), latencies rising, counts above 0.
    `analysis/` inverts the correction, so that both raw and corrected percentiles can be reported.
    """

    count: int
    minimum_us: int
    maximum_us: int
    histogram: tuple[tuple[int, int], ...]


class WrkResult(Document):
    """One load window as wrk saw it.

    The load ended at `ended_ns` of the host's CLOCK_MONOTONIC, and began `elapsed_us` before. wrk itself lives longer:
    it builds its requests before, and writes this document after. `statuses` maps status to responses; None where a
    workload has several routes.
    """

    version: Literal[2] = 2
    wrk_version: str
    workload: Workload
    threads: int
    connections: int
    timeout_seconds: int
    duration_seconds: int
    elapsed_us: int
    ended_ns: int = Field(ge=0, lt=2**63)
    requests: int
    bytes: int
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


class OpenLoopCell(Cell):
    """A cell whose window has requests arrive at `rate` a second, due at equal distances.

    Its `scenario` is the protocol's but for `duration_seconds`, which is the window's. Its connections warm the API up
    in a closed loop, and are the most that the window opens.
    """

    rate: int = Field(ge=1)

    @property
    def id(self) -> str:
        """The cell's folder in `cells/`: ``<number>-<api>-<scenario>-at-<rate>``."""
        return f"{super().id}-at-{self.rate}"


class OpenLoopRate(Document):
    """A rate in requests a second, common to all APIs, and the share of the slowest one's throughput that it is."""

    share: float
    rate: int


class OpenLoopPlan(Document):
    """`open-loop-plan.json`: what the closed loop left to be decided, written once before the first cell of it.

    `throughput` is that of the `slowest` API in that scenario, in requests a second, as the report has it: the
    geometric mean over blocks of its valid cells. Both are None, and there are no rates and no cells, where no API has
    a valid cell.
    """

    version: Literal[1] = 1
    order_seed: int
    slowest: Name | None
    throughput: float | None
    rates: tuple[OpenLoopRate, ...]
    cells: tuple[OpenLoopCell, ...]


class OpenLoopErrors(Document):
    """Requests without an answer: after the time-out, or for another reason such as a connection that was closed."""

    timeout: int = Field(ge=0)
    other: int = Field(ge=0)

    @property
    def total(self) -> int:
        """All errors together."""
        return self.timeout + self.other


class OpenLoopHistogram(Document):
    """Durations by the whole microsecond: pairs of (µs, how many), µs rising, counts above 0."""

    count: int = Field(ge=0)
    minimum_us: int = Field(ge=0)
    maximum_us: int = Field(ge=0)
    histogram: tuple[tuple[int, int], ...]


class OpenLoopResult(Document):
    """`open-loop.json`: one window as vegeta saw it.

    It began at `started_ns` of the host's CLOCK_MONOTONIC, and the last answer had come, or was given up, at
    `ended_ns`. Of the requests that were due, `requests` were sent: `sent_in_window` of them before the window's end,
    the others within `timeout_seconds` after it. `latency` has the answered ones, each from when it was due to its last
    byte; `lateness` has all, from when each was due to when it was sent. `statuses` maps method and status to answers.
    """

    version: Literal[1] = 1
    vegeta_version: str
    workload: Workload
    connections: int = Field(ge=1)
    timeout_seconds: int
    duration_seconds: int = Field(ge=1)
    rate: int = Field(ge=1)
    started_ns: int = Field(ge=0, lt=2**63)
    ended_ns: int = Field(ge=0, lt=2**63)
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
    nothing for a second or more: for how long; None where the kernel can't report it. `generator` is None while no load
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
