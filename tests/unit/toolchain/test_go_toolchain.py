from pathlib import Path

import pytest

from toolchain import go_toolchain
from toolchain.versions import VERSIONS


def _go(folder: Path, version: str) -> Path:
    folder.mkdir()
    command = folder / "go"
    command.write_text(f"#!/bin/sh\necho {version}\n")
    command.chmod(0o755)
    return command


@pytest.mark.parametrize("version", [VERSIONS.go_minimum, "1.99.0", "2.0"])
def test_go_that_is_new_enough_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str):
    command = _go(tmp_path / "bin", f"go{version}")
    monkeypatch.setenv("PATH", f"{command.parent}:/usr/bin:/bin")
    found = go_toolchain.find_go()
    assert found
    assert found.command == command


def test_go_that_is_too_old_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    command = _go(tmp_path / "bin", "go1.19.8")
    monkeypatch.setenv("PATH", f"{command.parent}:/usr/bin:/bin")
    assert go_toolchain.find_go() is None
