"""The network between a controller and a host, which can be cut: nobody is told, and what was under way is lost."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from documents.host import Host

_CHUNK_BYTES = 1 << 16


class Cable:
    """Relays what comes to a port of its own to a host's sshd, and back, until it is cut.

    From then on it drops what is sent, and closes nothing: neither side is told anything, not even that the other one
    has closed. Connections that were cut, or made meanwhile, stay dead when it is mended.
    """

    def __init__(self, host: Host, folder: Path) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._target = (host.address, host.port)
        self._whole = threading.Event()
        self._open: list[socket.socket] = []
        port = self._listener.getsockname()[1]
        known_hosts = folder / f"known_hosts_{port}"
        known_hosts.write_text(f"[127.0.0.1]:{port} {host.host_public_key}\n")
        self.host = host.model_copy(update={"address": "127.0.0.1", "port": port, "known_hosts_path": str(known_hosts)})
        self.mend()
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        """Lose all packets of the connections that are open, and of those that are made from now on."""
        self._whole.clear()

    def mend(self) -> None:
        """Relay the connections that are made from now on."""
        self._whole = threading.Event()
        self._whole.set()

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
                whole = self._whole
                far = socket.create_connection(self._target, timeout=10)
                far.settimeout(None)
                self._open += [near, far]
                for source, sink in ((near, far), (far, near)):
                    source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    threading.Thread(target=_relay, args=(source, sink, whole), daemon=True).start()


def _relay(source: socket.socket, sink: socket.socket, whole: threading.Event) -> None:
    with suppress(OSError):
        while chunk := source.recv(_CHUNK_BYTES):
            if whole.is_set():
                sink.sendall(chunk)
        if whole.is_set():
            sink.shutdown(socket.SHUT_WR)


@contextmanager
def cable_to(host: Host, folder: Path) -> Generator[Cable]:
    """A cable to a host, removed at the end."""
    cable = Cable(host, folder)
    try:
        yield cable
    finally:
        cable.remove()
