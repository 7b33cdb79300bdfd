"""Work on a host that is asked to end, and the connection that it leaves behind."""

import random
import threading
import time
from pathlib import Path

import pytest

from provision.ssh.connection import Connection
from provision.ssh.execution import CancelScope, shield
from tests.ssh.waiting import wait_until

TIMES = 25


def test_a_command_that_is_waited_for_ends_and_so_does_the_next(connection: Connection):
    scope = CancelScope()
    threads = threading.active_count()
    asking = threading.Timer(0.5, scope.cancel)
    asking.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        scope.run(lambda: connection.run(["sleep", "60"], deadline_seconds=90))
    assert time.monotonic() - began < 30, "it waited for the command's end"
    with pytest.raises(KeyboardInterrupt):
        scope.run(lambda: connection.run(["true"], deadline_seconds=10))
    assert connection.run(["echo", "still"], deadline_seconds=10).stdout == "still\n"
    wait_until(lambda: threading.active_count() <= threads)


def test_a_connection_outlives_every_moment_in_which_work_is_asked_to_end(connection: Connection):
    draw = random.Random(TIMES)  # noqa: S311 - moments, not secrets

    def work() -> None:
        while True:
            connection.run(["cat"], input=b"some bytes", deadline_seconds=10)

    for _ in range(TIMES):
        scope = CancelScope()
        asking = threading.Timer(draw.uniform(0, 0.02), scope.cancel)
        asking.start()
        with pytest.raises(KeyboardInterrupt):
            scope.run(work)
        asking.join()
        assert connection.run(["echo", "still"], deadline_seconds=10).stdout == "still\n"


def test_a_transfer_ends_and_leaves_nothing(connection: Connection, tmp_path: Path):
    scope = CancelScope()
    with (tmp_path / "large").open("wb") as large:
        large.truncate(1 << 40)

    def cancel_in_its_middle() -> None:
        wait_until(lambda: any(path.stat().st_size for path in tmp_path.glob("copy*")))
        scope.cancel()

    asking = threading.Thread(target=cancel_in_its_middle)
    asking.start()
    with pytest.raises(KeyboardInterrupt):
        scope.run(lambda: connection.push(tmp_path / "large", str(tmp_path / "copy")))
    asking.join()
    assert connection.run(["echo", "still"], deadline_seconds=10).stdout == "still\n"
    assert [path.name for path in tmp_path.iterdir()] == ["large"]


def test_what_removes_what_the_work_made_is_done(connection: Connection, tmp_path: Path):
    scope, made = CancelScope(), tmp_path / "made"

    def work() -> None:
        try:
            connection.run(["touch", str(made)], deadline_seconds=10)
            scope.cancel()
            connection.run(["true"], deadline_seconds=10)
        finally:
            with shield():
                connection.run(["rm", str(made)], deadline_seconds=10)

    with pytest.raises(KeyboardInterrupt):
        scope.run(work)
    assert not made.exists()
