"""A load host's clock to that of the lab's host.

Both are CLOCK_MONOTONIC, which no one sets and which NTP at most makes run a little faster or slower. So between the
reading before a load and the one after it the offset is taken to change evenly. What is left is the readings' own
uncertainty: half the round trip of the best exchange, for what took longer on the way there than on the way back, or
the other way round, is all that the four timestamps of RFC 5905, section 8, can't tell. To it comes what the offset
changed by beyond what a clock drifts: that wasn't even, as where a daemon mends a clock that is far off, or a machine
was halted, and nothing tells when it was.
"""

from documents.errors import AnalysisError
from documents.network import CellClocks, ClockReadings

DRIFT_MOST = 500e-6
"""Nanoseconds a nanosecond: the most by which the kernel lets NTP have a clock run differently for good (MAXFREQ in
include/linux/timex.h)."""


def to_lab_ns(clock: ClockReadings, at_ns: int) -> int:
    """A moment of a load host's clock as one of the lab's host, in nanoseconds.

    Raises:
        AnalysisError: the two readings aren't in their order.
    """
    before, after = clock.before, clock.after
    passed_ns = after.at_ns - before.at_ns
    if passed_ns <= 0:
        raise AnalysisError(
            "clocks.json has a reading after the load that isn't later than the one before it. Measure the cell again."
        )
    # In whole numbers: a moment of a machine that has been up for months isn't exact in floating point.
    drift_ns = (after.offset_ns - before.offset_ns) * (at_ns - before.at_ns) // passed_ns
    return at_ns + before.offset_ns + drift_ns


def error_seconds(clocks: CellClocks) -> float:
    """How far moments of two load hosts may be apart without being told: the greatest error, of each side."""
    errors = sorted(map(_error_ns, clocks.load_hosts))
    return sum(errors[-2:]) / 1e9


def _error_ns(clock: ClockReadings) -> float:
    before, after = clock.before, clock.after
    change_ns, passed_ns = abs(after.offset_ns - before.offset_ns), after.at_ns - before.at_ns
    return max(before.error_ns, after.error_ns) + max(change_ns - DRIFT_MOST * passed_ns, 0)
