"""A real sshd for these tests, and connections to it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision import cgroups
from provision.cgroups import Cgroup
from provision.connection import Connection, connect
from tests.ssh.services import Services
from tests.ssh.sshd import Sshd


@pytest.fixture
def connection(sshd: Sshd) -> Iterator[Connection]:
    with connect(sshd.host) as opened:
        yield opened


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
