"""What listens for TCP on this machine, watched for a while: also what does for a moment alone."""

import ipaddress
from pathlib import Path
from typing import Self

from tests.watcher import Watcher

_PERIOD_SECONDS = 0.01
_LISTENS = "0A"
"""The state TCP_LISTEN. Source: Linux, include/net/tcp_states.h; the tables are those of proc_net_tcp(5)."""

Listener = tuple[str, int]


class Listeners(Watcher):
    """Collects, while the context is open, the addresses and ports that began to be listened on."""

    def __init__(self) -> None:
        super().__init__(_PERIOD_SECONDS)
        self._before: frozenset[Listener] = frozenset()
        self._seen: set[Listener] = set()

    def __enter__(self) -> Self:
        self._before = listening()
        return super().__enter__()

    @property
    def seen(self) -> frozenset[Listener]:
        """Each address and port that wasn't listened on before."""
        return frozenset(self._seen - self._before)

    @property
    def reachable(self) -> frozenset[Listener]:
        """Those of them that another machine can reach."""
        return frozenset(one for one in self.seen if not ipaddress.ip_address(one[0]).is_loopback)

    def look(self) -> None:
        self._seen |= listening()


def listening() -> frozenset[Listener]:
    """What is listened on now, in this network namespace."""
    found: set[Listener] = set()
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            if state == _LISTENS:
                address, port = local.split(":")
                found.add((_address(address), int(port, 16)))
    return frozenset(found)


def _address(text: str) -> str:
    """An address as the kernel prints it: words of 32 bits, each in this machine's order of octets."""
    words = (bytes.fromhex(text[place : place + 8])[::-1] for place in range(0, len(text), 8))
    address = ipaddress.ip_address(b"".join(words))
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
