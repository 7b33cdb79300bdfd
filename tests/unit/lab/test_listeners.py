"""What listens on the controller while Pulumi is at work: its engine, the program's language host, and the plugins."""

import socket
import threading
import time

import pytest

from lab.lifecycle.state import ensure_stack
from tests.listeners import Listeners
from tests.unit.lab.engine_room import STEPS, EngineRoom
from tests.watcher import Watcher


def test_the_watch_sees_what_another_machine_could_reach_for_a_moment():
    with Listeners() as listeners, socket.create_server(("0.0.0.0", 0)) as server:  # noqa: S104 - it must be seen
        ends_at = time.monotonic() + 10
        while ("0.0.0.0", server.getsockname()[1]) not in listeners.reachable:  # noqa: S104
            assert time.monotonic() < ends_at, "the watch saw nothing"
            time.sleep(0.01)


class Failing(Watcher):
    def __init__(self) -> None:
        super().__init__(0.001)
        self.looked = threading.Event()

    def look(self) -> None:
        self.looked.set()
        raise ValueError("nothing can be seen")


def test_a_look_that_fails_is_raised_at_the_end():
    with pytest.raises(ValueError, match="nothing can be seen"), Failing() as failing:
        assert failing.looked.wait(10)


@pytest.mark.alone
def test_what_listens_while_pulumi_is_at_work_is_on_loopback(room: EngineRoom):
    ensure_stack(room.engine)
    room.write(STEPS + 'Step("first", seconds=0.5)\n')
    with Listeners() as listeners:
        room.up()
    assert len(listeners.seen) >= 3, "the engine, the language host and the provider listen for each other"
    assert listeners.reachable == frozenset()
