"""Containers of a single use, on this machine's engine, which plays the host's."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from documents.errors import DeadlineExceededError, HostError
from provision import single_use
from provision.base_image import make_base_image_here
from provision.connection import Connection
from tests.ssh.services import STACK, docker
from tests.ssh.sshd import Sshd

ROOT = Path(__file__).parents[2]
CPU = min(os.sched_getaffinity(0))


@pytest.fixture(scope="module")
def image() -> str:
    return make_base_image_here("debian:trixie-slim", f"{STACK}-base:latest", STACK).id


@pytest.fixture
def stack(request: pytest.FixtureRequest) -> Iterator[str]:
    """A stack's name of the test's own; what it leaves is removed, and then found to be left."""
    name = f"{STACK}-once-{os.getpid()}-{request.node.name.partition('[')[0][-12:].strip('_')}"
    yield name
    for identity in left(name):
        docker("rm", "--force", identity)


def left(stack: str) -> list[str]:
    return docker("ps", "--all", "--quiet", "--filter", f"label=org.fairground.stack={stack}").split()


def wait_until_nothing_is_left(stack: str, seconds: float) -> None:
    ends_at = time.monotonic() + seconds
    while left(stack):
        assert time.monotonic() < ends_at, f"{left(stack)} is still there after {seconds} s"
        time.sleep(0.1)


SEEN = r"""
read -r line; echo "read $line"
sed -n 's/^Cpus_allowed_list:\t/cpus /p' /proc/self/status
ls /sys/class/net
echo "an error" >&2
exit 7
"""


def test_a_command_has_its_input_its_cpus_no_network_and_an_end(connection: Connection, image: str, stack: str):
    done = single_use.run(
        connection, image, ["sh", "-c", SEEN], stack=stack, cpus=[CPU], input=b"what came\n", deadline_seconds=60
    )
    assert done == (f"read what came\ncpus {CPU}\nlo\n", "an error\n", 7)
    assert left(stack) == []


def test_a_command_that_takes_too_long_is_ended_and_removed(connection: Connection, image: str, stack: str):
    with pytest.raises(DeadlineExceededError, match="wasn't done within 2 s and was ended"):
        single_use.run(connection, image, ["sleep", "120"], stack=stack, cpus=[CPU], deadline_seconds=2)
    assert left(stack) == []


def test_what_cannot_be_made_is_told(connection: Connection, image: str, stack: str):
    with pytest.raises(HostError, match=r"No container of no-such-image:1 can be made"):
        single_use.run(connection, "no-such-image:1", ["true"], stack=stack, cpus=[CPU], deadline_seconds=10)
    with pytest.raises(HostError, match=r"CPU"):
        single_use.run(connection, image, ["true"], stack=stack, cpus=[4095], deadline_seconds=10)
    assert left(stack) == []


CONTROLLER = """
import sys
from documents.host import Host
from provision import single_use
from provision.connection import connect

with connect(Host.from_json(sys.argv[1], name="the host")) as connection:
    single_use.run(
        connection, sys.argv[2], ["sleep", "120"], stack=sys.argv[3], cpus=[int(sys.argv[4])], deadline_seconds=8
    )
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["interrupted", "killed"])
def test_nothing_is_left_by_a_controller_that_is(sshd: Sshd, image: str, stack: str, number: signal.Signals):
    command = [sys.executable, "-c", textwrap.dedent(CONTROLLER), sshd.host.to_json(), image, stack, str(CPU)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as controller:
        try:
            ends_at = time.monotonic() + 60
            while not docker("ps", "--quiet", "--filter", f"label=org.fairground.stack={stack}").split():
                assert controller.poll() is None, controller.communicate()[1]
                assert time.monotonic() < ends_at
                time.sleep(0.05)
        finally:
            controller.send_signal(number)
        assert controller.wait(timeout=60) != 0
    if number == signal.SIGINT:
        assert left(stack) == []
    # The host itself ends what nobody waits for any more, at its deadline.
    wait_until_nothing_is_left(stack, 30)
