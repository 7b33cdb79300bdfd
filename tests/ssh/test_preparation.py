"""Preparation of a bare Debian 13 host: a container with sshd and nothing else that the lab needs."""

import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from documents.errors import HostError
from documents.host import Host
from provision import preparation
from provision.connection import Connection, connect
from tests.ports import free_port
from tests.ssh.services import STACK, build_on_base, docker
from tests.ssh.sshd import make_key, public_half

DOCKERFILE = """
ARG BASE
FROM ${BASE}
RUN apt-get update \\
 && apt-get install --yes --no-install-recommends openssh-server \\
 && rm -rf /var/lib/apt/lists/* /etc/ssh/ssh_host_* \\
 && useradd --create-home --shell /bin/sh --password '*' someone \\
 && mkdir -p /run/sshd
"""

SSHD = """
install -m 0600 /keys/host_key /etc/ssh/ssh_host_ed25519_key
for home in /root /home/someone; do install -D -m 0644 /keys/user_key.pub $home/.ssh/authorized_keys; done
exec /usr/sbin/sshd -D -e -p {port} -o ListenAddress=127.0.0.1 -o StrictModes=no -o UsePAM=no
"""

FINGERPRINT = "find /etc /usr /var/lib/dpkg -type f -newer /keys/mark | sort"
"""What was written since the mark was set."""


class BareHost:
    """A container with sshd. Its Docker socket is this machine's where `engine` says so, else there is none."""

    def __init__(self, folder: Path, *, engine: bool) -> None:
        self.name = f"{STACK}-bare-{secrets.token_hex(4)}"
        port = free_port()
        host_key, self._user_key = make_key(folder / "host_key"), make_key(folder / "user_key")
        known_hosts = folder / "known_hosts"
        known_hosts.write_text(f"[127.0.0.1]:{port} {public_half(host_key)}")
        self.host = Host(
            kind="ssh",
            address="127.0.0.1",
            port=port,
            user="root",
            private_key_path=str(self._user_key),
            known_hosts_path=str(known_hosts),
            host_public_key=public_half(host_key).strip(),
        )
        docker(
            *("run", "--detach", "--network=host", f"--label=org.fairground.stack={STACK}", f"--name={self.name}"),
            f"--volume={folder}:/keys",
            *(["--volume=/var/run/docker.sock:/var/run/docker.sock"] if engine else []),
            build_on_base("bare", "-", dockerfile=DOCKERFILE),
            *("sh", "-c", SSHD.format(port=port)),
        )

    def remove(self) -> None:
        subprocess.run(["docker", "rm", "--force", "--volumes", self.name], capture_output=True, check=False)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareHost]:
    made = BareHost(tmp_path_factory.mktemp("bare"), engine=True)
    yield made
    made.remove()


@pytest.fixture(scope="module")
def prepared(bare: BareHost) -> Iterator[Connection]:
    """A connection to the bare host after a first preparation."""
    with connect(bare.host) as opened:
        missing = [name for name in preparation.REQUIRED_PACKAGES if not has(opened, name)]
        assert set(missing) >= {"wrk", "python3", "docker", "dockerd"}, "the host is bare"
        versions = preparation.prepare(opened)
        assert versions["docker"] == docker("version", "--format={{.Server.Version}}")
        yield opened


def has(connection: Connection, command: str) -> bool:
    script = f"PATH=$PATH:/usr/sbin command -v {command}"
    return connection.run(script, deadline_seconds=10, check=False).exit_status == 0


def test_what_is_missing_is_installed_and_its_versions_told(prepared: Connection):
    assert all(has(prepared, command) for command in preparation.REQUIRED_PACKAGES)
    versions = preparation.tool_versions(prepared)
    assert "4.1.0" in versions["wrk"]
    assert versions["python3"].startswith("3.13.")
    assert versions["sshd"].startswith("OpenSSH_10.")
    assert prepared.run("stat -c %a /var/lib/fairground", deadline_seconds=10).stdout == "700\n"


def test_sshd_takes_the_limits_without_a_restart(bare: BareHost, prepared: Connection):
    effective = prepared.run("/usr/sbin/sshd -T", deadline_seconds=10).stdout
    for name, value in preparation.SSHD_LIMITS.items():
        assert f"{name} {value}\n" in effective
    with connect(bare.host) as again:
        # More sessions at once on one connection than sshd's own default of ten allows.
        sessions = [again.open_sftp() for _ in range(20)]
        for session in sessions:
            session.close()


def test_preparing_again_writes_nothing(prepared: Connection):
    prepared.run("sleep 1; touch /keys/mark; sleep 1", deadline_seconds=10)
    first = preparation.prepare(prepared)
    assert prepared.run(FINGERPRINT, deadline_seconds=30).stdout == ""
    assert preparation.prepare(prepared) == first


def test_a_user_who_is_not_root_is_told(bare: BareHost, prepared: Connection):
    assert prepared.is_open
    with (
        connect(bare.host.model_copy(update={"user": "someone"})) as connection,
        pytest.raises(HostError, match="is not root"),
    ):
        preparation.prepare(connection)


def test_a_host_without_apt_is_told_what_it_lacks(bare: BareHost, prepared: Connection):
    prepared.run("mv /usr/bin/apt-get /usr/bin/wrk /root/", deadline_seconds=10)
    try:
        with pytest.raises(HostError, match="lacks wrk, and has no apt-get"):
            preparation.prepare(prepared)
    finally:
        prepared.run("mv /root/apt-get /root/wrk /usr/bin/", deadline_seconds=10)
    assert bare.name


def test_a_package_that_cannot_be_had_is_told(prepared: Connection):
    prepared.run(
        "dpkg --purge wrk; rm -rf /var/lib/apt/lists /etc/apt/sources.list /etc/apt/sources.list.d",
        deadline_seconds=30,
    )
    with pytest.raises(HostError, match=r"wrk couldn't be installed.*Check the host's package sources"):
        preparation.prepare(prepared)


def test_an_engine_that_does_not_answer_is_told(prepared: Connection):
    prepared.run("mv /usr/bin/docker /usr/bin/docker.away", deadline_seconds=10)
    prepared.run(
        "printf '#!/bin/sh\\nexec docker.away --host unix:///nowhere.sock \"$@\"\\n' > /usr/bin/docker; "
        "chmod +x /usr/bin/docker",
        deadline_seconds=10,
    )
    with pytest.raises(HostError, match=r"didn't answer within 1 s.*connect"):
        preparation.wait_for_engine(prepared, deadline_seconds=1)
