import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from documents.errors import ToolchainError
from toolchain import docker_engine
from toolchain.console import Step
from toolchain.docker_engine import Daemon
from toolchain.versions import parse_version


def test_running_engine_is_found():
    version = docker_engine.version()
    assert version
    assert parse_version(version)


def test_socket_that_is_missing_or_that_nobody_listens_at_is_no_engine(tmp_path: Path):
    assert docker_engine.version_at(tmp_path / "none.sock") is None
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "dead.sock"))
    assert docker_engine.version_at(tmp_path / "dead.sock") is None


def test_engine_that_refuses_this_user_is_distinguished_from_a_missing_one(tmp_path: Path):
    with socket.socket(socket.AF_UNIX) as listener:
        path = tmp_path / "closed.sock"
        listener.bind(str(path))
        listener.listen()
        path.chmod(0)
        for folder in (tmp_path, *tmp_path.parents[:2]):
            folder.chmod(0o755)
        program = (
            "import os, sys; from pathlib import Path; from toolchain import docker_engine\n"
            "if os.geteuid() == 0: os.seteuid(65534)\n"
            "try: docker_engine.version_at(Path(sys.argv[1]))\n"
            "except docker_engine.ToolchainError as error: print(error)\n"
        )
        answer = subprocess.run(
            [sys.executable, "-c", program, path], capture_output=True, text=True, timeout=30, check=False
        )
    assert f"The Docker engine at {path} refuses this user. Join its group" in answer.stdout, answer.stderr


def test_named_engine_that_does_not_answer_is_an_error_and_no_other_is_started(
    step: Step, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(ToolchainError, match=r"No Docker engine answers at unix:.*which DOCKER_HOST names"):
        docker_engine.ensure(step, tmp_path / "dockerd.log")
    assert not (tmp_path / "dockerd.log").exists()


@pytest.fixture(scope="module")
def bridge() -> Iterator[str]:
    """A bridge for the second engine: with ``--bridge=none`` it would remove docker0, the machine's engine's own."""
    name = f"lab{os.getpid()}"
    subprocess.run(["ip", "link", "add", name, "type", "bridge"], check=True)
    yield name
    subprocess.run(["ip", "link", "delete", name], check=True)


@pytest.fixture
def daemon(tmp_path: Path, bridge: str) -> Iterator[Daemon]:
    """A second engine beside the machine's: its own socket, data and containerd, and a bridge of its own."""
    run = tmp_path / "run"
    mine = Daemon(
        socket=run / "docker.sock",
        pid_file=run / "docker.pid",
        containerd_pid_file=run / "containerd" / "containerd.pid",
        arguments=(
            f"--data-root={tmp_path}/data",
            f"--exec-root={run}",
            f"--bridge={bridge}",
            "--iptables=false",
            "--ip-forward=false",
            "--storage-driver=vfs",
        ),
    )
    (run / "containerd").mkdir(parents=True)
    yield mine
    with suppress(FileNotFoundError, ProcessLookupError, ValueError):
        pid = int(mine.pid_file.read_text())
        if Path(f"/proc/{pid}/comm").read_text().strip() == "dockerd":
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + 30
            while Path(f"/proc/{pid}/exe").exists() and time.monotonic() < deadline:
                time.sleep(0.1)
    # An engine that fails while it starts leaves its data mounted upon itself.
    if f" {tmp_path}/data " in Path("/proc/self/mounts").read_text():
        subprocess.run(["umount", tmp_path / "data"], check=True)


@pytest.mark.alone
@pytest.mark.nightly
def test_engine_is_started_out_of_reach_of_ctrl_c_despite_stale_pid_files(step: Step, tmp_path: Path, daemon: Daemon):
    # The numbers of processes that live, and are something else.
    daemon.pid_file.write_text(str(os.getpid()))
    daemon.containerd_pid_file.write_text(str(os.getppid()))
    version = docker_engine.start(step, tmp_path / "dockerd.log", daemon)
    assert parse_version(version)
    assert docker_engine.version_at(daemon.socket) == version
    pid = int(daemon.pid_file.read_text())
    assert os.getpgid(pid) == pid


@pytest.mark.alone
@pytest.mark.nightly
def test_engine_that_ends_while_it_starts_is_an_error_with_its_last_words(step: Step, tmp_path: Path, daemon: Daemon):
    broken = replace(daemon, arguments=(*daemon.arguments[:-1], "--storage-driver=no-such-driver"))
    with pytest.raises(
        ToolchainError, match=r"ended while it started, last saying .*failed to start daemon.* Its log is"
    ):
        docker_engine.start(step, tmp_path / "dockerd.log", broken)


@pytest.mark.alone
@pytest.mark.nightly
def test_pid_file_of_a_living_engine_is_left(step: Step, tmp_path: Path, daemon: Daemon):
    docker_engine.start(step, tmp_path / "dockerd.log", daemon)
    before = daemon.pid_file.read_text()
    docker_engine.remove_stale(step, daemon.pid_file, "dockerd")
    assert daemon.pid_file.read_text() == before
