"""Each implementation by the tools of its own language: its formatter and linter find nothing, its own tests are green.

That is what `checks.Dockerfile` in its folder says by building or not. It is built on the lab's host, like the image.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from documents.errors import HostError
from provision import images
from provision.connection import Connection, connect
from tests.apis.breakages import BREAKAGES
from tests.conftest import LiveLab

APIS = Path(__file__).parents[2] / "apis"
NAMES = sorted(path.parent.name for path in APIS.glob("*/Dockerfile"))
DOCKERFILE = "checks.Dockerfile"

_DEADLINE_SECONDS = 550


@pytest.fixture(scope="module")
def host(live_lab: LiveLab) -> Iterator[Connection]:
    with connect(live_lab.inventory.host) as connection:
        yield connection


def check(host: Connection, lab: LiveLab, folder: Path) -> None:
    images.check_build(host, lab.inventory, folder, DOCKERFILE, deadline_seconds=_DEADLINE_SECONDS)


@pytest.mark.parametrize("name", NAMES)
def test_formatter_linter_and_own_tests_are_green(live_lab: LiveLab, host: Connection, name: str):
    check(host, live_lab, APIS / name)


@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name in NAMES for kind in BREAKAGES[name]])
def test_each_check_goes_red(live_lab: LiveLab, host: Connection, tmp_path: Path, name: str, kind: str):
    copy = tmp_path / name
    shutil.copytree(APIS / name, copy, symlinks=True)
    BREAKAGES[name][kind].apply(copy)
    with pytest.raises(HostError) as failed:
        check(host, live_lab, copy)
    assert str(failed.value).startswith(f"{name}/{DOCKERFILE} can't be built on ")
    assert BREAKAGES[name][kind].said in str(failed.value)


def test_every_implementation_has_its_breakages():
    assert all(BREAKAGES[name].keys() == {"formatter", "linter", "tests"} for name in NAMES)
