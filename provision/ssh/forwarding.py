"""A local port that leads to a port on one of the host's own addresses, through the SSH connection.

SSH's `direct-tcpip` channels carry it (RFC 4254, section 7.2), one for each connection, as many at once as the
clients open.
"""

import logging
import socket
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from socketserver import BaseRequestHandler, BaseServer, ThreadingTCPServer
from threading import Lock, Thread

import paramiko

_logger = logging.getLogger(__name__)

_CHUNK_BYTES = 1 << 16
_OPEN_SECONDS = 10


@contextmanager
def forward(transport: paramiko.Transport, label: str, remote_port: int, address: str) -> Generator[int]:
    """Forward a local port while the context is open; see `Connection.forward`."""
    tunnels = _Tunnels(transport, label, (address, remote_port))
    with _Server(("127.0.0.1", 0), partial(_Tunnel, tunnels)) as server:
        acceptor = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="ssh-forward", daemon=True)
        acceptor.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            acceptor.join()
            tunnels.end()


class _Server(ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 512


class _Tunnels:
    """The tunnels of one forwarded port."""

    def __init__(self, transport: paramiko.Transport, label: str, remote: tuple[str, int]) -> None:
        self._transport = transport
        self._label = label
        self._remote = remote
        self._tunnels: set[_Tunnel] = set()
        self._has_ended = False
        self._lock = Lock()

    def open_channel(self, client_address: tuple[str, int]) -> paramiko.Channel | None:
        """A channel to the host's port; None if the host refuses it."""
        try:
            return self._transport.open_channel("direct-tcpip", self._remote, client_address, timeout=_OPEN_SECONDS)
        except (paramiko.SSHException, EOFError, OSError) as error:
            _logger.info("%s opened no connection to its port %d: %s", self._label, self._remote[1], error)
            return None

    def add(self, tunnel: "_Tunnel") -> bool:
        """Record a tunnel for `end`; False if `end` came first, and the tunnel has to close itself."""
        with self._lock:
            if not self._has_ended:
                self._tunnels.add(tunnel)
            return not self._has_ended

    def remove(self, tunnel: "_Tunnel") -> None:
        with self._lock:
            self._tunnels.discard(tunnel)

    def end(self) -> None:
        """End what clients left open, so that nothing outlives the context."""
        with self._lock:
            self._has_ended = True
            tunnels = tuple(self._tunnels)
        for tunnel in tunnels:
            tunnel.end()


class _Tunnel(BaseRequestHandler):
    """One client: a thread for each direction, so that a full buffer in one never stops the other."""

    request: socket.socket
    _channel: paramiko.Channel

    def __init__(
        self, tunnels: _Tunnels, request: socket.socket, client_address: tuple[str, int], server: BaseServer
    ) -> None:
        self._tunnels = tunnels
        super().__init__(request, client_address, server)

    def handle(self) -> None:
        """Carry both directions until both have ended; a client that the host refuses sees its connection closed."""
        channel = self._tunnels.open_channel(self.client_address)
        if channel is None:
            return
        self._channel = channel
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self._tunnels.add(self):
            channel.close()
            return
        try:
            upstream = Thread(target=self._send, name="ssh-forward-send", daemon=True)
            upstream.start()
            self._receive()
            upstream.join()
        finally:
            self._tunnels.remove(self)
            channel.close()

    def end(self) -> None:
        """End both directions at once."""
        self._channel.close()
        try:
            self.request.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # The client closed it first.

    def _send(self) -> None:
        """From the client to the host; the client's end of file is passed on."""
        try:
            while chunk := self.request.recv(_CHUNK_BYTES):
                if not self._send_to_host(chunk):
                    return
            self._channel.shutdown_write()
        except OSError:
            self.end()

    def _send_to_host(self, chunk: bytes) -> bool:
        """False once the host takes nothing more. What it answered before that is still on its way to the client."""
        try:
            self._channel.sendall(chunk)
        except OSError:
            return False
        return True

    def _receive(self) -> None:
        """From the host to the client; the host's end of file is passed on."""
        try:
            while chunk := self._channel.recv(_CHUNK_BYTES):
                self.request.sendall(chunk)
            self.request.shutdown(socket.SHUT_WR)
        except OSError:
            self.end()
