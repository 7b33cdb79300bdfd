"""Both ends of the measurement of a network, on this machine's loopback interface."""

import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import pytest

from documents.errors import HostError
from provision.load import network
from provision.payload import network as host_end
from provision.payload import text_of
from tests.ports import free_port
from tests.unit.provision.local_host import LocalHost

TOKEN = "a5" * 32
PROGRAM = [sys.executable, "-I", "-"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(network, "HOME", str(tmp_path))
    return tmp_path


def serve(folder: Path, *, seconds: int = 20) -> tuple["subprocess.Popen[bytes]", int]:
    """Start the end that answers; returns it and its port."""
    port_file = folder / "port"
    request = {"action": "answer", "token": TOKEN, "port_file": str(port_file), "seconds": seconds}
    serving = subprocess.Popen(PROGRAM, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert serving.stdin is not None
    serving.stdin.write(text_of("network", {**request, "address": "127.0.0.1"}).encode())
    serving.stdin.close()
    ends_at = time.monotonic() + 20
    while not port_file.exists():
        assert time.monotonic() < ends_at
        assert serving.poll() is None
        time.sleep(0.01)
    return serving, int(port_file.read_text())


def test_the_clock_of_one_machine_is_its_own_within_the_error_and_nothing_is_left(home: Path):
    before_ns = time.monotonic_ns()
    found = network.read_clock(LocalHost(), LocalHost(), "127.0.0.1")
    assert before_ns < found.at_ns < time.monotonic_ns()
    assert abs(found.offset_ns) <= found.error_ns
    # Each end reads its own clocks at a moment of its own.
    assert abs(found.wall_offset_ns) <= found.error_ns + 10**9
    assert found.delay_ns > 0
    assert list(home.iterdir()) == []


class Answering:
    """In the place of a socket, an end that answers with what it is given to say, while time goes by as it is given."""

    def __init__(self, exchanges: list[tuple[int, int, int, int]], monkeypatch: pytest.MonkeyPatch) -> None:
        """`exchanges` are the four timestamps of RFC 5905 each: t1 and t4 of the one that asks, t2 and t3 of this."""
        moments = [moment for t1, _, _, t4 in exchanges for moment in (t1, t4)]
        self.answers = [host_end.ANSWER.pack(t2, t3, WALL_AHEAD_NS) for _, t2, t3, _ in exchanges]
        self.sent: list[bytes] = []
        monkeypatch.setattr(host_end.time, "monotonic_ns", lambda: moments.pop(0))
        monkeypatch.setattr(host_end.socket, "create_connection", self.connected)
        monkeypatch.setattr(host_end, "wall_ahead", lambda: OWN_WALL_AHEAD_NS)
        monkeypatch.setattr(host_end, "UNCOUNTED", 1)

    def connected(self, *_: object, **__: object) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """There is nothing to close."""

    def setsockopt(self, *_: int) -> None:
        """Nothing is delayed here."""

    def sendall(self, data: bytes) -> None:
        self.sent.append(data)

    def recv(self, _size: int) -> bytes:
        return self.answers.pop(0)


WALL_AHEAD_NS, OWN_WALL_AHEAD_NS = 70_000_000, 20_000_000


def test_offset_and_delay_are_those_of_the_exchange_with_the_least_delay(monkeypatch: pytest.MonkeyPatch):
    """The other end is ahead by a second; what it took to answer is in no round trip."""
    ahead = 10**9
    exchanges = [
        # The first finds nothing ready, and isn't counted, though it be the fastest.
        (0, ahead + 1_000, ahead + 1_000, 2_000),
        (100_000, ahead + 140_000, ahead + 540_000, 580_000),
        # 10 µs there and 20 µs back: the offset is wrong by 5 µs, of at most 15.
        (600_000, ahead + 610_000, ahead + 710_000, 730_000),
        *((number * 1_000_000, 2 * ahead, 2 * ahead, number * 1_000_000 + 90_000) for number in range(1, 98)),
        (200_000_000, ahead, ahead, 201_000_000),
    ]
    server = Answering(exchanges, monkeypatch)
    found = host_end.ask("192.0.2.1", 1, 100, TOKEN.encode())
    assert server.sent[0] == TOKEN.encode()
    assert found == {
        "count": 100,
        "minimum_us": 30.0,
        "median_us": 90.0,
        "p99_us": 90.0,
        "maximum_us": 1_000.0,
        "at_ns": 665_000,
        "offset_ns": ahead - 5_000,
        "wall_offset_ns": ahead - 5_000 + WALL_AHEAD_NS - OWN_WALL_AHEAD_NS,
        "delay_ns": 30_000,
    }


def test_who_has_no_token_is_turned_away_and_the_other_is_served_all_the_same(home: Path):
    serving, port = serve(home)
    for word in (b"b6" * 32, b"short"):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as stranger:
            stranger.sendall(word)
            stranger.shutdown(socket.SHUT_WR)
            assert stranger.recv(100) == b""
    request = {"action": "ask", "address": "127.0.0.1", "token": TOKEN, "port": port, "count": 5}
    asked = subprocess.run(PROGRAM, input=text_of("network", request).encode(), capture_output=True, check=True)
    assert b'"count": 5' in asked.stdout
    assert serving.wait(20) == 0


def test_it_listens_on_the_address_alone_and_ends_when_its_time_is_up(home: Path):
    serving, port = serve(home, seconds=2)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), timeout=5)
    assert serving.wait(20) != 0


def test_an_address_that_is_not_the_hosts_is_reported():
    with pytest.raises(HostError, match=r"can't listen to a load host: .*192\.0\.2\.1"):
        network.read_clock(LocalHost(), LocalHost(), "192.0.2.1")


def test_a_load_host_that_does_not_reach_the_address_is_reported(monkeypatch: pytest.MonkeyPatch):
    def elsewhere(*_: object) -> int:
        # Nobody listens there: the port isn't the one that the lab's host reported.
        return free_port()

    monkeypatch.setattr(network, "_wait_for_port", elsewhere)
    monkeypatch.setattr(network, "_SERVING_SECONDS", 1)
    with pytest.raises(HostError, match="doesn't reach the lab's host at 127"):
        network.read_clock(LocalHost(), LocalHost(), "127.0.0.1")
