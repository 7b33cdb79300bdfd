"""Each implementation by the tools of its own language: its formatter and linter find nothing, its own tests are green.

So it is with the generator of the open loop.

That is what `checks.Dockerfile` in its folder says by building or not. It is built on the lab's host, like the image.
"""

import secrets
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import cast

import pytest

from documents.errors import HostError
from experiment.workloads.command import OPEN_LOOP_SOURCE
from provision.images import build
from provision.ssh.connection import connect
from tests.apis.breakages import BREAKAGES
from tests.conftest import IMPLEMENTATIONS, ROOT, LiveLab

APIS = ROOT / "apis"
FOLDERS = {**{name: APIS / name for name in IMPLEMENTATIONS}, OPEN_LOOP_SOURCE.name: OPEN_LOOP_SOURCE}
"""The implementations, and the generator of the open loop, which is checked in the same way."""
DOCKERFILE = "checks.Dockerfile"

CACHE_ONLY = ("--output=type=cacheonly",)
"""All stages are built, and no image is made of them."""

_DEADLINE_SECONDS = 1_100
pytestmark = [pytest.mark.timeout(1_200), pytest.mark.builds]

Said = Callable[[str, str | None], str]
"""By an implementation and the check that is to go red, or None: how its build failed; empty where it didn't."""


@pytest.fixture(scope="module")
def said(request: pytest.FixtureRequest, live_lab: LiveLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Said]:
    """All that the tests of this session ask for is begun at once.

    Those of one implementation share the folder in which they compile, and are built one after the other. Beside them
    go the others': a compiler seldom has work for all CPUs.
    """
    pools = {name: ThreadPoolExecutor(1) for name in FOLDERS}
    begun: dict[tuple[str, str | None], Future[str]] = {}
    for item in request.session.items:
        if isinstance(item, pytest.Function) and item.path == request.path and hasattr(item, "callspec"):
            name, kind = str(item.callspec.params["name"]), cast("str | None", item.callspec.params.get("kind"))
            copy = tmp_path_factory.mktemp("checks") / name
            begun[name, kind] = pools[name].submit(_build, live_lab, name, kind, copy)
    yield lambda name, kind: begun[name, kind].result()
    for pool in pools.values():
        pool.shutdown(cancel_futures=True)


def _build(lab: LiveLab, name: str, kind: str | None, copy: Path) -> str:
    shutil.copytree(FOLDERS[name], copy, symlinks=True)
    if kind is not None:
        BREAKAGES[name][kind].apply(copy)
    return _check(lab, copy)


def _check(lab: LiveLab, folder: Path) -> str:
    with connect(lab.inventory.host) as host:
        try:
            base = build.base_name(host, lab.inventory)
            build.run_build(host, base, folder, DOCKERFILE, CACHE_ONLY, deadline_seconds=_DEADLINE_SECONDS)
        except HostError as failed:
            return str(failed)
    return ""


@pytest.mark.parametrize("name", FOLDERS)
def test_formatter_linter_and_own_tests_are_green(said: Said, name: str):
    assert said(name, None) == ""


@pytest.mark.nightly
@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name in FOLDERS for kind in BREAKAGES[name]])
def test_each_check_goes_red(said: Said, name: str, kind: str):
    failed = said(name, kind)
    assert failed.startswith(f"{name}/{DOCKERFILE} can't be built on ")
    # Whole: pytest would cut out the middle.
    assert BREAKAGES[name][kind].said in failed, failed


@pytest.mark.nightly
def test_what_was_compiled_since_does_not_hide_a_broken_test(said: Said, live_lab: LiveLab, tmp_path: Path):
    said("rust", "tests")
    sound = tmp_path / "rust"
    shutil.copytree(APIS / "rust", sound)
    # Sources that were never seen are compiled, so that what they leave is newer than those of the broken test.
    seen = BREAKAGES["rust"]["tests"].file
    (sound / seen).parent.mkdir(exist_ok=True)
    (sound / seen).write_text(f"// {secrets.token_hex()}\nfn main() {{}}\n")
    assert _check(live_lab, sound) == ""
    assert BREAKAGES["rust"]["tests"].said in _build(live_lab, "rust", "tests", tmp_path / "broken" / "rust")


def test_every_implementation_has_its_breakages():
    assert all(BREAKAGES[name].keys() == {"formatter", "linter", "tests"} for name in FOLDERS)
