"""Fixtures for tests that act on the machine as well: for a `conftest.py` to import.

`FAIRGROUND_STAND` may name a file that describes a stand on this machine (`tests/stand/local.py`), for whoever works on
an implementation; else the stand is the tests' lab. It stands for all tests of a folder, which is a package for that.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from apis.contract.checks import Target
from provision.connection import connect
from tests.contract.conftest import implementations
from tests.stand.lab import LabStand
from tests.stand.local import LocalStand, LocalStandDocument
from tests.stand.stand import Stand

_VARIABLE = "FAIRGROUND_STAND"


def tested_implementations() -> list[str]:
    """The names of the implementations: the stand's own where a file describes one, else all that there are."""
    path = os.environ.get(_VARIABLE)
    if path is None:
        return implementations()
    return [api.name for api in _read(Path(path)).apis]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "implementation" in metafunc.fixturenames:
        metafunc.parametrize("implementation", tested_implementations(), scope="module")


@pytest.fixture(scope="package")
def stand(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """The implementations and their machine, left as they were found."""
    path = os.environ.get(_VARIABLE)
    if path is not None:
        with LocalStand(_read(Path(path)), tmp_path_factory.mktemp("stand")) as local:
            yield local
        return
    lab = request.getfixturevalue("live_lab")
    with connect(lab.inventory.host) as connection, LabStand(lab, connection) as stand:
        yield stand


@pytest.fixture(scope="package")
def targets(stand: Stand) -> dict[str, Target]:
    """The implementations that are tested, by name."""
    names = tested_implementations()
    missing = [name for name in names if name not in stand.targets]
    assert not missing, f"There is no target named {', '.join(missing)}; there are {sorted(stand.targets)}."
    return {name: stand.targets[name] for name in names}


@pytest.fixture
def target(implementation: str, targets: dict[str, Target]) -> Target:
    """The implementation under test."""
    return targets[implementation]


def _read(path: Path) -> LocalStandDocument:
    return LocalStandDocument.from_json(path.read_bytes(), name=str(path))
