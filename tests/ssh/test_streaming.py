"""What a command on one host writes, given to a command on another as it comes."""

import resource
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from documents.errors import HostUnreachableError, RemoteCommandError
from provision.ssh.connection import Connection, connect
from provision.ssh.execution import Held
from tests.ssh.sshd import Sshd, running_sshd
from tests.ssh.waiting import wait_until

MANY_BYTES = 120_000_000


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A second host."""
    with running_sshd(tmp_path_factory.mktemp("second") / "other") as server:
        yield server


def test_more_than_fits_into_memory_goes_from_one_host_to_the_other(connection: Connection, other: Sshd):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with connect(other.host) as target:
        write = ["head", "-c", str(MANY_BYTES), "/dev/zero"]
        with connection.stream(write, deadline_seconds=120) as output:
            read = target.run(["wc", "-c"], input=output, deadline_seconds=120)
            output.check()
    assert read.stdout == f"{MANY_BYTES}\n"
    grown_kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kilobytes * 1024 < MANY_BYTES / 4


def test_a_command_that_fails_after_it_wrote_is_reported(connection: Connection, other: Sshd):
    with (
        connect(other.host) as target,
        connection.stream("echo half; echo why >&2; exit 3", deadline_seconds=30) as output,
    ):
        assert target.run(["cat"], input=output, deadline_seconds=30).stdout == "half\n"
        with pytest.raises(RemoteCommandError, match=r"ended with the status 3: why$"):
            output.check()


def test_a_command_that_reads_no_more_ends_the_one_that_writes(connection: Connection, other: Sshd, tmp_path: Path):
    write = f"trap 'touch {tmp_path}/ended' EXIT; yes"
    with connect(other.host) as target, connection.stream(write, deadline_seconds=60) as output:
        assert target.run("head -n 1", input=output, deadline_seconds=60).stdout == "y\n"
        output.check()
    wait_until((tmp_path / "ended").exists, 30)


def test_a_command_that_reads_no_more_does_not_wait_for_one_that_is_silent(
    connection: Connection, other: Sshd, tmp_path: Path
):
    write = f"echo y; sleep 60; touch {tmp_path}/silent-no-more"
    with connect(other.host) as target, connection.stream(write, deadline_seconds=90) as output:
        assert target.run("head -n 1", input=output, deadline_seconds=90).stdout == "y\n"
        output.check()
    assert not (tmp_path / "silent-no-more").exists()


def once(path: Path, act: Callable[[], None]) -> None:
    """Do something as soon as a command has made this file, whenever that is."""

    def wait_and_act() -> None:
        wait_until(path.exists)
        act()

    threading.Thread(target=wait_and_act, daemon=True).start()


def test_a_host_that_is_lost_while_it_writes_is_reported(
    connection: Connection, sshd: Sshd, other: Sshd, tmp_path: Path
):
    with connect(other.host) as target, connection.stream("echo half; sleep 60", deadline_seconds=60) as output:
        once(tmp_path / "arrived", sshd.kill_sessions)
        read = f"read line; echo $line; touch {tmp_path}/arrived; cat"
        assert target.run(read, input=output, deadline_seconds=60).stdout == "half\n"
        with pytest.raises(HostUnreachableError, match="was lost during `echo half; sleep 60`"):
            output.check()


def test_input_that_is_held_open_ends_with_its_command_or_with_the_controller(
    connection: Connection, sshd: Sshd, tmp_path: Path
):
    assert connection.run("head -c 4", input=Held(b"held"), deadline_seconds=30).stdout == "held"
    gone = tmp_path / "gone"
    once(tmp_path / "begun", connection.close)
    with pytest.raises(HostUnreachableError):
        connection.run(
            f"touch {tmp_path}/begun; cat >/dev/null; touch {gone}", input=Held(b"held"), deadline_seconds=60
        )
    wait_until(gone.exists, 30)
    assert sshd
