"""What can be known before anything is made is refused before anything is made."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from documents.errors import LabError
from documents.stack.hosts import ContainerHost
from documents.stack.stack import Api, Stack
from lab.lifecycle.preflight import check_machine
from tests.docker import docker

GIB = 1024**3


class Usage(NamedTuple):
    """As `shutil.disk_usage` returns it, in bytes."""

    total: int
    used: int
    free: int


@pytest.fixture
def free_gib(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """The room on every disk, as the test wants it; 100 GiB to begin with."""
    room = {"everywhere": 100.0}

    def disk_usage(path: str | Path) -> Usage:
        assert Path(path).exists()
        return Usage(0, 0, int(room.get(str(path), room["everywhere"]) * GIB))

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    return room


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def stack(stack_name: str, listener: socket.socket) -> Stack:
    """A stack whose host wants the port at which something listens already."""
    return Stack(
        version=1,
        name=stack_name,
        host=ContainerHost(kind="container", ssh_port=listener.getsockname()[1]),
        apis=(Api(name="go", source="apis/go", port=18080),),
    )


@pytest.mark.usefixtures("free_gib")
def test_port_that_is_taken_is_refused_with_its_number_and_a_remedy(
    stack: Stack, listener: socket.socket, tmp_path: Path
):
    with pytest.raises(LabError) as refusal:
        check_machine(stack, tmp_path)
    port = listener.getsockname()[1]
    assert str(refusal.value) == (
        f"Port {port} on 127.0.0.1 is taken by another program; end that, or give the host another "
        f"ssh_port in stacks/{stack.name}.yaml."
    )


@pytest.mark.usefixtures("free_gib")
def test_port_whose_last_connection_ended_a_moment_ago_is_free(stack: Stack, listener: socket.socket, tmp_path: Path):
    with socket.create_connection(listener.getsockname()) as client:
        accepted, _ = listener.accept()
        accepted.close()
        assert client.recv(1) == b""
    listener.close()
    check_machine(stack, tmp_path)


@pytest.mark.usefixtures("free_gib", "image")
def test_port_that_the_lab_itself_has_is_no_trouble(stack: Stack, stack_name: str, tmp_path: Path):
    docker("create", "--name", f"{stack_name}-host", f"fairground-{stack_name}:1", "none")
    check_machine(stack, tmp_path)


def test_full_disk_is_refused_with_its_folder_and_what_is_needed(
    stack: Stack, listener: socket.socket, tmp_path: Path, free_gib: dict[str, float]
):
    listener.close()
    free_gib[str(tmp_path)] = 1.25
    with pytest.raises(LabError) as refusal:
        check_machine(stack, tmp_path)
    assert str(refusal.value) == (
        f"The disk of {tmp_path} has 1.2 GiB free, and the lab needs 7 GiB; make room and try again."
    )
    free_gib[str(tmp_path)] = 7.0
    check_machine(stack, tmp_path)


def test_full_disk_of_the_docker_engine_is_refused_too(
    stack: Stack, listener: socket.socket, tmp_path: Path, free_gib: dict[str, float]
):
    listener.close()
    folder = docker("info", "--format", "{{.DockerRootDir}}")
    free_gib[folder] = 6.9
    with pytest.raises(LabError, match=f"^The disk of {folder} has 6.9 GiB free"):
        check_machine(stack, tmp_path)


def test_folder_that_is_not_there_yet_is_judged_by_its_parent(
    stack: Stack, listener: socket.socket, tmp_path: Path, free_gib: dict[str, float]
):
    listener.close()
    free_gib[str(tmp_path)] = 1.0
    with pytest.raises(LabError, match=f"^The disk of {tmp_path}/a/b has 1.0 GiB free"):
        check_machine(stack, tmp_path / "a" / "b")


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        (
            {"DOCKER_HOST": "unix:///nonexistent/docker.sock"},
            r"docker info --format failed: .*/nonexistent/docker\.sock",
        ),
        ({"PATH": "/nonexistent"}, r"There is no docker command on the PATH"),
    ],
)
def test_missing_docker_engine_is_refused_with_a_remedy(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], reason: str
):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(LabError, match=rf"^The Docker engine can't be used: {reason}.*`make setup`"):
        check_machine(stack, tmp_path)
