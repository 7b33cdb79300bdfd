"""Numbers over a run's cells: estimates with their intervals, and what they are of."""

from typing import Literal

from documents.base import Document, Name
from documents.run import SampledRole


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
