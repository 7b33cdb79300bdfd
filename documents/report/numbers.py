"""The numbers of one valid cell, and estimates over a run's cells."""

from typing import Annotated, Literal

from pydantic import Field

from documents.base import Document, Name
from documents.lab import Role, Service
from documents.run import Cpu, Resource, SampledRole


class Latency(Document):
    """Mean and percentiles of latency.

    A percentile is the exact nearest rank: the smallest latency that at least that share of responses don't exceed.
    """

    mean_us: float
    p50_us: float
    p90_us: float
    p99_us: float
    p999_us: float


class Usage(Document):
    """What one role used over a load window.

    Attributes:
        cpu_cores: CPU seconds a second
        memory_mean_bytes: anonymous memory
        page_cache_mean_bytes: the kernel can take it back
    """

    cpu_cores: float
    memory_mean_bytes: float
    memory_peak_bytes: int
    page_cache_mean_bytes: float


class WatchNumbers(Document):
    """The state of the host over a load window: shares from 0 to 1 unless a name says otherwise.

    With load hosts, the generator's numbers are those of the worst one.

    Attributes:
        seconds: from the window's first tick to its last; the other numbers are over this time
        steal: what the hypervisor took of each role's CPUs
        busy: how busy each of the lab's CPUs was: neither idle nor stolen
        others: what programs that aren't the lab's used of a role's CPUs, and of those shared with it
        throttled: seconds for which a CPU quota held a cgroup back, by directory
        pressure: the shares of the window in which some task waited for a resource, and in which all did; null
            where the kernel doesn't show it
        generator_waited: in which a thread of the generator was ready without a CPU; null if the kernel doesn't count
            it, and in an open loop
        connections: open at once
        connections_planned: null in an open loop, whose connections are opened as they are needed
        stuck: connections without an answer since the load began, or for as long as a request may take; null where
            that isn't known
        spin_change: the spin's CPU time after the load over that before it, less 1
        spin_seconds: the mean of both, for one CPU
        generator_busy: how busy the CPUs of the generators on load hosts were; left out where there are none
    """

    seconds: float

    steal: dict[Role, float]
    busy: dict[Cpu, float]
    others: dict[Role, float]
    throttled: dict[str, float]
    pressure: dict[Resource, tuple[float, float]] | None
    generator_waited: float | None
    connections: int
    connections_planned: int | None
    stuck: int | None
    spin_change: float
    spin_seconds: float
    generator_busy: Annotated[tuple[float, ...], Field(exclude_if=lambda busy: not busy)] = ()


class LoadHostNumbers(Document):
    """How well the load hosts of a cell worked together, and how full the network was.

    Attributes:
        clock_error_seconds: the largest error of a time difference between two hosts
        start_skew_seconds: from the first generator's start to the last one's, without the turns of an open loop
        apart: the share of the load in which not all generators ran
        network_share: the answers' share of the bandwidth; null where that wasn't measured, and in an open loop
    """

    clock_error_seconds: float
    start_skew_seconds: float
    apart: float
    network_share: float | None


class CellNumbers(Document):
    """One valid cell in numbers.

    Attributes:
        attempt: the one that counts
        twin: the second cell of the API that its block measured twice
        throughput: requests a second
        raw: each response counted once
        corrected: with wrk's correction for coordinated omission
        littles_law: throughput times mean raw latency over connections: near 1; less where the generator was the
            limit or answers were missing at the end
        generator_saturation: the generator's CPU use over the CPUs that its threads can fill; of the busiest one
        bound_by: the services that used up their CPUs and so were the limit
        watch: null where the host wasn't watched
        load_hosts: left out where the load came from the lab's own host
    """

    cell_id: str
    attempt: int = 1
    block: int
    api: Name
    scenario: Name
    twin: bool = False
    requests: int
    throughput: float
    raw: Latency
    corrected: Latency
    errors: int
    statuses: dict[str, int] | None
    usage: dict[SampledRole, Usage]
    littles_law: float
    generator_saturation: float
    bound_by: tuple[Service, ...] = ()
    watch: WatchNumbers | None = None
    load_hosts: Annotated[LoadHostNumbers | None, Field(exclude_if=lambda numbers: numbers is None)] = None


class OpenLoopNumbers(Document):
    """One valid cell of the open loop in numbers.

    Attributes:
        attempt: the one that counts
        rate: requests a second
        achieved_rate: requests a second that were sent before the window's end
        latency: from when each request was due
        lateness_p99_us: how late requests were sent, which is part of their latency
        generator_saturation: the generator's CPU use over its CPUs
        bound_by: as in `CellNumbers`, like `watch` and `load_hosts`
    """

    cell_id: str
    attempt: int = 1
    block: int
    api: Name
    rate: int
    achieved_rate: float
    latency: Latency
    lateness_p99_us: float
    connections_opened: int
    usage: dict[SampledRole, Usage]
    generator_saturation: float
    bound_by: tuple[Service, ...] = ()
    watch: WatchNumbers | None = None
    load_hosts: Annotated[LoadHostNumbers | None, Field(exclude_if=lambda numbers: numbers is None)] = None


class Estimate(Document):
    """A mean over blocks with its 95% confidence interval.

    A block that measured the API twice counts once, by their mean.

    Attributes:
        low: null below two blocks
        count: how many blocks
        scale: `log` for a geometric mean, `linear` for an arithmetic one
    """

    value: float
    low: float | None
    high: float | None
    count: int
    scale: Literal["log", "linear"]


class LatencyEstimate(Document):
    """`Latency` over blocks."""

    mean_us: Estimate
    p50_us: Estimate
    p90_us: Estimate
    p99_us: Estimate
    p999_us: Estimate


class Measurements(Document):
    """One API under one scenario, over its valid cells; the units are those of `CellNumbers`.

    Attributes:
        memory_mean_bytes: of the API, as all memory here
        littles_law: near 1
        generator_saturation: from 0 to 1
        requests_per_cpu_second: requests for each second of the API's own CPU time; null where a cell used none
    """

    throughput: Estimate
    raw: LatencyEstimate
    corrected: LatencyEstimate
    cpu_cores: dict[SampledRole, Estimate]
    memory_mean_bytes: Estimate
    memory_peak_bytes: Estimate
    page_cache_mean_bytes: Estimate
    littles_law: Estimate
    generator_saturation: Estimate
    requests_per_cpu_second: Estimate | None


class LatencyDistribution(Document):
    """Latency up the tail: exact nearest ranks of each cell, geometric means over blocks.

    Attributes:
        one_in: one response in this many took longer: 2 is the median, 100 is p99; it ends before a cell has fewer
            than ten such responses
        raw_us: microseconds, of the same length
        corrected_us: the same with wrk's correction
    """

    one_in: tuple[float, ...]
    raw_us: tuple[float, ...]
    corrected_us: tuple[float, ...]


class TimeSeries(Document):
    """CPU and memory of the API along the load window, mean over blocks, step by step from the load's start.

    Attributes:
        step_seconds: a step's length, mean over blocks
        memory_bytes: anonymous memory
    """

    step_seconds: float
    cpu_cores: tuple[float, ...]
    memory_bytes: tuple[float, ...]


class FailureShare(Document):
    """In how many of its cells an API failed under a load.

    Attributes:
        failed: cells with an attempt that is void because of the API: an error, a wrong answer, none at all
        cells: these and the valid ones, without those that only the host or the lab made void
        low: of the true share, by the 95% interval of Clopper and Pearson
        high: likewise
    """

    failed: int
    cells: int
    low: float
    high: float


class ScenarioSummary(Document):
    """One API under one scenario.

    Attributes:
        cells: valid ones
        blocks: blocks with a valid cell; an API is in some of them twice
        void_cells: those with no valid attempt and no attempt left
        void_attempts: over all cells
        failures: also at cells that have a valid attempt
        errors: wrk's, over the void attempts too; null where wrk was started and left no count
        measured: null where no cell is valid
        distribution: null also where a cell has fewer than 14 responses
    """

    api: Name
    scenario: Name
    cells: int
    blocks: int
    void_cells: int
    unfinished_cells: int
    void_attempts: int
    failures: FailureShare
    errors: int | None
    measured: Measurements | None
    series: TimeSeries | None
    distribution: LatencyDistribution | None


class OpenLoopMeasurements(Document):
    """One API at one rate over its valid cells; the units are those of `OpenLoopNumbers`.

    Attributes:
        achieved_rate: requests a second
        p50_us: from when requests were due
        lateness_p99_us: from when requests were due to when they were sent
    """

    achieved_rate: Estimate
    p50_us: Estimate
    p90_us: Estimate
    p99_us: Estimate
    p999_us: Estimate
    lateness_p99_us: Estimate
    cpu_cores: dict[SampledRole, Estimate]


class OpenLoopSummary(Document):
    """One API at one rate; the counts are those of `ScenarioSummary`.

    Attributes:
        measured: null where no cell is valid
    """

    api: Name
    rate: int
    cells: int
    void_cells: int
    unfinished_cells: int
    void_attempts: int
    measured: OpenLoopMeasurements | None


class Spread(Document):
    """Repeated measurements.

    Attributes:
        count: how many there were
    """

    median: float
    least: float
    most: float
    count: int


class WarmUpSummary(Document):
    """The warm-ups of one API under one scenario.

    Attributes:
        cells: valid ones whose warm-up was watched
        seconds: how long they lasted
        steady: how many had settled
        never_steady: those that hadn't after the longest time; the others were too short to judge
    """

    api: Name
    scenario: Name
    cells: int
    seconds: Spread
    steady: int
    never_steady: tuple[str, ...]
