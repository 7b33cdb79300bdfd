"""The clock of a run, for its times and durations.

It is the machine's, except on simulated hosts, on which an hour of load takes no time (`benchmarks/fleet.py`).
"""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """A source of times and durations."""

    def now(self) -> datetime:
        """The time of day, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment; they never decrease."""
        ...


class SystemClock:
    """The controller's clock."""

    def now(self) -> datetime:
        """See `Clock.now`."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return time.monotonic()


SYSTEM_CLOCK = SystemClock()
