"""What a machine of a cloud is asked to do at its first boot, done by the cloud-init of Debian 13 in a container."""

import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from documents.errors import HostAuthenticationError
from documents.lab.host import Host
from lab.hosts.cloud import cloud_config
from lab.resources.access import pin_host_key
from provision.ssh.connection import Connection, connect
from tests.docker import docker
from tests.ssh.services import STACK, build_on_base
from tests.ssh.sshd import make_key, public_half

DOCKERFILE = """
ARG BASE
FROM ${BASE}
RUN apt-get update \\
 && apt-get install --yes --no-install-recommends cloud-init iproute2 openssh-server \\
 && rm -rf /var/lib/apt/lists/*
"""
"""With the host keys that openssh-server makes as it is installed: an image of a cloud may have some, too."""

BOOT = """
mkdir -p /run/sshd /var/lib/cloud/seed/nocloud
cp /seed/user-data /var/lib/cloud/seed/nocloud/
echo 'instance-id: i-1' > /var/lib/cloud/seed/nocloud/meta-data
printf 'datasource_list: [NoCloud]\\nnetwork: {config: disabled}\\n' > /etc/cloud/cloud.cfg.d/99-test.cfg
cloud-init init --local
cloud-init init
cloud-init modules --mode=config
service ssh restart
exec sleep infinity
"""
"""The stages that systemd starts at boot, in their order; the last may have started sshd by itself. `stop`
wouldn't wait for its end, and the next sshd would find the port taken.

The container has a network of its own, for a route is changed.
"""

_SECONDS = 60


class Machine:
    """A container that boots with the user data of a lab's machine."""

    def __init__(self, folder: Path) -> None:
        host_key, user_key = make_key(folder / "host_key"), make_key(folder / "user_key")
        self.folder, self.name = folder, f"{STACK}-cloud-{secrets.token_hex(4)}"
        seed = folder / "seed"
        seed.mkdir()
        (seed / "user-data").write_text(
            cloud_config(
                host_private_key=host_key.read_text(),
                host_public_key=public_half(host_key).strip(),
                user_public_key=public_half(user_key).strip(),
            )
        )
        docker(
            *("run", "--detach", f"--label=org.fairground.stack={STACK}", f"--name={self.name}"),
            *(
                "--cap-add=NET_ADMIN",
                f"--volume={seed}:/seed:ro",
                build_on_base("cloud", "-", dockerfile=DOCKERFILE),
                "sh",
                "-c",
                BOOT,
            ),
        )
        address = docker("inspect", "--format={{.NetworkSettings.IPAddress}}", self.name).strip()
        known_hosts = folder / "known_hosts"
        known_hosts.write_text(pin_host_key(address, 22, public_half(host_key).strip()))
        self.host = Host(
            kind="aws",
            address=address,
            port=22,
            user="root",
            private_key_path=str(user_key),
            known_hosts_path=str(known_hosts),
            host_public_key=public_half(host_key).strip(),
        )

    def remove(self) -> None:
        subprocess.run(["docker", "rm", "--force", "--volumes", self.name], capture_output=True, check=False)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    booted = Machine(tmp_path_factory.mktemp("cloud"))
    yield booted
    booted.remove()


@pytest.fixture(scope="module")
def connection(machine: Machine) -> Iterator[Connection]:
    """The first connection there is: it is held against the pinned key already."""
    with connect(machine.host, deadline_seconds=_SECONDS) as opened:
        yield opened


def output(connection: Connection, *command: str) -> str:
    return connection.run(list(command), deadline_seconds=_SECONDS).stdout


@pytest.mark.nightly
def test_it_is_valid_to_the_cloud_init_that_reads_it(connection: Connection):
    assert output(connection, "cloud-init", "schema", "--config-file", "/seed/user-data").startswith("Valid schema")


def test_the_machine_has_the_pinned_host_key_and_no_other(connection: Connection, machine: Machine):
    keys = output(connection, "sh", "-c", "ls /etc/ssh/ssh_host_*").split()
    assert keys == ["/etc/ssh/ssh_host_ed25519_key", "/etc/ssh/ssh_host_ed25519_key.pub"]
    assert output(connection, "cat", keys[1]).strip() == machine.host.host_public_key


def test_root_logs_in_by_the_lab_s_key_alone(connection: Connection, machine: Machine):
    assert machine.host.private_key_path is not None
    public = public_half(Path(machine.host.private_key_path)).split()[:2]
    assert output(connection, "cat", "/root/.ssh/authorized_keys").split()[:2] == public
    other = make_key(machine.folder / "other_key")
    with pytest.raises(HostAuthenticationError):
        connect(machine.host.model_copy(update={"private_key_path": str(other)}), deadline_seconds=_SECONDS)


def test_no_other_user_can_log_in_and_no_password_is_taken(connection: Connection):
    numbers = {
        line.split(":")[0]: int(line.split(":")[2]) for line in output(connection, "getent", "passwd").splitlines()
    }
    assert [name for name, number in numbers.items() if number >= 1000 and name != "nobody"] == []
    settings = output(connection, "/usr/sbin/sshd", "-T").splitlines()
    assert {
        "passwordauthentication no",
        "kbdinteractiveauthentication no",
        "permitrootlogin without-password",
        "maxstartups 100:30:200",
        "maxsessions 100",
        "hostkey /etc/ssh/ssh_host_ed25519_key",
    } <= set(settings)
    assert len([line for line in settings if line.startswith("hostkey ")]) == 1


def test_the_metadata_service_can_be_reached_by_nobody_any_more(connection: Connection):
    assert "prohibit 169.254.169.254" in output(connection, "ip", "route", "show")
    asked = "import socket; socket.create_connection(('169.254.169.254', 80), timeout=5)"
    refused = connection.run(["python3", "-c", asked], deadline_seconds=_SECONDS, check=False)
    assert "PermissionError" in refused.stderr or "No route to host" in refused.stderr
