"""The network between a controller and a host, which can be cut: packets are lost, without an error."""

import ctypes
import socket
import struct
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from documents.lab.host import Host

_CHUNK_BYTES = 1 << 16

# Of Linux's <asm-generic/socket.h>; Python's own module has neither.
_SO_ATTACH_FILTER, _SO_DETACH_FILTER = 26, 27
# A classic BPF program of one instruction, `ret 0`: none of a packet's bytes come through.
_LOSE_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)


class Cable:
    """Relays what comes to a port of its own to a host's sshd, and back, until it is cut.

    From then on the kernel loses each packet that reaches it, from either side, before it could acknowledge one, and
    nothing is closed.
    """

    def __init__(self, host: Host, folder: Path) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._target = (host.address, host.port)
        self._open: list[socket.socket] = []
        port = self._listener.getsockname()[1]
        known_hosts = folder / f"known_hosts_{port}"
        known_hosts.write_text(f"[127.0.0.1]:{port} {host.host_public_key}\n")
        self.host = host.model_copy(update={"address": "127.0.0.1", "port": port, "known_hosts_path": str(known_hosts)})
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        """Lose all packets of the connections that are open, and of those that are asked for from now on."""
        for one in (self._listener, *self._open):
            _lose_packets(one)

    def accept_again(self) -> None:
        """Accept new connections again; those that were cut stay so."""
        self._listener.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)

    def remove(self) -> None:
        """Close everything."""
        for one in (self._listener, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target, timeout=10)
                far.settimeout(None)
                self._open += [near, far]
                for source, sink in ((near, far), (far, near)):
                    source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    threading.Thread(target=_relay, args=(source, sink), daemon=True).start()


def _lose_packets(one: socket.socket) -> None:
    """Have the kernel drop what comes to a socket. Source: socket(7), and Linux's networking/filter.rst."""
    program = ctypes.create_string_buffer(_LOSE_ALL, len(_LOSE_ALL))
    one.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(program)))


def _relay(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(_CHUNK_BYTES):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def cable_to(host: Host, folder: Path) -> Generator[Cable]:
    """A cable to a host, removed at the end."""
    cable = Cable(host, folder)
    try:
        yield cable
    finally:
        cable.remove()
