"""Runs on a host: one end of a measurement of the network between two hosts.

Standard library only, Python 3.10 or newer. Requests are

    {"action": "answer", "address": "10.0.0.1", "token": "…", "port_file": "…", "seconds": 40}
        answer the messages of one client that has the token
    {"action": "carry", "address": "10.0.0.1", "port_file": "…", "seconds": 40}
        let iperf3 serve one client
    {"action": "ask", "address": "10.0.0.1", "token": "…", "port": 40000, "count": 200}
        send so many messages, each after the last answer

A server listens on that address only, at a port that the kernel chooses. It writes the port into the file once it
listens, and ends with its client, after so many seconds at the latest; its answer is null.

An end has two clocks: CLOCK_MONOTONIC, by which everything is timed, and by how much CLOCK_REALTIME is ahead of it.
"""

import hmac
import signal
import socket
import struct
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

QUESTION = struct.Struct("!q")
"""A number."""

ANSWER = struct.Struct("!qqq")
"""When the question came and when the answer was sent, by CLOCK_MONOTONIC, and how far CLOCK_REALTIME is ahead."""

UNCOUNTED = 20
"""The first messages meet cold caches and a small TCP window."""

LISTENING = "0A"
"""A socket's state in /proc/net/tcp. Source: proc_net(5)."""


def main(request: "dict[str, Any]") -> "dict[str, int | float] | None":
    """Do what the request says."""
    address = request["address"]
    try:
        if request["action"] == "ask":
            return ask(address, request["port"], request["count"], request["token"].encode())
        signal.alarm(request["seconds"])
        if request["action"] == "answer":
            answer(address, Path(request["port_file"]), request["token"].encode())
        else:
            carry(address, Path(request["port_file"]))
    except OSError as error:
        sys.exit(f"the network can't be measured at {address}: {error}")
    return None


def ask(address: str, port: int, count: int, token: bytes) -> "dict[str, int | float]":
    """Exchange messages; returns the round trips, and both clocks by the exchange with the least delay.

    Source of offset and delay: RFC 5905, section 8.
    """
    least: tuple[int, int, int, int] | None = None
    delays: list[int] = []
    own_ahead = wall_ahead()
    with socket.create_connection((address, port), timeout=10) as server:
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server.sendall(token)
        for number in range(-UNCOUNTED, count):
            sent = time.monotonic_ns()
            server.sendall(QUESTION.pack(number))
            reply = receive(server, ANSWER.size)
            came = time.monotonic_ns()
            if len(reply) < ANSWER.size:
                raise OSError("the other end closed the connection")
            their_came, their_sent, their_ahead = ANSWER.unpack(reply)
            if number < 0:
                continue
            delay = (came - sent) - (their_sent - their_came)
            offset = ((their_came - sent) + (their_sent - came)) // 2
            delays.append(delay)
            if least is None or delay < least[0]:
                least = (delay, offset, (sent + came) // 2, their_ahead)
    if least is None:
        raise OSError("no message was asked for")
    delay, offset, at, their_ahead = least
    delays.sort()
    return {
        "count": count,
        "minimum_us": delays[0] / 1e3,
        "median_us": delays[len(delays) // 2] / 1e3,
        "p99_us": delays[-(-99 * len(delays) // 100) - 1] / 1e3,
        "maximum_us": delays[-1] / 1e3,
        "at_ns": at,
        "offset_ns": offset,
        "wall_offset_ns": offset + their_ahead - own_ahead,
        "delay_ns": max(delay, 0),
    }


def answer(address: str, port_file: Path, token: bytes) -> None:
    """Answer the first client with the token; others are refused."""
    ahead = wall_ahead()
    with socket.create_server((address, 0)) as listening:
        write_port(port_file, listening.getsockname()[1])
        while True:
            client, _ = listening.accept()
            with client:
                client.settimeout(5)
                try:
                    trusted = hmac.compare_digest(receive(client, len(token)), token)
                except OSError:
                    trusted = False
                if not trusted:
                    continue
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while receive(client, QUESTION.size):
                    came = time.monotonic_ns()
                    client.sendall(ANSWER.pack(came, time.monotonic_ns(), ahead))
                return


def carry(address: str, port_file: Path) -> None:
    """Run iperf3 for one client."""
    with socket.create_server((address, 0)) as free:
        port = free.getsockname()[1]
    command = ["iperf3", "--server", "--one-off", "--bind", address, "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def end(*_: object) -> None:
        server.kill()

    signal.signal(signal.SIGALRM, end)
    while server.poll() is None and not listens(port):
        time.sleep(0.01)
    if server.poll() is None:
        write_port(port_file, port)
    _, errors = server.communicate()
    if server.returncode != 0:
        sys.exit(f"iperf3 ended with the status {server.returncode}: {errors.strip()}")


def listens(port: int) -> bool:
    """Whether something listens on a port of an IPv4 address of this host."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(line[3] == LISTENING and int(line[1].rpartition(":")[2], 16) == port for line in lines)


def wall_ahead() -> int:
    """How far CLOCK_REALTIME is ahead of CLOCK_MONOTONIC, by the fastest of several readings."""
    readings = [(time.monotonic_ns(), time.time_ns(), time.monotonic_ns()) for _ in range(9)]
    before, wall, after = min(readings, key=lambda reading: reading[2] - reading[0])
    return wall - (before + after) // 2


def write_port(port_file: Path, port: int) -> None:
    """Write the port into its file, whole or not at all."""
    part = port_file.with_suffix(".part")
    part.write_text(f"{port}\n")
    part.replace(port_file)


def receive(connection: socket.socket, size: int) -> bytes:
    """So many bytes; fewer if the other end closed the connection before."""
    data = b""
    with suppress(ConnectionResetError):
        while len(data) < size and (part := connection.recv(size - len(data))):
            data += part
    return data
