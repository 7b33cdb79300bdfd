"""What a load generator tells of one window, wrk or vegeta, and the plan of the open loop."""

from typing import Literal

from pydantic import Field

from documents.base import Document, Name
from documents.run.protocol import Cell, Workload


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
    `analysis/` inverts the correction, so that raw and corrected percentiles can both be told.
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
