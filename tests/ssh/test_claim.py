"""A claim on machines that the lab didn't make: one without an engine, and one with an older engine at work."""

import io
import secrets
import tarfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from documents.errors import HostError, LabError
from documents.host import Host
from documents.host_kinds import SshHost
from documents.labels import STACK_LABEL
from documents.stack import Stack
from lab.known_hosts import list_known_hosts
from lab.lifecycle.engine import Engine
from lab.lifecycle.existing_host import leave_host
from provision import engine, images, jobs, packages, preparation
from provision.claim import claim, release
from provision.connection import Connection, connect
from provision.host_changes import JOURNAL, Journal, read_changes
from provision.labelled import find_labelled
from tests.machines.machine import WITH_OLDER_ENGINE, WITHOUT_ENGINE, Machine
from tests.machines.snapshot import take_snapshot
from tests.ssh.services import docker
from tests.ssh.waiting import wait_until

STACK = "claimed"
LAB = "ssh-ed25519 ONE"

Snapshot = dict[str, list[str]]


class Found:
    """A machine, and all of it as it was found."""

    def __init__(self, machine: Machine, folder: Path, *, user: str, has_engine: bool) -> None:
        self.machine = machine
        self.has_engine = has_engine
        self.host = Host(
            kind="ssh",
            address=machine.address,
            port=22,
            user=user,
            private_key_path=str(machine.user_key),
            known_hosts_path=str(folder / "known_hosts"),
            host_public_key=machine.host_public_key,
            sudo=user != "root",
        )
        Path(self.host.known_hosts_path).write_text(list_known_hosts(self.host))
        machine.run("redis-cli", "set", "mine", "precious")
        connect(self.host).close()
        self.before = take_snapshot(machine, has_engine=has_engine)

    def changed(self) -> dict[str, tuple[list[str], list[str]]]:
        """What isn't as it was found: of each kind, the lines that are gone and those that came."""
        after = take_snapshot(self.machine, has_engine=self.has_engine)
        return {
            kind: (
                [line for line in then if line not in after[kind]],
                [line for line in after[kind] if line not in then],
            )
            for kind, then in self.before.items()
            if then != after[kind]
        }


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    """A Debian 13 without an engine; its user has sudo."""
    folder = tmp_path_factory.mktemp("bare")
    with Machine(WITHOUT_ENGINE, folder) as machine:
        yield Found(machine, folder, user="someone", has_engine=False)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    """A Debian 12 with an engine that is older than the lab's own, which runs, built, and keeps things; root's."""
    folder = tmp_path_factory.mktemp("busy")
    with Machine(WITH_OLDER_ENGINE, folder) as machine:
        machine.put_engine_to_work()
        yield Found(machine, folder, user="root", has_engine=True)


@contextmanager
def claimed(found: Found, lab: str = LAB) -> Generator[Connection]:
    """A connection to a machine that is claimed and prepared."""
    with connect(found.host) as connection:
        claim(connection, STACK, lab)
        preparation.prepare(connection)
        if found.host.user != "root":
            preparation.let_user_reach_engine(connection, found.host.user)
        yield connection


def use(connection: Connection, found: Found) -> None:
    """Make on the host what a lab makes there."""
    build_image(connection, STACK)
    connection.run(
        f"docker volume create --label {STACK_LABEL}={STACK} lab-data && "
        f"docker create --label {STACK_LABEL}={STACK} --volume lab-data:/data --name lab lab:1 /nothing",
        deadline_seconds=60,
    )
    connection.run(["mkdir", "-p", "/var/lib/fairground/run"], deadline_seconds=10)
    jobs.start(connection, "/var/lib/fairground/run/load", ["sleep", "3600"], deadline_seconds=3600)
    assert {thing.kind for thing in find_labelled(connection, STACK)} == {"container", "image", "volume"}
    assert found.changed()


def build_image(connection: Connection, stack: str) -> None:
    """Build an image of a lab."""
    builder = images.find_builder(connection)
    assert builder is not None
    command = [*builder, "--network=host", "--tag=lab:1", f"--label={STACK_LABEL}={stack}", "-"]
    connection.run(command, input=own_context(), deadline_seconds=120)


def own_context() -> bytes:
    """A build context whose image no other build makes."""
    dockerfile = f"FROM scratch\nCOPY Dockerfile /{secrets.token_hex(8)}\n".encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(dockerfile)
        archive.addfile(entry, io.BytesIO(dockerfile))
    return packed.getvalue()


def test_a_machine_without_an_engine_is_left_as_it_was_found(bare: Found):
    with claimed(bare) as connection:
        changes = read_changes(connection)
        assert changes is not None
        assert {"docker.io", "wrk", "python3", "containerd"} <= set(changes.packages)
        assert changes.memberships == ("someone:docker",)
        assert "docker" in bare.machine.run("id", "-nG", "someone")
        use(connection, bare)
        assert release(connection, keep_images=False) == ()
    assert bare.changed() == {}


def test_a_machine_with_an_older_engine_is_left_as_it_was_found(busy: Found):
    with claimed(busy) as connection:
        assert preparation.tool_versions(connection)["docker"].startswith("20.10.")
        changes = read_changes(connection)
        assert changes is not None
        assert "docker.io" not in changes.packages
        assert changes.build_cache
        use(connection, busy)
        assert release(connection, keep_images=False) == ()
    assert busy.changed() == {}
    assert busy.machine.run("redis-cli", "get", "mine") == "precious"


def test_a_claim_that_was_broken_off_at_once_is_released(busy: Found):
    with connect(busy.host) as connection:
        claim(connection, STACK, LAB)
        assert release(connection, keep_images=False) == ()
        assert release(connection, keep_images=False) == ()
    assert busy.changed() == {}


def test_another_lab_is_refused_and_the_same_goes_on(busy: Found):
    with connect(busy.host) as connection:
        claim(connection, STACK, LAB)
        try:
            with pytest.raises(LabError, match=rf"has a lab {STACK} on it already.*lab down --adopt --stack {STACK}"):
                claim(connection, "another", "ssh-ed25519 TWO")
            first = read_changes(connection)
            claim(connection, STACK, LAB)
            assert read_changes(connection) == first
        finally:
            release(connection, keep_images=False)


def test_while_images_are_kept_nothing_else_is(busy: Found):
    with claimed(busy) as connection:
        use(connection, busy)
        preparation.let_user_reach_engine(connection, "someone")
        assert {"groups", "sshd", "configuration"} <= busy.changed().keys()
        release(connection, keep_images=True)
        # The packages that came with the lab, and what they have in /etc, stay for the next one.
        assert busy.changed().keys() == {"packages", "configuration", "folders", "images", "build cache"}
        connection.run(["test", "!", "-e", preparation.SSHD_DROP_IN], deadline_seconds=10)
        assert connection.run(["ls", "/var/lib/fairground"], deadline_seconds=10).stdout == "changes.json\n"
        release(connection, keep_images=False)
    assert busy.changed() == {}


def test_images_that_were_kept_go_when_the_document_no_longer_keeps_them(busy: Found, tmp_path: Path):
    with claimed(busy) as connection:
        build_image(connection, STACK)
        release(connection, keep_images=True)
    stack, host = described(busy)
    keeping = host.model_copy(update={"build_cache": "keep"})
    [kept], left = leave_host(Engine(tmp_path, STACK, {}), stack, keeping, lab=None)
    assert kept.startswith("image ")
    assert left == ()
    assert leave_host(Engine(tmp_path, STACK, {}), stack, host, lab=None) == ((), ())
    assert busy.changed() == {}


def test_images_that_were_kept_go_with_a_lab_of_another_name(busy: Found):
    with claimed(busy) as connection:
        build_image(connection, STACK)
        release(connection, keep_images=True)
        claim(connection, "another", "ssh-ed25519 TWO")
        preparation.prepare(connection)
        build_image(connection, "another")
        assert find_labelled(connection, STACK)
        assert release(connection, keep_images=False) == ()
    assert busy.changed() == {}


def test_images_that_are_kept_are_found_by_the_next_lab_and_go_with_it(busy: Found):
    with claimed(busy) as connection:
        use(connection, busy)
        assert release(connection, keep_images=True) == ()
        assert [thing.kind for thing in find_labelled(connection, STACK)] == ["image"]
        changes = read_changes(connection)
        assert changes is not None
        assert not changes.held
    with claimed(busy, lab="ssh-ed25519 NEXT") as connection:
        assert release(connection, keep_images=False) == ()
    assert busy.changed() == {}


def test_what_something_else_needs_by_now_stays_and_is_told(bare: Found):
    with claimed(bare) as connection:
        bare.machine.shell(
            "DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends python3-distro >/dev/null"
        )
        install_own_tool(bare.machine, "Depends: docker.io")
        kept = release(connection, keep_images=False)
    assert any(phrase.startswith("package python3 on the host, which own-tool, python3-distro need") for phrase in kept)
    assert any(phrase.startswith("package docker.io on the host, which own-tool") for phrase in kept)
    assert "the engine on the host without networks of its own, until it is started anew" in kept
    assert not any("wrk" in phrase for phrase in kept)
    there = bare.machine.run("dpkg-query", "--show", "--showformat", "${Package}\n").split()
    assert {"python3", "python3-distro", "docker.io"} <= set(there)
    assert "wrk" not in there
    assert "daemon.json" not in bare.machine.run("ls", "/etc/docker")
    purge(bare.machine, "own-tool", "docker.io", "python3-distro")


def install_own_tool(machine: Machine, relation: str) -> None:
    """Have the machine's administrator install a package of their own, which stands in this relation to another."""
    control = f"Package: own-tool\nVersion: 1\nArchitecture: all\nMaintainer: own\nDescription: own\n{relation}\n"
    machine.shell(
        f"mkdir -p /srv/tool/DEBIAN && printf '{control}' >/srv/tool/DEBIAN/control\n"
        "dpkg-deb --build /srv/tool /srv/tool.deb && dpkg --install /srv/tool.deb && rm -r /srv/tool /srv/tool.deb"
    )


def purge(machine: Machine, *names: str) -> None:
    """Have the machine's administrator remove packages, and what came with them."""
    machine.shell(f"DEBIAN_FRONTEND=noninteractive apt-get -qq purge --yes --autoremove {' '.join(names)} >/dev/null")


def described(found: Found) -> tuple[Stack, SshHost]:
    """The document of a lab on the machine, and its host."""
    host = SshHost(
        kind="ssh",
        address=found.host.address,
        user=found.host.user,
        private_key=found.host.private_key_path,
        host_key=found.host.host_public_key,
    )
    api = {"name": "echo", "source": "apis/echo", "port": 18080}
    stack = Stack.model_validate({"version": 1, "name": STACK, "host": host.model_dump(), "apis": (api,)})
    return stack, host


def test_an_engine_that_its_administrator_stopped_is_stopped_again(busy: Found, tmp_path: Path):
    """Its socket is left to systemd, so that whoever asks the engine anything starts it."""
    busy.machine.run("systemctl", "stop", "docker.service")
    try:
        with claimed(busy) as connection:
            changes = read_changes(connection)
            assert changes is not None
            assert changes.engine_started
            release(connection, keep_images=False)
        # What `lab down` looks for at its end.
        assert leave_host(Engine(tmp_path, STACK, {}), *described(busy), lab=None) == ((), ())
        assert not busy.machine.has_at_work("docker.service")
    finally:
        busy.machine.start_engine()
        busy.machine.run("docker", "start", "own")
    # Its build cache, which couldn't be listed at first, is still there.
    assert busy.changed() == {}


def test_an_engine_that_was_stopped_is_so_while_images_on_it_are_kept(busy: Found, tmp_path: Path):
    busy.machine.run("systemctl", "stop", "docker.service")
    stack, host = described(busy)
    try:
        with claimed(busy) as connection:
            build_image(connection, STACK)
            release(connection, keep_images=True)
        keeping = host.model_copy(update={"build_cache": "keep"})
        [kept], left = leave_host(Engine(tmp_path, STACK, {}), stack, keeping, lab=None)
        assert "whose engine is stopped as it was found" in kept
        assert left == ()
        assert not busy.machine.has_at_work("docker.service")
        with claimed(busy, lab="ssh-ed25519 NEXT") as connection:
            release(connection, keep_images=False)
    finally:
        busy.machine.start_engine()
        busy.machine.run("docker", "start", "own")
    assert busy.changed() == {}


def test_an_engine_that_was_stopped_is_so_after_a_claim_that_was_broken_off(busy: Found):
    """All of it was stopped, so that its build cache can't be listed at first."""
    units = ("docker.socket", "docker.service", "containerd.service")
    busy.machine.run("systemctl", "stop", *units)
    try:
        with connect(busy.host) as connection:
            claim(connection, STACK, LAB)
            with pytest.raises(HostError, match="doesn't run, so what is on it can't be listed"):
                find_labelled(connection, STACK)
            assert release(connection, keep_images=False) == ()
        assert not any(busy.machine.has_at_work(unit) for unit in units)
    finally:
        busy.machine.start_engine()
        busy.machine.run("docker", "start", "own")
    assert busy.changed() == {}


def test_sshd_goes_on_where_systemd_holds_its_socket(busy: Found, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """As on Ubuntu since 22.10; and a limit of the administrator's own comes before the lab's."""
    busy.machine.shell(
        "systemctl disable --quiet --now ssh.service && systemctl enable --quiet --now ssh.socket\n"
        "echo MaxSessions 20 >/etc/ssh/sshd_config.d/00-own.conf"
    )
    held = Found(busy.machine, tmp_path, user="root", has_engine=True)
    try:
        with claimed(held) as connection:
            assert busy.machine.has_at_work("ssh.service")
            assert "0 of 100-200 startups" in busy.machine.run("ps", "-C", "sshd", "-o", "args=")
            assert "keeps the limits maxsessions 20 for sshd" in caplog.text
            connect(held.host).close()
            release(connection, keep_images=False)
        connect(held.host).close()
        assert held.changed() == {}
    finally:
        busy.machine.shell(
            "rm /etc/ssh/sshd_config.d/00-own.conf && systemctl disable --quiet --now ssh.socket\n"
            "systemctl stop ssh.service && systemctl enable --quiet --now ssh.service"
        )
    assert busy.changed() == {}


@pytest.mark.parametrize(
    "at_work",
    [
        "apt-get --option=APT::Update::Pre-Invoke::='touch /run/held; sleep 5' update",
        "apt-get update && apt-get --option=DPkg::Pre-Invoke::='touch /run/held; sleep 5' --reinstall install netbase",
    ],
    ids=["lists", "packages"],
)
def test_another_apt_is_waited_for(busy: Found, at_work: str):
    """As those are that a machine starts by itself soon after its boot."""
    docker("exec", "--detach", busy.machine.name, "sh", "-c", at_work)
    wait_until(lambda: "held" in busy.machine.run("ls", "/run"))
    with connect(busy.host) as connection:
        packages.install(connection, ["wrk"], Journal(connection))
    assert busy.machine.run("which", "wrk")
    busy.machine.run("rm", "/run/held")
    purge(busy.machine, "wrk")
    assert busy.changed() == {}


def test_nothing_that_is_there_goes_for_a_package_and_no_service_is_restarted(busy: Found):
    install_own_tool(busy.machine, "Conflicts: wrk")
    with connect(busy.host) as connection:
        with pytest.raises(HostError, match=r"wrk couldn't be installed.*whether it has something that conflicts"):
            packages.install(connection, ["wrk"], Journal(connection))
        assert "ok installed" in busy.machine.run("dpkg-query", "--show", "--showformat", "${Status}", "own-tool")
        purge(busy.machine, "own-tool")
        busy.machine.shell(
            "DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends needrestart >/dev/null"
        )
        packages.install(connection, ["wrk"], Journal(connection))
    # It would remove this as it looks for services to restart.
    assert busy.machine.run("ls", "/run/needrestart") == "unpacked"
    purge(busy.machine, "wrk", "needrestart", "xz-utils")
    busy.machine.run("rm", "-r", "/run/needrestart")
    assert busy.changed() == {}


def test_an_engine_s_configuration_that_is_there_stays(busy: Found):
    with connect(busy.host) as connection:
        engine.configure(connection)
        written = busy.machine.run("cat", engine.CONFIGURATION)
        assert '"bridge": "none"' in written
        busy.machine.shell(f"echo '{{}}' >{engine.CONFIGURATION}")
        engine.configure(connection)
    assert busy.machine.run("cat", engine.CONFIGURATION) == "{}"
    busy.machine.run("rm", engine.CONFIGURATION)


def test_an_engine_that_is_a_snap_is_refused(bare: Found):
    bare.machine.shell("mkdir -p /snap/bin && ln -s /bin/true /snap/bin/docker")
    try:
        with connect(bare.host) as connection, pytest.raises(HostError, match="its Docker engine as a snap"):
            preparation.prepare(connection)
    finally:
        bare.machine.run("rm", "-r", "/snap")


def test_root_s_files_go_to_and_fro_by_sudo(bare: Found, tmp_path: Path):
    with connect(bare.host) as connection:
        assert connection.run(["id", "-u"], deadline_seconds=10).stdout == "0\n"
        connection.push_bytes(b"secret", "/etc/own-file", mode=0o600)
        assert bare.machine.run("stat", "-c", "%U %a", "/etc/own-file") == "root 600"
        connection.pull("/etc/own-file", tmp_path / "file")
        connection.run(["rm", "/etc/own-file"], deadline_seconds=10)
    assert (tmp_path / "file").read_bytes() == b"secret"


def test_a_user_whose_sudo_asks_for_a_password_is_told(bare: Found):
    bare.machine.shell("mv /etc/sudoers.d/someone /etc/kept")
    try:
        with connect(bare.host) as connection, pytest.raises(HostError, match=r"can't become root: sudo: .*NOPASSWD"):
            claim(connection, STACK, LAB)
    finally:
        bare.machine.shell("mv /etc/kept /etc/sudoers.d/someone")


def test_a_journal_that_cannot_be_read_is_told(busy: Found):
    busy.machine.shell(f"mkdir -p {JOURNAL}")
    try:
        with connect(busy.host) as connection, pytest.raises(HostError, match=rf"{JOURNAL} .* can't be read"):
            claim(connection, STACK, LAB)
    finally:
        busy.machine.shell("rm -r /var/lib/fairground")


def test_a_package_that_was_only_brought_up_to_date_does_not_count_as_installed():
    simulated = "Inst wrk (4.1.0-4 Debian:13/stable [amd64])\nInst libc6 [2.40-1] (2.41-12 Debian:13/stable [amd64])\n"
    assert packages._NEW.findall(simulated) == ["wrk"]  # pyright: ignore[reportPrivateUsage]
