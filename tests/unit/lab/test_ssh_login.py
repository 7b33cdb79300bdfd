"""How an existing host is reached: what its document says, and what was confirmed before."""

from pathlib import Path

import pytest

from documents.errors import HostKeyError
from documents.lab import JumpHost
from documents.stack import SshHost
from lab.hosts.ssh import confirm_key, confirmed_key, describe_host
from lab.lifecycle.existing_host import unknown_hosts
from lab.resources.access import list_known_hosts

ONE, OTHER = "ssh-ed25519 AAAAone", "ssh-ed25519 AAAAother"


def test_a_confirmed_key_is_known_by_address_and_port(tmp_path: Path):
    folder = tmp_path / "stack"
    assert confirmed_key(folder, "bench", 22) is None
    confirm_key(folder, "bench", 22, ONE)
    confirm_key(folder, "bench", 2222, OTHER)
    assert (confirmed_key(folder, "bench", 22), confirmed_key(folder, "bench", 2222)) == (ONE, OTHER)
    assert confirmed_key(folder, "other", 22) is None


def test_a_key_that_is_confirmed_again_replaces_the_old_one(tmp_path: Path):
    for key in (ONE, OTHER):
        confirm_key(tmp_path, "bench", 22, key)
    assert confirmed_key(tmp_path, "bench", 22) == OTHER
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_of_confirmed_keys_that_can_not_be_read_is_reported(tmp_path: Path):
    confirm_key(tmp_path, "bench", 22, ONE)
    [path] = tmp_path.iterdir()
    path.write_bytes(b"\xff")
    with pytest.raises(HostKeyError, match=r"can't be read.*Remove the file; `lab up` asks again"):
        confirmed_key(tmp_path, "bench", 22)


def test_a_host_without_any_known_key_is_refused_and_the_jump_host_is_asked_first(tmp_path: Path):
    jump = JumpHost(address="gate", port=2200)
    host = SshHost(kind="ssh", address="bench", jump_host=jump)
    assert unknown_hosts(host, tmp_path) == (jump, host)
    with pytest.raises(HostKeyError, match=r"No key of bench, port 22, is pinned.*`host_key`"):
        describe_host(host, tmp_path)
    confirm_key(tmp_path, "gate", 2200, OTHER)
    assert unknown_hosts(host, tmp_path) == (host,)
    assert unknown_hosts(host.model_copy(update={"host_key": ONE}), tmp_path) == ()


def test_a_user_who_is_not_root_becomes_it_by_sudo_and_a_given_key_goes_before_a_confirmed_one(tmp_path: Path):
    confirm_key(tmp_path, "bench", 22, OTHER)
    host = describe_host(SshHost(kind="ssh", address="bench", user="ada", host_key=ONE), tmp_path)
    assert (host.user, host.sudo, host.host_public_key, host.private_key_path) == ("ada", True, ONE, None)
    host = describe_host(SshHost(kind="ssh", address="bench", private_key="~/.ssh/key"), tmp_path)
    assert (host.user, host.sudo, host.host_public_key) == ("root", False, OTHER)
    assert host.private_key_path == str(Path("~/.ssh/key").expanduser())


def test_the_file_of_known_hosts_names_both_by_address_and_by_alias(tmp_path: Path):
    jump = JumpHost(address="gate", port=2200, host_key=OTHER)
    host = describe_host(SshHost(kind="ssh", address="bench", host_key=ONE, jump_host=jump), tmp_path)
    assert list_known_hosts(host).splitlines() == [
        f"bench,fairground-host {ONE}",
        f"[gate]:2200,fairground-jump-host {OTHER}",
    ]
