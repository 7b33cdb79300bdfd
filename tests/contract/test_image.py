"""The images of a lab's APIs, and the containers that the lab makes of them."""

import json
from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

from documents.inventory import ApiService
from provision.connection import Connection, connect
from tests.conftest import LiveLab

DOCKERS_OWN = {"/proc", "/dev", "/dev/pts", "/dev/mqueue", "/dev/shm", "/sys/fs/cgroup"}  # noqa: S108
"""What Docker mounts in every container, to be written to even where its root is read-only."""

SOURCES = {".rs", ".go", ".zig", ".kt", ".kts", ".java"}

LIST_FILES = """
    container=$(docker create "$1") && docker export "$container" | tar --list
    docker rm --volumes "$container" >/dev/null
"""


@pytest.fixture(scope="module")
def host(live_lab: LiveLab) -> Iterator[Connection]:
    with connect(live_lab.inventory.host) as connection:
        yield connection


@pytest.fixture(scope="module")
def service(live_lab: LiveLab, implementation: str) -> ApiService:
    return live_lab.inventory.api(implementation)


def run(host: Connection, *command: str, check: bool = True) -> tuple[int, str]:
    done = host.run(command, deadline_seconds=60, check=check)
    return done.exit_status, done.stdout.strip()


def test_the_user_is_not_root(host: Connection, service: ApiService):
    _, user = run(host, "docker", "image", "inspect", "--format", "{{.Config.User}}", service.image_id)
    assert user.partition(":")[0].isdigit()
    assert int(user.partition(":")[0]) > 0
    _, process = run(host, "docker", "inspect", "--format", "{{.State.Pid}}", service.container)
    _, status = run(host, "cat", f"/proc/{process}/status")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert {*fields["Uid"].split(), *fields["Gid"].split()} == {user.partition(":")[0]}
    assert int(fields["CapEff"], 16) == 0
    assert fields["NoNewPrivs"] == "1"


def test_only_uploads_and_tmp_can_be_written_to(host: Connection, service: ApiService):
    _, process = run(host, "docker", "inspect", "--format", "{{.State.Pid}}", service.container)
    _, mounts = run(host, "cat", f"/proc/{process}/mounts")
    writable = {fields[1] for fields in map(str.split, mounts.splitlines()) if "rw" in fields[3].split(",")}
    # Behind files of /proc that a container isn't to read Docker puts its own.
    own = {path for path in writable if path in DOCKERS_OWN or path.startswith("/proc/")}
    assert writable - own == {"/uploads", "/tmp"}  # noqa: S108


def test_there_is_no_shell(host: Connection, service: ApiService):
    command = [
        "docker",
        "run",
        "--rm",
        "--network",
        "none",
        "--entrypoint",
        "/bin/sh",
        service.image_id,
        "-c",
        "exit 42",
    ]
    exit_status, _ = run(host, *command, check=False)
    assert exit_status == 127


def test_the_image_holds_no_source(host: Connection, service: ApiService):
    _, listed = run(host, "sh", "-c", LIST_FILES, "sh", service.image_id)
    files = listed.splitlines()
    assert "uploads/" in files
    assert [file for file in files if PurePosixPath(file).suffix in SOURCES] == []


def test_the_images_environment_has_no_secret(host: Connection, service: ApiService):
    _, found = run(host, "docker", "image", "inspect", "--format", "{{json .Config}}", service.image_id)
    config = json.loads(found)
    environment: list[str] = config["Env"] or []
    assert not {variable.partition("=")[0] for variable in environment} & {"DATABASE_URL", "REDIS_URL", "JWT_SECRET"}
    assert "UPLOAD_DIR=/uploads" in environment
    assert isinstance(config["Entrypoint"], list)
