"""Each implementation by the tools of its own language: its formatter and linter find nothing, its own tests are green.

So it is with the generator of the open loop.

That is what `checks.Dockerfile` in its folder says by building or not. It is built on the lab's host, like the image.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from documents.errors import HostError
from experiment.workloads.command import OPEN_LOOP_SOURCE
from provision import images
from provision.connection import Connection, connect
from tests.apis.breakages import BREAKAGES
from tests.conftest import LiveLab

APIS = Path(__file__).parents[2] / "apis"
NAMES = sorted(path.parent.name for path in APIS.glob("*/Dockerfile"))
FOLDERS = {**{name: APIS / name for name in NAMES}, OPEN_LOOP_SOURCE.name: OPEN_LOOP_SOURCE}
"""The implementations, and the generator of the open loop, which is checked in the same way."""
DOCKERFILE = "checks.Dockerfile"

_DEADLINE_SECONDS = 550


@pytest.fixture(scope="module")
def host(live_lab: LiveLab) -> Iterator[Connection]:
    with connect(live_lab.inventory.host) as connection:
        yield connection


def check(host: Connection, lab: LiveLab, folder: Path) -> None:
    images.check_build(host, lab.inventory, folder, DOCKERFILE, deadline_seconds=_DEADLINE_SECONDS)


@pytest.mark.parametrize("name", FOLDERS)
def test_formatter_linter_and_own_tests_are_green(live_lab: LiveLab, host: Connection, name: str):
    check(host, live_lab, FOLDERS[name])


@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name in FOLDERS for kind in BREAKAGES[name]])
def test_each_check_goes_red(live_lab: LiveLab, host: Connection, tmp_path: Path, name: str, kind: str):
    copy = tmp_path / name
    shutil.copytree(FOLDERS[name], copy, symlinks=True)
    BREAKAGES[name][kind].apply(copy)
    with pytest.raises(HostError) as failed:
        check(host, live_lab, copy)
    assert str(failed.value).startswith(f"{name}/{DOCKERFILE} can't be built on ")
    assert BREAKAGES[name][kind].said in str(failed.value)


def test_every_implementation_has_its_breakages():
    assert all(BREAKAGES[name].keys() == {"formatter", "linter", "tests"} for name in FOLDERS)
