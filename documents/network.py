"""What lies between a load host and the lab's host: round trips, bandwidth, and how far their clocks are apart."""

from typing import Annotated, Literal

from pydantic import Field

from documents.base import Document

Positive = Annotated[float, Field(gt=0)]

Offset = Annotated[int, Field(gt=-(2**63), lt=2**63)]
"""How far one clock is ahead of another, in nanoseconds; below 0 where it is behind."""


class RoundTrips(Document):
    """How long a small message takes to the lab's host and back over TCP, in microseconds; `count` were sent in turn.

    The time that the other side took to answer is taken off.
    """

    count: Annotated[int, Field(ge=1)]
    minimum_us: float
    median_us: float
    p99_us: float
    maximum_us: float


class ClockReading(Document):
    """How far the clock of the lab's host is ahead of a load host's, in nanoseconds.

    `offset_ns` is of CLOCK_MONOTONIC, by which all raw files go: it holds how much earlier the lab's host was booted.
    `wall_offset_ns` is of CLOCK_REALTIME. Both are those of the exchange with the least delay, of RFC 5905, section 8:
    at `at_ns` of the load host's CLOCK_MONOTONIC, over a round trip of `delay_ns`. They can't be wrong by more than
    half of that.
    """

    at_ns: Annotated[int, Field(ge=0, lt=2**63)]
    offset_ns: Offset
    wall_offset_ns: Offset
    delay_ns: Annotated[int, Field(ge=0, lt=2**63)]

    @property
    def error_ns(self) -> float:
        """How far the offset may be off, either way."""
        return self.delay_ns / 2


class Bandwidth(Document):
    """Bits a second that one TCP connection carried for so many seconds: towards the APIs, and back from them."""

    tool: str
    seconds: Annotated[int, Field(ge=1)]
    to_apis: Positive
    from_apis: Positive


class Network(Document):
    """What was measured between a load host and the lab's host at one time. `bandwidth` is None without iperf3."""

    round_trips: RoundTrips
    clock: ClockReading
    bandwidth: Bandwidth | None


class ClockReadings(Document):
    """The clock of one load host against that of the lab's host, straight before a load and straight after it."""

    before: ClockReading
    after: ClockReading


class CellClocks(Document):
    """`clocks.json` in a cell's folder: the clocks of the load hosts, in the inventory's order."""

    version: Literal[1] = 1
    load_hosts: Annotated[tuple[ClockReadings, ...], Field(min_length=1)]
