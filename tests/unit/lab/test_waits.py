"""Every wait for an engine, and for a base image, ends."""

import os
from pathlib import Path

import pytest

from documents.errors import LabError
from lab.lifecycle import engine as engine_module
from lab.lifecycle.engine import Engine
from lab.resources import images
from lab.resources.images import _BaseImageProvider, _carry_into  # pyright: ignore[reportPrivateUsage]
from provision.containers import control
from provision.system import base_image
from tests.ssh.waiting import is_alive

BASE = {"host": None, "tag": "fairground-test-base:1"}


def put(folder: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a command of that name be found first."""
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.timeout(30)
def test_engine_that_does_not_answer_is_an_error_and_ends_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    put(tmp_path, "pulumi", f"sleep 600 & echo $! >{tmp_path}/child; wait", monkeypatch)
    monkeypatch.setattr(engine_module, "_QUERY_SECONDS", 1)
    environment = {**os.environ, "PULUMI_BACKEND_URL": f"file://{tmp_path}"}
    with pytest.raises(LabError, match=r"^pulumi stack didn't end within 1 s and was ended\."):
        Engine(root=tmp_path, stack="test", environment=environment).query("stack", "export")
    assert not is_alive(int((tmp_path / "child").read_text()))


@pytest.mark.timeout(30)
@pytest.mark.parametrize("act", ["read", "delete"])
def test_docker_that_does_not_answer_for_a_base_is_an_error(act: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    put(tmp_path, "docker", "exec sleep 600", monkeypatch)
    monkeypatch.setattr(control, "DOCKER_SECONDS", 0.2)
    with pytest.raises(LabError, match=r"The Docker engine didn't answer within 0\.2 s"):
        getattr(_BaseImageProvider(), act)("fairground-test-base:1", BASE)


@pytest.mark.timeout(30)
def test_base_that_is_not_carried_in_time_is_left_to_be_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    put(tmp_path, "docker", "exec sleep 600", monkeypatch)
    monkeypatch.setattr(images, "_CARRY_SECONDS", 0.2)
    _carry_into("fairground-test-host", "fairground-test-base:1")


@pytest.mark.timeout(30)
def test_base_that_is_not_made_in_time_is_an_error_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "base_image.sh").write_text(f"trap 'touch {tmp_path}/removed; exit 143' TERM\nsleep 600\n")
    monkeypatch.setattr(base_image, "SCRIPT", tmp_path / "base_image.sh")
    monkeypatch.setattr(base_image, "_DEADLINE_SECONDS", 1)
    with pytest.raises(LabError, match=r"^The base image debian wasn't made within 1 s"):
        base_image.make_base_image_here("debian", "fairground-test-base:1")
    assert (tmp_path / "removed").exists(), "the script could remove what it had made"


def test_base_that_is_gone_is_read_as_gone_and_needs_no_removal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    put(tmp_path, "docker", "echo 'Error response from daemon: No such image: x' >&2; exit 1", monkeypatch)
    provider = _BaseImageProvider()
    assert provider.read("fairground-test-base:1", BASE).id == ""
    provider.delete("fairground-test-base:1", BASE)


def test_base_that_is_in_use_is_not_removed_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    put(tmp_path, "docker", "echo 'image is being used by a container' >&2; exit 1", monkeypatch)
    with pytest.raises(LabError, match=r"^The base image fairground-test-base:1 can't be removed: .*is being used"):
        _BaseImageProvider().delete("fairground-test-base:1", BASE)
