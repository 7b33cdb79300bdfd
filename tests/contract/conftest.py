"""Where the running implementations are: the tests of this folder start none themselves.

`FAIRGROUND_CONTRACT_TARGETS` names a file of `Target` documents, one for each folder of `apis/` that has an
implementation; `lab up` and whoever starts an implementation by hand can write one.
"""

import os
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from apis.contract.checks import Target

_APIS = Path(__file__).parents[2] / "apis"
_VARIABLE = "FAIRGROUND_CONTRACT_TARGETS"


def implementations() -> list[str]:
    """The names of the implementations: the folders beside the contract."""
    return sorted(folder.name for folder in _APIS.iterdir() if folder.is_dir() and folder.name != "contract")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "implementation" in metafunc.fixturenames:
        metafunc.parametrize("implementation", implementations(), scope="session")


@pytest.fixture(scope="session")
def targets() -> dict[str, Target]:
    path = os.environ.get(_VARIABLE)
    if path is None:
        pytest.fail(f"{_VARIABLE} must name a JSON file with a list of the implementations' Target documents.")
    listed = TypeAdapter(list[Target]).validate_json(Path(path).read_bytes())
    return {target.name: target for target in listed}


@pytest.fixture(scope="session")
def target(implementation: str, targets: dict[str, Target]) -> Target:
    """The implementation under test.

    It has the seeded database to itself; the tests write to it.
    """
    assert implementation in targets, f"No target is named {implementation}; there are {sorted(targets)}."
    return targets[implementation]
