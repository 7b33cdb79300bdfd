"""A reservation on a machine that the lab didn't make: a Debian 13 without an engine, whose user has sudo."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from documents.errors import HostError
from provision.reservation import release, reserve
from provision.ssh.connection import Connection, connect
from provision.system import preparation
from provision.system.changes import read_changes
from tests.ssh.found_machine import LAB, STACK, Found, reserved, use

pytestmark = pytest.mark.nightly

WRITTEN = "find /etc /usr /var/lib/dpkg -type f -newer /run/mark"


@pytest.fixture(scope="module")
def prepared(without_engine: Found) -> Iterator[Connection]:
    """A connection to the machine, which is reserved and prepared until it is released."""
    with connect(without_engine.host) as connection:
        missing = {name for name in preparation.REQUIRED_PACKAGES if not has(connection, name)}
    assert missing >= {"wrk", "python3", "docker", "dockerd"}
    with reserved(without_engine) as connection:
        yield connection
        release(connection, keep_images=False)


def has(connection: Connection, command: str) -> bool:
    script = f"PATH=$PATH:/usr/sbin command -v {command}"
    return connection.run(script, deadline_seconds=10, check=False).exit_status == 0


def test_an_engine_that_is_a_snap_is_refused(without_engine: Found):
    without_engine.machine.shell("mkdir -p /snap/bin && ln -s /bin/true /snap/bin/docker")
    try:
        with connect(without_engine.host) as connection, pytest.raises(HostError, match="its Docker engine as a snap"):
            preparation.prepare(connection)
    finally:
        without_engine.machine.run("rm", "-r", "/snap")


def test_root_s_files_go_to_and_fro_by_sudo(without_engine: Found, tmp_path: Path):
    with connect(without_engine.host) as connection:
        assert connection.run(["id", "-u"], deadline_seconds=10).stdout == "0\n"
        connection.push_bytes(b"secret", "/etc/own-file", mode=0o600)
        assert without_engine.machine.run("stat", "-c", "%U %a", "/etc/own-file") == "root 600"
        connection.pull("/etc/own-file", tmp_path / "file")
        connection.run(["rm", "/etc/own-file"], deadline_seconds=10)
    assert (tmp_path / "file").read_bytes() == b"secret"


def test_a_user_whose_sudo_asks_for_a_password_is_reported(without_engine: Found):
    without_engine.machine.shell("mv /etc/sudoers.d/someone /etc/kept")
    try:
        with (
            connect(without_engine.host) as connection,
            pytest.raises(HostError, match=r"can't become root: sudo: .*NOPASSWD"),
        ):
            reserve(connection, STACK, LAB)
    finally:
        without_engine.machine.shell("mv /etc/kept /etc/sudoers.d/someone")


def test_what_is_missing_is_installed_and_noted(without_engine: Found, prepared: Connection):
    assert all(has(prepared, command) for command in preparation.REQUIRED_PACKAGES)
    changes = read_changes(prepared)
    assert changes is not None
    assert {"docker.io", "wrk", "python3", "containerd"} <= set(changes.packages)
    assert changes.memberships == ("someone:docker",)
    assert "docker" in without_engine.machine.run("id", "-nG", "someone")
    versions = preparation.tool_versions(prepared)
    assert "4.1.0" in versions["wrk"]
    assert versions["python3"].startswith("3.13.")
    assert prepared.run("stat -c %a /var/lib/fairground", deadline_seconds=10).stdout == "700\n"


def test_sshd_takes_the_limits_without_a_restart(without_engine: Found, prepared: Connection):
    effective = prepared.run("/usr/sbin/sshd -T", deadline_seconds=10).stdout
    assert all(f"{name} {value}\n" in effective for name, value in preparation.SSHD_LIMITS.items())
    with connect(without_engine.host) as again:
        # More sessions at once on one connection than sshd's own default of ten allows.
        sessions = [again.open_sftp() for _ in range(20)]
        for session in sessions:
            session.close()


def test_preparing_again_writes_nothing(prepared: Connection):
    prepared.run("touch /run/mark", deadline_seconds=10)
    try:
        preparation.prepare(prepared)
        assert prepared.run(WRITTEN, deadline_seconds=30).stdout == ""
    finally:
        prepared.run("rm /run/mark", deadline_seconds=10)


def test_a_user_who_is_not_root_is_reported(without_engine: Found):
    host = without_engine.host.model_copy(update={"sudo": False})
    with connect(host) as connection, pytest.raises(HostError, match="is not root"):
        preparation.prepare(connection)


def test_a_machine_without_apt_gets_a_list_of_what_it_lacks(prepared: Connection):
    prepared.run("mv /usr/bin/apt-get /usr/bin/wrk /root/", deadline_seconds=10)
    try:
        with pytest.raises(HostError, match="lacks wrk, and has no apt-get"):
            preparation.prepare(prepared)
    finally:
        prepared.run("mv /root/apt-get /root/wrk /usr/bin/", deadline_seconds=10)


def test_an_engine_that_does_not_answer_is_reported(prepared: Connection):
    prepared.run("systemctl stop docker.socket docker.service", deadline_seconds=60)
    try:
        with pytest.raises(HostError, match=r"didn't answer within 1 s.*connect"):
            preparation.wait_for_engine(prepared, deadline_seconds=1)
    finally:
        prepared.run("systemctl start docker.socket docker.service", deadline_seconds=60)


def test_the_machine_is_left_as_it_was_found(without_engine: Found, prepared: Connection):
    use(prepared, without_engine)
    assert release(prepared, keep_images=False) == ()
    assert without_engine.snapshot.changed_in_the_end() == {}
