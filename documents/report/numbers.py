"""Numbers of one valid cell, and estimates over a run's cells: what the report's statistics are."""

from typing import Annotated, Literal

from pydantic import Field

from documents.base import Document, Name
from documents.lab import Role
from documents.run import Cpu, Resource, SampledRole

Service = Literal["postgres", "redis"]
"""What an API may have to wait for."""


class Latency(Document):
    """Mean and percentiles of latency in microseconds.

    A percentile is the exact nearest rank: the least latency that at least that share of the responses kept.
    """

    mean_us: float
    p50_us: float
    p90_us: float
    p99_us: float
    p999_us: float


class Usage(Document):
    """What one role used over a load window: CPU in cores (CPU seconds a second) and memory in bytes.

    Memory is anonymous memory; the page cache stands beside it, for the kernel takes it back at need.
    """

    cpu_cores: float
    memory_mean_bytes: float
    memory_peak_bytes: int
    page_cache_mean_bytes: float


class WatchNumbers(Document):
    """What the host was like over a load window: shares from 0 to 1 unless a name says otherwise.

    `steal` is what the hypervisor took of each role's CPUs, `busy` how busy each of the lab's CPUs was, and `others`
    what processes that are none of the lab's used of a role's CPUs: of those that it has to itself, or shares with
    other roles. `throttled` maps the cgroups that a quota held back to the seconds that it did. `pressure` has the
    share of the window in which some task waited for a resource, and in which all did; None where the kernel doesn't
    report it.
    `generator_waited` is how much of the window the generator's threads stood ready without a CPU; None where the
    kernel doesn't report it, and in an open loop.

    `connections` are those that were open at once, of `connections_planned`. `stuck` of them were sent no answer
    since the load began, or for as long as a request may take; None where that can't be known. In an open loop both are
    None, for there connections are opened as they are needed, and may rest. `spin_change` is the calibration spin's CPU
    time after the load over that before it, less 1; `spin_seconds` the mean of both, for one CPU. `seconds` is the part
    of the window that all of this is taken over.

    Where the load came from load hosts, the numbers of the generator are those of the worst of them, and
    `generator_busy` says how busy each of the generators' CPUs was; `busy` then has those of the lab's host alone.
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

    The generators began within `start_skew_seconds` of each other, and for `apart` of the load, from 0 to 1, not all of
    them were at work; in an open loop, that each begins in its turn is taken off both. Moments of two of their hosts,
    or of one and the lab's host, may be `clock_error_seconds` further apart than they seem. `network_share` is the
    answers' share of what the network can carry: of the fullest way from the lab's host to a load host. None where the
    bandwidth wasn't measured, and in an open loop, whose generator counts no bytes.
    """

    clock_error_seconds: float
    start_skew_seconds: float
    apart: float
    network_share: float | None


class CellNumbers(Document):
    """One valid cell in numbers, those of its `attempt` that counts.

    Throughput in requests a second; latencies in microseconds. `raw` counts each response once, `corrected` is
    wrk's correction for coordinated omission. `littles_law` is throughput x mean raw latency / connections opened:
    near 1 for an honest closed loop, and falling when the generator is the limit or when connections still wait for an
    answer at the window's end. `generator_saturation` is the generator's CPU use over the CPUs that its threads can
    fill: as many as it has threads, and no more than it has. `bound_by` names the services that were the limit: their
    CPUs were used up, and by them. `watch` is None where the host wasn't watched. `twin` marks the second cell
    of the API that its block measured twice. `load_hosts` is None where the load came from the lab's own host; else
    `generator_saturation` is that of the busiest generator, and the generator's usage that of all together.
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
    """One valid cell of the open loop in numbers, those of its `attempt` that counts.

    Rates in requests a second; latencies in microseconds, from when each request was due. `lateness_p99_us` is the 99th
    percentile of how late requests were sent, which is part of their latency. `generator_saturation` is the generator's
    CPU use over its CPUs. `bound_by`, `watch` and `load_hosts` are as in `CellNumbers`.
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
    """A mean over blocks with its 95% confidence interval; no interval below two blocks.

    A block that measured the API twice counts once, by the mean of both cells. `count` is how many blocks there are,
    `scale` which mean it is: geometric (`log`) or arithmetic (`linear`).
    """

    value: float
    low: float | None
    high: float | None
    count: int
    scale: Literal["log", "linear"]


class LatencyEstimate(Document):
    """`Latency` over blocks; microseconds."""

    mean_us: Estimate
    p50_us: Estimate
    p90_us: Estimate
    p99_us: Estimate
    p999_us: Estimate


class Measurements(Document):
    """One API under one scenario, over its valid cells; the units are those of `CellNumbers`.

    Memory is the API's own; CPU stands there for each role. `requests_per_cpu_second` is how many requests it answered
    for each second of its own CPU time; None where a cell used none.
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
    requests_per_cpu_second: Estimate | None = None


class LatencyDistribution(Document):
    """Latency up the tail: the percentiles of which one response in `one_in` took longer, in microseconds.

    One in 2 is the median, one in 100 is p99: the percentile is 100 - 100 / `one_in`. Each is the exact nearest rank of
    a cell, and the geometric mean over blocks. It ends before a cell has too few responses beyond.
    """

    one_in: tuple[float, ...]
    raw_us: tuple[float, ...]
    corrected_us: tuple[float, ...]


class TimeSeries(Document):
    """The API's CPU use and anonymous memory along the load window, as the mean over the blocks' valid cells.

    Step k is the mean over the seconds from `k * step_seconds` on, counted from the start of the load. wrk's windows
    aren't equally long to the millisecond: each is cut into as many steps, and `step_seconds` is their mean length.
    """

    step_seconds: float
    cpu_cores: tuple[float, ...]
    memory_bytes: tuple[float, ...]


class ScenarioSummary(Document):
    """One API under one scenario. `measured` and `series` are None where no cell is valid.

    `cells` are valid, `blocks` have one; an API is in some blocks twice. Of `void_cells` no attempt was valid, and none
    is left; `void_attempts` counts all void attempts, at whichever cells. `errors` are wrk's, over the void attempts
    too: an attempt with errors is void, so a valid cell has none. They are None where wrk was started in a void attempt
    and left no count of them. `distribution` is None as well where a cell has hardly any responses.
    """

    api: Name
    scenario: Name
    cells: int
    blocks: int
    void_cells: int
    unfinished_cells: int
    void_attempts: int
    errors: int | None
    measured: Measurements | None
    series: TimeSeries | None
    distribution: LatencyDistribution | None = None


class OpenLoopMeasurements(Document):
    """One API at one rate over its valid cells; the units are those of `OpenLoopNumbers`, CPU in cores."""

    achieved_rate: Estimate
    p50_us: Estimate
    p90_us: Estimate
    p99_us: Estimate
    p999_us: Estimate
    lateness_p99_us: Estimate
    cpu_cores: dict[SampledRole, Estimate]


class OpenLoopSummary(Document):
    """One API at one rate. `measured` is None where no cell is valid; the counts are those of `ScenarioSummary`."""

    api: Name
    rate: int
    cells: int
    void_cells: int
    unfinished_cells: int
    void_attempts: int
    measured: OpenLoopMeasurements | None


class Spread(Document):
    """The median of repeated measurements, the least and the greatest of them, and how many there were."""

    median: float
    least: float
    most: float
    count: int


class WarmUpSummary(Document):
    """The warm-ups of one API under one scenario, over its valid cells whose warm-up was watched.

    `seconds` is how long they lasted. Of `cells`, `steady` had settled, `never_steady` names those that hadn't when
    they had lasted as long as they may, and the others were too short to be judged.
    """

    api: Name
    scenario: Name
    cells: int
    seconds: Spread
    steady: int
    never_steady: tuple[str, ...]
