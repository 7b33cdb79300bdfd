import fcntl
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from toolchain import apt, bootstrap, docker_engine
from toolchain.bootstrap import announce, duration, missing_parts
from toolchain.layout import Layout


@pytest.fixture
def bare(tmp_path: Path) -> Layout:
    return Layout(root=tmp_path / "checkout", cache=tmp_path / "cache")


def _locked(folder: Path) -> bool:
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _calling(note: Callable[[str], None], name: str) -> Callable[[Layout], None]:
    def step(_layout: Layout) -> None:
        note(name)

    return step


def test_every_step_runs_under_the_lock(bare: Layout, monkeypatch: pytest.MonkeyPatch):
    under_lock: dict[str, bool] = {}

    def note(name: str) -> None:
        under_lock[name] = _locked(bare.cache)

    def packages(_layout: Layout, wanted: tuple[apt.Package, ...]) -> None:
        note("lab packages" if wanted == apt.LAB else "test packages")

    monkeypatch.setattr(bootstrap, "_system_packages", packages)
    for name in ("_environment", "_packages", "_pulumi", "_docker", "_state"):
        monkeypatch.setattr(bootstrap, name, _calling(note, name))
    bootstrap.bootstrap(bare, with_tests=True)
    assert under_lock == dict.fromkeys(
        ["lab packages", "_environment", "_packages", "_pulumi", "_docker", "_state", "test packages"], True
    )
    assert not _locked(bare.cache)


def test_only_what_is_missing_is_announced_with_its_time_and_the_sum(bare: Layout, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(docker_engine, "version", lambda: "20.10.24")

    def missing(_wanted: tuple[apt.Package, ...]) -> tuple[apt.Package, ...]:
        return (apt.LAB[1],)

    monkeypatch.setattr(apt, "missing", missing)
    parts = list(missing_parts(bare, with_lab=True))
    lines = announce(parts).splitlines()
    names = ("system packages: git", "Python packages", "Pulumi engine and docker plugin", "the lab")
    assert len(lines) == len(names) + 2
    assert all(line.strip().startswith(name) for line, name in zip(lines[1:-1], names, strict=True))
    assert lines[-1].split() == ["together", *duration(sum(part.seconds for part in parts)).split()]


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("sleep 60", "error: sh -c 'sleep 60' didn't answer within 0 s and was ended. See that the machine"),
        ("echo no space >&2; exit 3", "exit 3' failed with status 3, saying: no space. Fix that"),
    ],
)
def test_command_that_was_asked_and_failed_is_one_sentence(
    program: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def ask(_layout: Layout, *, with_tests: bool, with_lab: bool) -> None:
        del with_tests, with_lab
        subprocess.run(["sh", "-c", program], capture_output=True, text=True, timeout=0.2, check=True)

    monkeypatch.setattr(bootstrap, "bootstrap", ask)
    monkeypatch.setattr(sys, "argv", ["bootstrap"])
    handler = signal.getsignal(signal.SIGTERM)
    try:
        assert bootstrap.main() == 1
    finally:
        signal.signal(signal.SIGTERM, handler)
    shown = capsys.readouterr().err
    assert said in shown
    assert shown.count("\n") == 1
