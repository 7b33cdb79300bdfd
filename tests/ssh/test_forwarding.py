"""Tunnels to ports on the host's loopback interface."""

import hashlib
import http.client
import os
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import median
from typing import Any

import paramiko
import pytest

from provision.ssh.connection import Connection
from tests.ports import free_port
from tests.ssh.sshd import Sshd
from tests.ssh.waiting import HANGING_SECONDS, wait_until


class Twice(socketserver.StreamRequestHandler):
    """Reads to the client's end of file, then answers with what it read, twice."""

    def handle(self) -> None:
        content = self.rfile.read()
        self.wfile.write(content * 2)


class Refusal(socketserver.BaseRequestHandler):
    """Answers at the first bytes and closes the connection, as a server does that refuses a large body."""

    def handle(self) -> None:
        self.request.recv(1)
        self.request.sendall(b"refused")


class Pong(BaseHTTPRequestHandler):
    """Answers in two pieces, apart enough in time to travel apart."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        time.sleep(0.005)
        self.wfile.write(b"pong")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        del format, args


@pytest.fixture(params=[Twice])
def remote_port(request: pytest.FixtureRequest) -> Iterator[int]:
    class Server(socketserver.ThreadingTCPServer):
        request_queue_size = 512
        daemon_threads = True

    with Server(("127.0.0.1", 0), request.param) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def exchange(port: int, content: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(content)
        client.shutdown(socket.SHUT_WR)
        received = bytearray()
        while chunk := client.recv(1 << 16):
            received += chunk
        return bytes(received)


def refused_exchange(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        with suppress(ConnectionError):
            client.sendall(bytes(1_000_000))
        return client.recv(1 << 16)


def test_bytes_go_there_and_back_and_ends_of_file_are_passed_on(connection: Connection, remote_port: int):
    content = os.urandom(3_000_000)
    with connection.forward(remote_port) as port:
        received = exchange(port, content)
    assert hashlib.sha256(received).digest() == hashlib.sha256(content * 2).digest()


@pytest.mark.parametrize("remote_port", [Refusal], indirect=True)
def test_a_refusal_reaches_a_client_that_is_still_sending(connection: Connection, remote_port: int):
    with connection.forward(remote_port) as port:
        assert [refused_exchange(port) for _ in range(100)] == [b"refused"] * 100


def test_a_hundred_connections_at_once_keep_apart(connection: Connection, remote_port: int):
    contents = [os.urandom(20_000) for _ in range(100)]
    with connection.forward(remote_port) as port, ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(exchange, [port] * len(contents), contents))
    assert answers == [content * 2 for content in contents]


def test_only_the_loopback_interface_listens(connection: Connection, remote_port: int):
    with connection.forward(remote_port) as port:
        assert (f"0100007F:{port:04X}", "0A") in listeners()


@pytest.mark.nightly
@pytest.mark.alone
def test_small_answers_are_not_held_back(connection: Connection):
    """Without TCP_NODELAY on sshd's side each second piece waits some 40 ms for a delayed acknowledgement."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Pong) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with connection.forward(server.server_address[1]) as port:
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            exchanges: list[float] = []
            for _ in range(60):
                started = time.monotonic()
                client.request("GET", "/")
                assert client.getresponse().read() == b"pong"
                exchanges.append(time.monotonic() - started)
            client.close()
        server.shutdown()
    assert median(exchanges) < 0.025


def test_another_address_of_the_host_is_reached_and_no_other_one(connection: Connection):
    with ThreadingHTTPServer(("127.0.0.2", 0), Pong) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        there = server.server_address[1]
        with connection.forward(there, "127.0.0.2") as port, connection.forward(there) as elsewhere:
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            client.request("GET", "/")
            assert client.getresponse().read() == b"pong"
            client.close()
            assert exchange(elsewhere, b"") == b""
        server.shutdown()


def test_a_port_where_nothing_listens_closes_the_client(connection: Connection):
    with connection.forward(free_port()) as port:
        assert exchange(port, b"") == b""
        assert connection.run("echo still here", deadline_seconds=5).stdout == "still here\n"


def test_leaving_the_context_ends_open_tunnels_and_the_listener(connection: Connection, remote_port: int):
    threads = set(threading.enumerate())
    with connection.forward(remote_port) as port:
        client = socket.create_connection(("127.0.0.1", port), timeout=10)
        client.sendall(b"never finished")
        wait_until(lambda: len(set(threading.enumerate()) - threads) >= 3)
    assert client.recv(1) == b""
    client.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
    wait_until(lambda: not {t for t in set(threading.enumerate()) - threads if t.name.startswith("ssh-forward")})


def test_a_tunnel_that_is_opened_while_the_context_is_left_goes_with_it(
    connection: Connection, remote_port: int, monkeypatch: pytest.MonkeyPatch
):
    opened, left = threading.Event(), threading.Event()
    open_channel = paramiko.Transport.open_channel

    def open_late(*arguments: Any, **options: Any) -> paramiko.Channel:  # noqa: ANN401 - passed on as they are
        channel = open_channel(*arguments, **options)
        if "direct-tcpip" in arguments:
            opened.set()
            assert left.wait(HANGING_SECONDS)
        return channel

    monkeypatch.setattr(paramiko.Transport, "open_channel", open_late)
    with connection.forward(remote_port) as port:
        client = socket.create_connection(("127.0.0.1", port), timeout=HANGING_SECONDS)
        assert opened.wait(HANGING_SECONDS)
    left.set()
    assert client.recv(1) == b""
    client.close()


def test_a_lost_connection_closes_its_tunnels(sshd: Sshd, connection: Connection, remote_port: int):
    with connection.forward(remote_port) as port:
        client = socket.create_connection(("127.0.0.1", port), timeout=10)
        client.sendall(b"x")
        wait_until(lambda: len(sshd.session_processes()) > 0)
        sshd.kill_sessions()
        assert client.recv(1) == b""
        client.close()


def listeners() -> set[tuple[str, str]]:
    with open("/proc/net/tcp") as table:  # noqa: PTH123 - a table of the kernel
        rows = [line.split() for line in table.readlines()[1:]]
    return {(row[1], row[3]) for row in rows}
