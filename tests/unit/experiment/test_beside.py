"""What a run has begun in threads ends before its host is left."""

import time

import pytest

from experiment.bench import host_folder
from experiment.bench.arrangement import Arrangement
from experiment.bench.bench import Beside
from experiment.bench.remote import RemoteBench
from provision.ssh.connection import Connection
from provision.ssh.execution import CancelScope, checkpoint
from tests.unit.experiment.fake_bench import INVENTORY, SECRETS
from tests.unit.provision.local_host import LocalHost

LONG_SECONDS = 0.3
"""How long a step goes on after somebody has asked for the end: long after whoever doesn't wait for it is done."""


def test_all_steps_are_done_and_the_first_failure_is_raised():
    done: list[str] = []

    def fail(message: str) -> None:
        raise ValueError(message)

    beside = Beside()
    assert beside.do_all(lambda: 1, lambda: 2) == [1, 2]
    with pytest.raises(ValueError, match="first"):
        beside.do_all(lambda: fail("first"), lambda: fail("second"), lambda: done.append("third"))
    assert done == ["third"]


def test_a_request_to_end_reaches_a_step_at_its_checkpoint():
    beside, scope = Beside(), CancelScope()

    def step() -> None:
        scope.cancel()
        with checkpoint():
            pytest.fail("it went on")

    with pytest.raises(KeyboardInterrupt):
        scope.run(lambda: beside.do_all(step))


def test_a_step_that_a_failure_left_at_work_is_over_before_the_host_is_cleared(monkeypatch: pytest.MonkeyPatch):
    order: list[str] = []

    def prepare(*_: object) -> None:
        time.sleep(LONG_SECONDS)
        order.append("prepared")

    def clear(_connection: Connection) -> None:
        order.append("cleared")

    def undo(_arrangement: Arrangement) -> None: ...

    monkeypatch.setattr(host_folder, "clear", clear)
    monkeypatch.setattr(Arrangement, "undo", undo)
    bench = RemoteBench(LocalHost(), INVENTORY, SECRETS)
    bench.beside(prepare)
    bench.clear()
    assert order == ["prepared", "cleared"]
