"""A claim on a machine that the lab didn't make: a Debian 13 without an engine, whose user has sudo."""

from pathlib import Path

import pytest

from documents.errors import HostError
from provision import preparation
from provision.claim import claim, release
from provision.connection import connect
from provision.host_changes import read_changes
from tests.ssh.found_machine import LAB, STACK, Found, claimed, use


def test_a_machine_without_an_engine_is_left_as_it_was_found(without_engine: Found):
    with claimed(without_engine) as connection:
        changes = read_changes(connection)
        assert changes is not None
        assert {"docker.io", "wrk", "python3", "containerd"} <= set(changes.packages)
        assert changes.memberships == ("someone:docker",)
        assert "docker" in without_engine.machine.run("id", "-nG", "someone")
        use(connection, without_engine)
        assert release(connection, keep_images=False) == ()
    assert without_engine.changed() == {}


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


def test_a_user_whose_sudo_asks_for_a_password_is_told(without_engine: Found):
    without_engine.machine.shell("mv /etc/sudoers.d/someone /etc/kept")
    try:
        with (
            connect(without_engine.host) as connection,
            pytest.raises(HostError, match=r"can't become root: sudo: .*NOPASSWD"),
        ):
            claim(connection, STACK, LAB)
    finally:
        without_engine.machine.shell("mv /etc/kept /etc/sudoers.d/someone")
