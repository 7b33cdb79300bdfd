"""Numbers over a run's cells: estimates with their intervals, and what they are of."""

from typing import Literal

from documents.base import Document, Name
from documents.run import SampledRole


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
    requests_per_cpu_second: Estimate | None = None


class LatencyDistribution(Document):
    """Latency up the tail: exact nearest ranks of each cell, geometric means over blocks.

    Attributes:
        one_in: one response in so many took longer: 2 is the median, 100 is p99; as far as each cell has ten
            responses beyond
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


class ScenarioSummary(Document):
    """One API under one scenario.

    Attributes:
        cells: valid ones
        blocks: blocks with a valid cell; an API is in some of them twice
        void_cells: no attempt was valid, and none is left
        void_attempts: over all cells
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
    errors: int | None
    measured: Measurements | None
    series: TimeSeries | None
    distribution: LatencyDistribution | None = None


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
