"""Fixtures for tests that act on the machine as well: for a `conftest.py` to import.

`FAIRGROUND_STAND` may name a file that describes a stand on this machine (`tests/stand/local.py`), for whoever works on
an implementation; else the stand is the tests' lab. It stands for all tests of a folder, which is a package for that.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from provision.ssh.connection import connect
from tests.conftest import IMPLEMENTATIONS
from tests.stand.lab import LabStand
from tests.stand.local import LocalStand, LocalStandDocument
from tests.stand.stand import Api, Stand

_VARIABLE = "FAIRGROUND_STAND"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "implementation" in metafunc.fixturenames:
        document = _local_document()
        names = IMPLEMENTATIONS if document is None else [api.name for api in document.apis]
        metafunc.parametrize("implementation", names, scope="module")


@pytest.fixture(scope="package")
def stand(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """The implementations and their machine, left as they were found."""
    document = _local_document()
    if document is not None:
        with LocalStand(document, tmp_path_factory.mktemp("stand")) as local:
            yield local
        return
    lab = request.getfixturevalue("live_lab")
    with connect(lab.inventory.host) as connection, LabStand(lab, connection) as stand:
        yield stand


@pytest.fixture(scope="package")
def apis(stand: Stand) -> Mapping[str, Api]:
    """The implementations, by name."""
    return stand.apis


@pytest.fixture
def api(implementation: str, apis: Mapping[str, Api]) -> Api:
    """The implementation under test."""
    return apis[implementation]


def _local_document() -> LocalStandDocument | None:
    path = os.environ.get(_VARIABLE)
    return None if path is None else LocalStandDocument.from_json(Path(path).read_bytes(), name=path)
