"""The running implementations: those of the lab that is up, or those that a file names.

`FAIRGROUND_CONTRACT_TARGETS` may name a file with a JSON list of `Target` documents, for whoever starts an
implementation by hand; else they are the APIs of the tests' lab, reached through SSH tunnels. Then
`FAIRGROUND_CONTRACT_COMMANDS` names a file with a JSON object: for each name the command, as a list, that the tests of
the process start further ones with.
"""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import TypeAdapter

from apis.contract.checks import Target
from experiment.bench.readiness import reach_apis
from provision.ssh.connection import connect
from tests.conftest import IMPLEMENTATIONS, LiveLab
from tests.contract.instances import Launcher, ProcessLauncher
from tests.stand.lab import launcher_of

_TARGETS = "FAIRGROUND_CONTRACT_TARGETS"
_COMMANDS = "FAIRGROUND_CONTRACT_COMMANDS"

REFERENCE = "go"
"""The implementation that the checks themselves are tested on."""


def read_targets() -> dict[str, Target] | None:
    """The implementations that a file names; None where none is named."""
    path = os.environ.get(_TARGETS)
    if path is None:
        return None
    listed = TypeAdapter(list[Target]).validate_json(Path(path).read_bytes())
    return {target.name: target for target in listed}


def implementations() -> list[str]:
    """The names of the implementations: those in the file, else the folders beside the contract."""
    listed = read_targets()
    return IMPLEMENTATIONS if listed is None else sorted(listed)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "implementation" in metafunc.fixturenames:
        metafunc.parametrize("implementation", implementations(), scope="module")


@pytest.fixture(scope="session")
def listed_targets() -> dict[str, Target] | None:
    return read_targets()


@pytest.fixture(scope="module")
def targets(request: pytest.FixtureRequest, listed_targets: dict[str, Target] | None) -> Iterator[dict[str, Target]]:
    """The implementations by name.

    They end with the module: other tests restart the host, which ends the tunnels, and measure without statistics.
    """
    if listed_targets is not None:
        yield listed_targets
        return
    lab: LiveLab = request.getfixturevalue("live_lab")
    with ExitStack() as stack:
        connection = stack.enter_context(connect(lab.inventory.host))
        yield stack.enter_context(reach_apis(connection, lab.inventory, lab.secrets, lab.inventory.apis))


@pytest.fixture(scope="module")
def target(implementation: str, targets: dict[str, Target]) -> Target:
    """The implementation under test.

    It has the seeded database to itself; the tests write to it.
    """
    assert implementation in targets, f"No target is named {implementation}; there are {sorted(targets)}."
    return targets[implementation]


@pytest.fixture(scope="module")
def reference(targets: dict[str, Target]) -> Target:
    """One implementation, for tests that are about the checks and not about who keeps them."""
    return targets[REFERENCE] if REFERENCE in targets else next(iter(targets.values()))


@pytest.fixture(scope="module")
def launcher(request: pytest.FixtureRequest, implementation: str, target: Target) -> Iterator[Launcher]:
    """Starts instances of the implementation under test, over the services of the target."""
    if os.environ.get(_TARGETS) is not None:
        commands = json.loads(Path(os.environ[_COMMANDS]).read_text(encoding="utf-8"))
        services = {
            "DATABASE_URL": target.database_url or "",
            "REDIS_URL": target.redis_url or "",
            "JWT_SECRET": target.jwt_secret,
        }
        port = urlsplit(target.base_url).port or 80
        yield ProcessLauncher(commands[implementation], services, port, sorted(os.sched_getaffinity(0)))
        return
    lab: LiveLab = request.getfixturevalue("live_lab")
    with connect(lab.inventory.host) as connection:
        yield launcher_of(connection, lab.inventory, lab.secrets, implementation)
