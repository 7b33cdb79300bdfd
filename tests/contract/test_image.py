"""The images of a lab's APIs, and the containers that the lab makes of them."""

from collections.abc import Iterator

import pytest

from documents.lab.inventory import ApiService
from provision.ssh.connection import Connection, connect
from tests.conftest import LiveLab

DOCKERS_OWN = {"/proc", "/dev", "/dev/pts", "/dev/mqueue", "/dev/shm", "/sys/fs/cgroup"}  # noqa: S108
"""What Docker mounts in every container, to be written to even where its root is read-only."""


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
    started = (
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
    )
    exit_status, _ = run(host, *started, check=False)
    assert exit_status == 127
