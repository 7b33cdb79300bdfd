"""What listens on the controller while Pulumi is at work: its engine, the program's language host, and the plugins."""

import socket
import time

import pytest

from lab.lifecycle.state import ensure_stack
from tests.listeners import Listeners
from tests.unit.lab.engine_room import STEPS, EngineRoom


@pytest.mark.parametrize(
    ("family", "address", "is_reachable"),
    [
        (socket.AF_INET, "127.0.0.1", False),
        (socket.AF_INET6, "::1", False),
        (socket.AF_INET, "0.0.0.0", True),  # noqa: S104 - it is what the watch is to see
        (socket.AF_INET6, "::", True),
    ],
)
def test_the_watch_sees_what_listens_for_a_moment(family: socket.AddressFamily, address: str, is_reachable: bool):
    with Listeners() as listeners, socket.create_server((address, 0), family=family) as server:
        port = server.getsockname()[1]
        ends_at = time.monotonic() + 10
        while (address, port) not in listeners.seen:
            assert time.monotonic() < ends_at, "the watch saw nothing"
            time.sleep(0.01)
    assert ((address, port) in listeners.reachable) == is_reachable


@pytest.mark.alone
def test_what_listens_while_pulumi_is_at_work_is_on_loopback(room: EngineRoom):
    ensure_stack(room.engine)
    room.write(STEPS + 'Step("first", seconds=0.5)\n')
    with Listeners() as listeners:
        room.up()
    assert len(listeners.seen) >= 3, "the engine, the language host and the provider listen for each other"
    assert listeners.reachable == frozenset()
