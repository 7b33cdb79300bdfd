"""Paramiko's waits, measured by a clock that nobody can set.

Paramiko takes the time of day for how long it has waited. Where the controller's clock is set forward meanwhile, by
hand or by NTP, the wait is over at once, and a host that answers well is taken for one that doesn't; where it is set
back, a host that doesn't answer is waited for as much longer. Source: paramiko/paramiko#2045, open since 2022.
"""

import time
from types import SimpleNamespace

from paramiko import auth_handler, buffered_pipe, channel, packet, transport

WAITING = (auth_handler, buffered_pipe, channel, packet, transport)
"""Paramiko's modules that look at the clock for nothing but how long they have waited."""

_STEADY = SimpleNamespace(**(vars(time) | {"time": time.monotonic}))
"""The module `time`, whose time of day is the monotonic clock."""


def wait_by_monotonic_clock() -> None:
    """Have all of Paramiko's waits in this process go by the monotonic clock; a second time changes nothing."""
    for module in WAITING:
        vars(module)["time"] = _STEADY
