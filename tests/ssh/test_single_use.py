"""Containers of a single use, on this machine's engine, which plays the host's."""

import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator

import pytest

from documents.errors import DeadlineExceededError, HostError
from provision.containers import control
from provision.ssh.connection import Connection
from provision.ssh.execution import CancelScope
from tests.conftest import ROOT
from tests.docker import docker
from tests.ssh.services import STACK, base
from tests.ssh.sshd import Sshd
from tests.ssh.waiting import wait_until

CPU = min(os.sched_getaffinity(0))


@pytest.fixture(scope="module")
def image() -> str:
    return base()


@pytest.fixture
def stack(request: pytest.FixtureRequest) -> Iterator[str]:
    """A stack's name of the test's own; what it leaves is removed, and then found to be left."""
    name = f"{STACK}-once-{os.getpid()}-{request.node.name.partition('[')[0][-12:].strip('_')}"
    yield name
    for identity in left(name):
        docker("rm", "--force", identity)


def left(stack: str) -> list[str]:
    return docker("ps", "--all", "--quiet", "--filter", f"label=org.fairground.stack={stack}").split()


SEEN = r"""
read -r line; echo "read $line"
sed -n 's/^Cpus_allowed_list:\t/cpus /p' /proc/self/status
ls /sys/class/net
echo "an error" >&2
exit 7
"""


def test_a_command_has_its_input_its_cpus_no_network_and_an_end(connection: Connection, image: str, stack: str):
    done = control.run_once(
        connection, image, ["sh", "-c", SEEN], stack=stack, cpus=[CPU], input=b"what came\n", deadline_seconds=60
    )
    assert done == (f"read what came\ncpus {CPU}\nlo\n", "an error\n", 7)
    assert left(stack) == []


def test_a_command_that_takes_too_long_is_ended_and_removed(connection: Connection, image: str, stack: str):
    with pytest.raises(DeadlineExceededError, match="wasn't done within 2 s and was ended"):
        control.run_once(connection, image, ["sleep", "120"], stack=stack, cpus=[CPU], deadline_seconds=2)
    assert left(stack) == []


def test_what_cannot_be_created_is_reported(connection: Connection, image: str, stack: str):
    with pytest.raises(HostError, match=r"No container of no-such-image:1 can be made"):
        control.run_once(connection, "no-such-image:1", ["true"], stack=stack, cpus=[CPU], deadline_seconds=10)
    with pytest.raises(HostError, match=r"CPU"):
        control.run_once(connection, image, ["true"], stack=stack, cpus=[4095], deadline_seconds=10)
    assert left(stack) == []


CONTROLLER = """
import sys
from documents.lab import Host
from provision.containers import control
from provision.ssh import connect

with connect(Host.from_json(sys.argv[1], name="the host")) as connection:
    control.run_once(
        connection, sys.argv[2], ["sleep", "120"], stack=sys.argv[3], cpus=[int(sys.argv[4])], deadline_seconds=8
    )
"""


def wait_until_one_runs(stack: str) -> None:
    wait_until(lambda: docker("ps", "--quiet", "--filter", f"label=org.fairground.stack={stack}") != "", 60)


def test_nothing_is_left_by_work_that_is_asked_to_end(connection: Connection, image: str, stack: str):
    scope = CancelScope()

    def cancel_once_it_runs() -> None:
        wait_until_one_runs(stack)
        scope.cancel()

    asking = threading.Thread(target=cancel_once_it_runs)
    asking.start()
    with pytest.raises(KeyboardInterrupt):
        scope.run(
            lambda: control.run_once(connection, image, ["sleep", "120"], stack=stack, cpus=[CPU], deadline_seconds=120)
        )
    asking.join()
    assert left(stack) == []


def test_nothing_is_left_by_a_controller_that_is_killed(sshd: Sshd, image: str, stack: str):
    command = [sys.executable, "-c", textwrap.dedent(CONTROLLER), sshd.host.to_json(), image, stack, str(CPU)]
    with subprocess.Popen(command, cwd=ROOT) as controller:
        try:
            wait_until_one_runs(stack)
        finally:
            controller.kill()
    # The host itself ends what nobody waits for any more, at its deadline.
    wait_until(lambda: left(stack) == [], 30)
