"""The options of Docker's ssh, as OpenSSH itself understands them."""

import subprocess

import pytest

from documents.lab.host import Host
from lab.resources.access import docker_url, ssh_options

HOST = Host(
    kind="ssh",
    address="10.1.2.3",
    port=2222,
    user="someone",
    private_key_path="/home/me/my keys/id 100%",
    known_hosts_path="/home/me/a lab/100%/known_hosts",
    host_public_key="ssh-ed25519 AAAA",
)


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


def test_the_users_own_configuration_is_not_read():
    done = subprocess.run(["ssh", "-v", "-G", *ssh_options(HOST), "x"], capture_output=True, text=True, check=True)
    read = [line for line in done.stderr.splitlines() if "Reading configuration data" in line]
    assert read == ["debug1: Reading configuration data /dev/null"]


@pytest.mark.parametrize(
    ("address", "url"),
    [("10.1.2.3", "ssh://someone@10.1.2.3:2222"), ("2001:db8::5", "ssh://someone@[2001:db8::5]:2222")],
)
def test_url_separates_an_ipv6_address_from_its_port(address: str, url: str):
    assert docker_url(HOST.model_copy(update={"address": address})) == url
