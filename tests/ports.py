"""Ports for what a test starts later, or stops and starts again."""

import itertools
import socket
from collections.abc import Iterator
from contextlib import suppress

_PORTS = range(30_000, 32_768)
"""Below those that Linux gives to outgoing connections, and above those that the stacks and other tests name."""

_SHARE = 128
"""How many of them a process has for itself."""


def free_port() -> int:
    """A TCP port of the loopback interface at which nothing listens, and which is given to nobody else meanwhile.

    The kernel's own offer, the port 0, is one of those that it gives to connections: until a server listens there, any
    program's next connection may have it. And tests run in several processes beside each other.
    """
    for port in itertools.islice(_OWN, _SHARE):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("something listens on each port that this process has")


def _own() -> Iterator[int]:
    """The ports of this process, over and over; whoever has bound the first one of a share has the others."""
    for first in _PORTS[::_SHARE]:
        with suppress(OSError), socket.socket() as claim:
            claim.bind(("127.0.0.1", first))
            yield from itertools.cycle(range(first + 1, min(first + _SHARE, _PORTS.stop)))
    raise AssertionError(f"other processes have all ports from {_PORTS.start} to {_PORTS.stop - 1}")


_OWN = _own()
