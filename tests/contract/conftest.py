"""The running implementations: those of the lab that is up, or those that a file names.

`FAIRGROUND_CONTRACT_TARGETS` may name a file with a JSON list of `Target` documents, for whoever starts an
implementation by hand; else they are the APIs of the tests' lab, reached through SSH tunnels.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from apis.contract.checks import Target
from experiment.verification import reach_api
from provision.connection import connect
from tests.conftest import LiveLab

_APIS = Path(__file__).parents[2] / "apis"
REFERENCE = "go"
_VARIABLE = "FAIRGROUND_CONTRACT_TARGETS"


def implementations() -> list[str]:
    """The names of the implementations: the folders beside the contract."""
    return sorted(folder.parent.name for folder in _APIS.glob("*/Dockerfile"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "implementation" in metafunc.fixturenames:
        metafunc.parametrize("implementation", implementations(), scope="module")


@pytest.fixture(scope="module")
def targets(request: pytest.FixtureRequest) -> Iterator[dict[str, Target]]:
    """The implementations by name.

    They end with the module: other tests restart the host, which ends the tunnels, and measure without statistics.
    """
    path = os.environ.get(_VARIABLE)
    if path is not None:
        listed = TypeAdapter(list[Target]).validate_json(Path(path).read_bytes())
        yield {target.name: target for target in listed}
        return
    lab: LiveLab = request.getfixturevalue("live_lab")
    with ExitStack() as stack:
        connection = stack.enter_context(connect(lab.inventory.host))
        yield {
            service.name: stack.enter_context(reach_api(connection, lab.inventory, lab.secrets, service))
            for service in lab.inventory.apis
        }


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
