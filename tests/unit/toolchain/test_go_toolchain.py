from pathlib import Path

import pytest

from documents.errors import ToolchainError
from toolchain import go_toolchain
from toolchain.console import Step
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


@pytest.fixture
def proxied(tmp_path: Path) -> go_toolchain.Go:
    """A Go whose download of one module always ends with the same hash."""
    command = tmp_path / "go"
    answer = '{"Path": "example.org/one", "Version": "v1.0.0", "Sum": "h1:right", "Dir": "/modules/one"}'
    command.write_text(f"#!/bin/sh\ncd $4 && [ -f go.mod ] || exit 1\n[ $5 != -json ] || echo '{answer}'\n")
    command.chmod(0o755)
    return go_toolchain.Go(command, {})


def test_modules_are_downloaded_into_a_folder_that_is_created(tmp_path: Path, step: Step, proxied: go_toolchain.Go):
    folders = proxied.download(step, {"example.org/one@v1.0.0": "h1:right"}, work=tmp_path / "sources" / "downloads")
    assert folders == {"example.org/one@v1.0.0": Path("/modules/one")}


def test_module_with_another_hash_is_refused(tmp_path: Path, step: Step, proxied: go_toolchain.Go):
    with pytest.raises(ToolchainError, match="has the hash h1:right, not h1:other"):
        proxied.download(step, {"example.org/one@v1.0.0": "h1:other"}, work=tmp_path / "downloads")
