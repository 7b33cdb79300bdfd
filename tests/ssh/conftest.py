"""A real sshd for these tests, connections to it, and machines that the lab didn't make."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.containers import cgroups
from provision.containers.cgroups import Cgroup
from provision.ssh.connection import Connection
from tests.machines.machine import WITH_OLDER_ENGINE, WITHOUT_ENGINE, Machine
from tests.ssh.found_machine import Found
from tests.ssh.services import Services
from tests.ssh.sshd import Sshd, running_sshd


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A real sshd on loopback, whose host is this very machine; tests may cut its sessions, and nothing else of it."""
    with running_sshd(tmp_path_factory.mktemp("shared") / "sshd") as server:
        yield server


@pytest.fixture
def cgroup(connection: Connection) -> Iterator[Cgroup]:
    """A cgroup of this machine's own kind, below the one that the tests run in, removed at the end."""
    own = cgroups.of_process(connection, os.getpid())
    name = f"provision-test-{os.getpid()}"
    made = own.model_copy(update={"directories": {key: f"{path}/{name}" for key, path in own.directories.items()}})
    cgroups.create(connection, made)
    yield made
    # Not over the connection, which a test may have had killed.
    for directory in set(made.directories.values()):
        if Path(directory).exists():
            Path(directory).rmdir()


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """PostgreSQL and Redis in containers of this machine's engine, which plays the host's."""
    made = Services(tmp_path_factory.mktemp("services"))
    try:
        made.start()
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="module")
def without_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    """A Debian 13 without an engine; its user has sudo."""
    folder = tmp_path_factory.mktemp("without_engine")
    with Machine(WITHOUT_ENGINE, folder) as machine:
        yield Found(machine, folder, user="someone", has_engine=False)


@pytest.fixture(scope="module")
def with_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    """A Debian 12 with an engine that is older than the lab's own, which runs, built, and keeps things; root's."""
    folder = tmp_path_factory.mktemp("with_engine")
    with Machine(WITH_OLDER_ENGINE, folder) as machine:
        machine.put_engine_to_work()
        yield Found(machine, folder, user="root", has_engine=True)
