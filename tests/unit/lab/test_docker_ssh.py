"""The options of Docker's ssh, as OpenSSH itself understands them."""

import subprocess

import pytest

from documents.host import Host, JumpHost
from lab.docker_ssh import docker_url, ssh_options

HOST = Host(
    kind="ssh",
    address="10.1.2.3",
    port=2222,
    user="someone",
    private_key_path="/home/me/my keys/id 100%",
    known_hosts_path="/home/me/a lab/100%/known_hosts",
    host_public_key="ssh-ed25519 AAAA",
)
JUMP = JumpHost(address="gate.example", port=2200, user="guard", host_public_key="ssh-ed25519 BBBB")


def understood(host: Host, *more: str) -> dict[str, list[str]]:
    """What `ssh -G` makes of the options, each setting with its values."""
    command = ["ssh", "-G", *ssh_options(host), *more, "-p", str(host.port), f"{host.user}@{host.address}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        name, _, value = line.partition(" ")
        found.setdefault(name, []).append(value)
    return found


def test_only_the_pinned_key_and_the_given_login_are_taken():
    found = understood(HOST)
    assert found["stricthostkeychecking"] == ["true"]
    assert found["globalknownhostsfile"] == ["/dev/null"]
    assert found["userknownhostsfile"] == ["/home/me/a lab/100%/known_hosts"]
    assert found["hostkeyalias"] == ["fairground-host"]
    assert found["identityfile"] == ["/home/me/my keys/id 100%%"]
    assert found["identitiesonly"] == ["yes"]
    assert found["batchmode"] == ["yes"]
    assert "proxycommand" not in found


def test_without_a_key_the_agent_is_asked_for_all_of_its_keys():
    assert understood(HOST.model_copy(update={"private_key_path": None}))["identitiesonly"] == ["no"]


def test_the_users_own_configuration_is_not_read():
    done = subprocess.run(["ssh", "-v", "-G", *ssh_options(HOST), "x"], capture_output=True, text=True, check=True)
    read = [line for line in done.stderr.splitlines() if "Reading configuration data" in line]
    assert read == ["debug1: Reading configuration data /dev/null"]


def test_a_jump_host_is_gone_through_with_the_same_login_and_its_own_key():
    (command,) = understood(HOST.model_copy(update={"jump_host": JUMP}))["proxycommand"]
    # As the user's shell has it once ssh has put host and port in.
    words = command.replace("%h", HOST.address).replace("%p", str(HOST.port)).replace("%%", "%")
    shown = subprocess.run(["sh", "-c", f"printf '%s\\n' {words}"], capture_output=True, text=True, check=True)
    arguments = shown.stdout.splitlines()
    assert arguments[0] == "ssh"
    assert arguments[-5:] == ["-p", "2200", "-W", "[10.1.2.3]:2222", "guard@gate.example"]
    inner = subprocess.run(["ssh", "-G", *arguments[1:]], capture_output=True, text=True, check=True).stdout
    assert "hostkeyalias fairground-jump-host\n" in inner
    assert "stricthostkeychecking true\n" in inner
    assert "identityfile /home/me/my keys/id 100%%\n" in inner
    assert "userknownhostsfile /home/me/a lab/100%/known_hosts\n" in inner


@pytest.mark.parametrize(
    ("address", "url"),
    [("10.1.2.3", "ssh://someone@10.1.2.3:2222"), ("2001:db8::5", "ssh://someone@[2001:db8::5]:2222")],
)
def test_url_tells_an_ipv6_address_from_its_port(address: str, url: str):
    assert docker_url(HOST.model_copy(update={"address": address})) == url
