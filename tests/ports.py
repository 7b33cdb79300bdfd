"""Ports for what a test starts later, or stops and starts again."""

import random
import socket
from contextlib import suppress

_PORTS = range(30_000, 32_768)
"""Below those that Linux gives to outgoing connections, and above those that the stacks and other tests name."""


def free_port() -> int:
    """A TCP port of the loopback interface at which nothing listens, and which is given to no outgoing connection.

    The kernel's own offer, the port 0, is one of those that it gives to connections as well: until a server listens
    there, any program's next connection may have it.
    """
    for port in random.sample(_PORTS, len(_PORTS)):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError(f"something listens on each port from {_PORTS.start} to {_PORTS.stop - 1}")
