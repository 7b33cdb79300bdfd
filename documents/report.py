"""The report: a run's numbers, computed from its raw files alone."""

from datetime import datetime
from typing import Literal

from documents.base import Document, Name
from documents.claims import JudgedLine
from documents.comparison import Comparison
from documents.cores import CoreLayout, Role
from documents.host import HostSize
from documents.knobs import KnobRecord
from documents.open_loop import OpenLoopRate
from documents.protocol import Scenario
from documents.run import HostIdentity, Void
from documents.samples import SampledRole
from documents.watch import Cpu, Resource

Service = Literal["postgres", "redis"]
"""What an API may have to wait for."""

Grade = Literal["full", "partly-controlled", "smaller", "shared"]
"""How far a host's numbers reach: `full` has the article's 8 cores and 16 GB, a core layout without overlap, and every
knob as a measurement wants it. `partly-controlled` lacks the last of these, `smaller` has less of the machine, and on a
`shared` host the load generator also competes with what it measures. Of several, the last holds."""


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
    tell.
    `generator_waited` is how much of the window the generator's threads stood ready without a CPU; None where the
    kernel doesn't tell, and in an open loop.

    `connections` are those that were open at once, of `connections_planned`. `stuck` of them were sent no answer
    since the load began, or for as long as a request may take; None where that can't be told. In an open loop both are
    None, for there connections are opened as they are needed, and may rest. `spin_change` is the calibration spin's CPU
    time after the load over that before it, less 1; `spin_seconds` the mean of both, for one CPU. `seconds` is the part
    of the window that all of this is taken over.
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


class CellNumbers(Document):
    """One valid cell in numbers, those of its `attempt` that counts.

    Throughput in requests a second; latencies in microseconds. `raw` counts each response once, `corrected` is
    wrk's correction for coordinated omission. `littles_law` is throughput x mean raw latency / connections opened:
    near 1 for an honest closed loop, and falling when the generator is the limit or when connections still wait for an
    answer at the window's end. `generator_saturation` is the generator's CPU use over the CPUs that its threads can
    fill: as many as it has threads, and no more than it has. `bound_by` names the services that were the limit: their
    CPUs were used up, and by them. `watch` is None in a run that is older than the watch. `twin` marks the second cell
    of the API that its block measured twice.
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

    Memory is the API's own; CPU stands there for each role.
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
    and left no count of them.
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


class OpenLoopNumbers(Document):
    """One valid cell of the open loop in numbers, those of its `attempt` that counts.

    Rates in requests a second; latencies in microseconds, from when each request was due. `lateness_p99_us` is the 99th
    percentile of how late requests were sent, which is part of their latency. `generator_saturation` is the generator's
    CPU use over its CPUs. `bound_by` and `watch` are as in `CellNumbers`.
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


class OpenLoopReport(Document):
    """The open loop of a run: its rates, and each API at each of them. `scenario` is as in the cells."""

    scenario: Scenario
    blocks: int
    slowest: Name | None
    throughput: float | None
    rates: tuple[OpenLoopRate, ...]
    summaries: tuple[OpenLoopSummary, ...]
    cells: tuple[OpenLoopNumbers, ...]


class PublishedNumber(Document):
    """A number of the article beside ours; all of the article's are there where the run has one of its loads.

    Throughput in requests a second, memory in bytes, latency in microseconds. `measured` is None where this run has
    no valid cell of that API and scenario. The article doesn't say under which load its memory was averaged: ours
    is that of the heavy one.
    """

    api: Name
    scenario: Name
    measure: Literal["throughput", "memory_mean", "p99"]
    published: float
    measured: Estimate | None


class Spread(Document):
    """The median of repeated measurements, the least and the greatest of them, and how many there were."""

    median: float
    least: float
    most: float
    count: int


class BuildingFacts(Document):
    """What `lab facts` measured of an API's image, in seconds and bytes; see `documents.facts` for what each means.

    `same_host` says that it was measured on a host of the same identity as the run's. `build_cpus` and `dependencies`
    are counts.
    """

    api: Name
    language: str
    measured_at: datetime
    git_commit: str
    same_host: bool
    build_cpus: int
    clean_build_seconds: Spread
    incremental_build_seconds: Spread
    changed_file: str
    binary_bytes: int
    image_bytes: int
    code_lines: int
    test_lines: int
    dependencies: int
    first_answer_seconds: Spread
    engine_seconds: Spread
    rest_seconds: float
    rest_memory_bytes: Spread


class Subject(Document):
    """One API as it was built: its source, the image made of it, and what the stack document adds to it."""

    name: Name
    source: str
    source_sha256: str
    image_id: str
    environment: dict[str, str]


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


class VoidAttempt(Document):
    """An attempt at a cell that doesn't count, and why. `attempt` counts from 1.

    `rate` is that of a cell of the open loop, in requests a second; None in the closed one.
    """

    cell_id: str
    attempt: int
    block: int
    api: Name
    scenario: Name
    rate: int | None = None
    voids: tuple[Void, ...]


class VoidCell(Document):
    """A cell of which no attempt counts and none is left. `voids` are the reasons of the last of its `attempts`.

    `rate` is as in `VoidAttempt`.
    """

    cell_id: str
    attempts: int
    block: int
    api: Name
    scenario: Name
    rate: int | None = None
    voids: tuple[Void, ...]


class ShortBlock(Document):
    """A block without some of its cells, the ids of which stand in `lacking`: no attempt at them was valid.

    With `open_loop` it is one of the open loop's blocks, which are counted by themselves.
    """

    block: int
    open_loop: bool = False
    lacking: tuple[str, ...]


class Report(Document):
    """`report.json`: everything that the pages show.

    `caveats` are whole sentences that stand on every page: a smaller host, shared cores, void cells, a run that
    isn't finished. `comparisons` has one for each measure. `attempts` is how many the protocol allows a cell, `margin`
    the share up to which two APIs are the same. `control` says in a few words which of the `knobs` weren't as a
    measurement wants them. `article_note` says whether the article's numbers can be compared with this run's, and why
    not. `building` has the APIs whose images `lab facts` has measured, and `claims` all that the article says, with
    what this run and those facts make of it. `open_loop` is None where the protocol has none, or its rates aren't known
    yet. Its valid cells are in it; the void and unfinished ones are among the others.
    """

    version: Literal[1] = 1
    run_id: str
    started_at: datetime
    git_commit: str
    stack: Name
    protocol: Name
    protocol_file: str | None = None
    blocks: int
    budget_seconds: int | None = None
    attempts: int
    margin: float
    warm_up_seconds: int
    order_seed: int
    request_seed: int
    scenarios: tuple[Scenario, ...]
    apis: tuple[Subject, ...]
    host_kind: str
    host: HostIdentity
    size: HostSize
    cores: CoreLayout
    grade: Grade
    control: str = "not told which settings were controlled"
    knobs: tuple[KnobRecord, ...] = ()
    postgres_settings: dict[str, str]
    caveats: tuple[str, ...]
    summaries: tuple[ScenarioSummary, ...]
    comparisons: tuple[Comparison, ...] = ()
    open_loop: OpenLoopReport | None = None
    article: tuple[PublishedNumber, ...]
    article_note: str
    claims: tuple[JudgedLine, ...] = ()
    building: tuple[BuildingFacts, ...] = ()
    warm_ups: tuple[WarmUpSummary, ...] = ()
    cells: tuple[CellNumbers, ...]
    void_attempts: tuple[VoidAttempt, ...]
    void_cells: tuple[VoidCell, ...]
    short_blocks: tuple[ShortBlock, ...]
    unfinished_cells: tuple[str, ...]
    tool_versions: dict[str, str]
