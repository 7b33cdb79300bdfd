"""A reservation beside what else happens to a machine's packages, and to its sshd."""

from pathlib import Path

import pytest

from documents.errors import HostError
from provision.reservation import release
from provision.ssh.connection import connect
from provision.system import packages
from provision.system.changes import ChangeJournal
from tests.docker import docker
from tests.ssh.found_machine import Found, install_own_tool, purge, reserved
from tests.ssh.waiting import wait_until

pytestmark = pytest.mark.nightly


def test_what_other_software_needs_now_stays_and_is_reported(without_engine: Found):
    with reserved(without_engine) as connection:
        without_engine.machine.shell(
            "DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends python3-distro >/dev/null"
        )
        install_own_tool(without_engine.machine, "Depends: docker.io")
        kept = release(connection, keep_images=False)
    python_stays = "package python3 on the host, which own-tool, python3-distro now need"
    assert any(phrase.startswith(python_stays) for phrase in kept)
    assert any(phrase.startswith("package docker.io on the host, which own-tool") for phrase in kept)
    assert "the engine on the host without networks of its own, until it is restarted" in kept
    assert not any("wrk" in phrase for phrase in kept)
    there = without_engine.machine.run("dpkg-query", "--show", "--showformat", "${Package}\n").split()
    assert {"python3", "python3-distro", "docker.io"} <= set(there)
    assert "wrk" not in there
    assert "daemon.json" not in without_engine.machine.run("ls", "/etc/docker")
    purge(without_engine.machine, "own-tool", "docker.io", "python3-distro")


def test_sshd_goes_on_where_systemd_holds_its_socket(
    with_engine: Found, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """As on Ubuntu since 22.10; and a limit of the administrator's own comes before the lab's."""
    with_engine.machine.shell(
        "systemctl disable --quiet --now ssh.service && systemctl enable --quiet --now ssh.socket\n"
        "echo MaxSessions 20 >/etc/ssh/sshd_config.d/00-own.conf"
    )
    held = Found(with_engine.machine, tmp_path, user="root", has_engine=True)
    try:
        with reserved(held) as connection:
            assert with_engine.machine.has_at_work("ssh.service")
            assert "0 of 100-200 startups" in with_engine.machine.run("ps", "-C", "sshd", "-o", "args=")
            assert "keeps the limits maxsessions 20 for sshd" in caplog.text
            connect(held.host).close()
            release(connection, keep_images=False)
        connect(held.host).close()
        assert held.snapshot.changed_in_the_end() == {}
    finally:
        with_engine.machine.shell(
            "rm /etc/ssh/sshd_config.d/00-own.conf && systemctl disable --quiet --now ssh.socket\n"
            "systemctl stop ssh.service && systemctl enable --quiet --now ssh.service"
        )
    assert with_engine.snapshot.changed_in_the_end() == {}


@pytest.mark.parametrize(
    "at_work",
    [
        "apt-get --option=APT::Update::Pre-Invoke::='touch /run/held; sleep 5' update",
        "apt-get update && apt-get --option=DPkg::Pre-Invoke::='touch /run/held; sleep 5' --reinstall install netbase",
    ],
    ids=["lists", "packages"],
)
def test_another_apt_is_waited_for(with_engine: Found, at_work: str):
    """As those are that a machine starts by itself soon after its boot."""
    docker("exec", "--detach", with_engine.machine.name, "sh", "-c", at_work)
    wait_until(lambda: "held" in with_engine.machine.run("ls", "/run"))
    with connect(with_engine.host) as connection:
        packages.install(connection, ["wrk"], ChangeJournal(connection))
    assert with_engine.machine.run("which", "wrk")
    with_engine.machine.run("rm", "/run/held")
    purge(with_engine.machine, "wrk")
    assert with_engine.snapshot.changed_in_the_end() == {}


def test_nothing_that_is_there_goes_for_a_package_and_no_service_is_restarted(with_engine: Found):
    install_own_tool(with_engine.machine, "Conflicts: wrk")
    with connect(with_engine.host) as connection:
        with pytest.raises(HostError, match=r"wrk couldn't be installed.*whether it has something that conflicts"):
            packages.install(connection, ["wrk"], ChangeJournal(connection))
        assert "ok installed" in with_engine.machine.run(
            "dpkg-query", "--show", "--showformat", "${Status}", "own-tool"
        )
        purge(with_engine.machine, "own-tool")
        with_engine.machine.shell(
            "DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends needrestart >/dev/null"
        )
        packages.install(connection, ["wrk"], ChangeJournal(connection))
    # It would remove this as it looks for services to restart.
    assert with_engine.machine.run("ls", "/run/needrestart") == "unpacked"
    purge(with_engine.machine, "wrk", "needrestart", "xz-utils")
    with_engine.machine.run("rm", "-r", "/run/needrestart")
    assert with_engine.snapshot.changed_in_the_end() == {}
