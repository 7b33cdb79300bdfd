"""What the load generator tells of one load window: `wrk.json` in a cell's folder."""

from typing import Literal

from pydantic import Field, field_validator

from documents.base import Document
from documents.protocol import Workload
from documents.run import known_window


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

    @field_validator("version", mode="before")
    @classmethod
    def _refuse_what_has_no_window(cls, value: object) -> object:
        return known_window(value)
