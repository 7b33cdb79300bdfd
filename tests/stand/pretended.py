"""What tests are shown failing on: servers that misbehave in one way, and a stand that says what it is told to say."""

import json
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from apis.contract.checks import Target
from tests.stand.stand import Footprint, ServiceCommands

Serve = Callable[[socket.socket], None]
"""What a server does with a connection; it is closed afterwards."""


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, serve: Serve) -> None:
        self.serve = serve
        super().__init__(("127.0.0.1", 0), _Connection)


class _Connection(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        try:
            cast("_Server", self.server).serve(cast("socket.socket", self.request))
        except (OSError, EOFError, ValueError):
            return


@contextmanager
def careless_server(serve: Serve) -> Generator[int]:
    """Serve on a free port of the loopback interface; gives the port."""
    with _Server(serve) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def careless_target(serve: Serve, name: str = "careless") -> Generator[Target]:
    """An implementation that does nothing else."""
    with careless_server(serve) as port:
        yield Target(name=name, base_url=f"http://127.0.0.1:{port}", jwt_secret="x" * 32)


class Reader:
    """Reads a connection up to a delimiter or a length."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client
        self._received = b""

    def until(self, delimiter: bytes) -> bytes:
        """What comes before the delimiter, which is dropped.

        Raises:
            EOFError: the client ended the connection before.
        """
        while delimiter not in self._received:
            self._receive()
        found, _, self._received = self._received.partition(delimiter)
        return found

    def exactly(self, length: int) -> bytes:
        """So many octets.

        Raises:
            EOFError: as above.
        """
        while len(self._received) < length:
            self._receive()
        found, self._received = self._received[:length], self._received[length:]
        return found

    def _receive(self) -> None:
        octets = self._client.recv(65_536)
        if not octets:
            raise EOFError
        self._received += octets


def answer_octets(status: int, body: bytes = b"", **headers: str) -> bytes:
    """An answer as octets."""
    fields = {"Content-Length": str(len(body))} | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = (f"HTTP/1.1 {status} Careless", *(f"{name}: {value}" for name, value in fields.items()), "", "")
    return "\r\n".join(lines).encode() + body


class PretendedStand:
    """See `Stand`. It is this machine; what it says of the implementations is set by the test."""

    def __init__(self, targets: Mapping[str, Target], *, postgres_port: int = 1, redis_port: int = 1) -> None:
        self.targets = targets
        self.postgres_port = postgres_port
        self.redis_port = redis_port
        self.commands = ServiceCommands(
            stop_postgres="true",
            start_postgres="true",
            stop_redis="true",
            start_redis="true",
            freeze_redis="true",
            thaw_redis="true",
        )
        self.says_footprint: Callable[[], Footprint] = lambda: Footprint(0, 0)
        self.says_uploads: Callable[[], int] = lambda: 0
        self.says_incarnation: Callable[[], str] = lambda: "1"
        self.says_log = ""

    def port(self, name: str) -> int:
        return urlsplit(self.targets[name].base_url).port or 80

    def run_script(self, script: Path, document: Mapping[str, object], *, deadline_seconds: float) -> dict[str, Any]:
        return run_here(script, document, deadline_seconds=deadline_seconds)

    def footprint(self, name: str) -> Footprint:
        assert name in self.targets
        return self.says_footprint()

    def incarnation(self, name: str) -> str:
        assert name in self.targets
        return self.says_incarnation()

    def terminate_command(self, name: str) -> str:
        assert name in self.targets
        return "true"

    def wait_for_exit(self, name: str, *, deadline_seconds: float) -> int | None:
        assert name in self.targets
        assert deadline_seconds > 0
        return None

    def start(self, name: str) -> None:
        assert name in self.targets

    def uploads(self, name: str) -> int:
        assert name in self.targets
        return self.says_uploads()

    def log(self, name: str) -> str:
        assert name in self.targets
        return self.says_log


def run_here(script: Path, document: Mapping[str, object], *, deadline_seconds: float) -> dict[str, Any]:
    """See `Stand.run_script`, on this machine."""
    done = subprocess.run(
        [sys.executable, "-I", script],
        input=json.dumps(document).encode(),
        stdout=subprocess.PIPE,
        check=True,
        timeout=deadline_seconds,
    )
    return json.loads(done.stdout)
