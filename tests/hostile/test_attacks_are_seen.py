"""The hostile tests go red: each is shown a server, or what was seen of one, that falls for the attack."""

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from apis.contract.checks.expect import CAUSES
from tests.hostile.test_crowds import FLOOD, Client, faults_of
from tests.hostile.test_smuggling import faults_of as shapes_that_work
from tests.hostile.test_smuggling import in_bodies
from tests.stand.client import server
from tests.stand.local import run_here


def _believes_no_length(client: socket.socket) -> None:
    """Take whatever looks like a head as a request."""
    received = b""
    while piece := client.recv(65_536):
        *heads, received = (received + piece).split(b"\r\n\r\n")
        for _ in heads:
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def _fails(client: socket.socket) -> None:
    client.recv(65_536)
    client.sendall(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize(("serve", "what"), [(_believes_no_length, "was answered"), (_fails, "expected no 5xx")])
def test_a_smuggled_request_that_is_answered_is_seen(serve: Callable[[socket.socket], None], what: str):
    with server(serve) as base_url:
        assert what in shapes_that_work(base_url, {"no chunk at all": in_bodies()["no chunk at all"]})[0]


def _waits_for_the_crowd(client: socket.socket) -> None:
    """Answer late."""
    client.recv(65_536)
    time.sleep(0.5)
    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")


def test_the_flood_times_each_probe():
    with server(_waits_for_the_crowd) as base_url:
        document: dict[str, object] = {
            "port": int(base_url.rpartition(":")[2]),
            "process": "self",
            "crowd": [Client(5, b"GET / HTTP/1.1\r\n\r\n").document()],
            "prompt": 5,
            "seconds": 0.1,
            "probes": {"user": "R0VUIC8gSFRUUC8xLjENCg0K"},
        }
        seen = run_here(FLOOD, document, deadline_seconds=30)
    assert seen["opened"] == 5
    assert seen["memory"][0] > 0
    assert "user was answered with 200 after " in faults_of(seen, 5, within=0.3)[0]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"opened": 3}, "3 of 4 clients were let in"),
        ({"probes": [["user", 503, 0.1]]}, "user was answered with 503"),
        ({"probes": [["login", 401, 0.1]]}, "login was answered with 401"),
        ({"probes": [["user", 200, 1.1]]}, "after 1.10 s"),
        ({"let_in": 8.5}, "let in after 8.50 s"),
        ({"memory": [2**20, 600 * 2**20]}, "memory grew"),
        ({"memory": [700 * 2**20, 800 * 2**20]}, "memory grew"),
    ],
)
def test_what_a_crowd_may_not_do_is_seen(change: dict[str, Any], fault: str):
    good: dict[str, Any] = {
        "opened": 4,
        "let_in": 1.5,
        "probes": [["user", 200, 0.9], ["login", 503, 0.9]],
        "memory": [2**20, 2**22],
    }
    assert faults_of(good, 4) == []
    assert fault in faults_of(good | change, 4)[0]


def test_words_of_a_cause_are_seen():
    for text in ("connect 127.0.0.1:5432", "Connection refused", "duplicate key users_email_key", "SQLSTATE 23505"):
        assert CAUSES.search(text)
    assert not CAUSES.search('{"title":"Conflict","status":409,"detail":"The email is taken."}')
