"""The clock by which a run records when things were done and how long they took.

It is the machine's, but for simulated hosts, on which an hour of load takes no time (`benchmarks/fleet.py`).
"""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What a run asks of a clock."""

    def now(self) -> datetime:
        """The time of day, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds from some moment on, which never go back."""
        ...


class SystemClock:
    """The clock of the machine on which the run's controller is."""

    def now(self) -> datetime:
        """See `Clock.now`."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return time.monotonic()


SYSTEM_CLOCK = SystemClock()
