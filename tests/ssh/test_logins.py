"""Ways to log in: through a jump host, with the SSH agent's keys; by Paramiko, and by OpenSSH with Docker's options."""

import base64
import socket
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from documents.errors import HostAuthenticationError, HostKeyError, HostUnreachableError
from documents.lab import Host, JumpHost
from lab.resources.access import list_known_hosts, ssh_options
from provision.ssh.connection import connect
from provision.ssh.login import fetch_host_key, fingerprint
from tests.ports import free_port
from tests.ssh.sshd import Sshd, make_key, public_half, running_sshd
from tests.ssh.waiting import wait_until


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """The jump host's sshd, which takes the key of the host behind it, too."""
    with running_sshd(tmp_path_factory.mktemp("jump") / "gate") as server:
        yield server


@pytest.fixture
def behind(sshd: Sshd, gate: Sshd, tmp_path: Path) -> Host:
    """The host as it is reached through the gate, its files in a folder with a name that has to be quoted."""
    folder = tmp_path / "a lab's 100%"
    folder.mkdir()
    key = folder / "user key"
    key.write_bytes(sshd.user_key.read_bytes())
    key.chmod(0o600)
    (gate.folder / "authorized_keys").write_text(public_half(sshd.user_key))
    jump = JumpHost(address="127.0.0.1", port=gate.port, host_key=" ".join(public_half(gate.host_key).split()[:2]))
    host = sshd.host.model_copy(
        update={"jump_host": jump, "private_key_path": str(key), "known_hosts_path": str(folder / "known_hosts")}
    )
    pin(host)
    return host


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An SSH agent without a key."""
    socket = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        yield
        process.terminate()


def pin(host: Host) -> None:
    Path(host.known_hosts_path).write_text(list_known_hosts(host))


def by_openssh(host: Host) -> str:
    """What a command prints that OpenSSH runs on the host, as Docker's transport would."""
    done = subprocess.run(
        ["ssh", *ssh_options(host), "-p", str(host.port), f"{host.user}@{host.address}", "echo", "$SSH_CONNECTION"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return done.stdout if done.returncode == 0 else done.stderr


def by_paramiko(host: Host) -> str:
    with connect(host) as connection:
        return connection.run("echo $SSH_CONNECTION", deadline_seconds=10).stdout


@pytest.mark.parametrize("way", [by_paramiko, by_openssh])
def test_a_host_is_reached_through_its_jump_host(way: Callable[[Host], str], behind: Host, sshd: Sshd, gate: Sshd):
    assert f"127.0.0.1 {sshd.port}" in way(behind)
    assert "direct-tcpip" in gate.log or "Accepted publickey for root" in gate.log


def test_both_connections_end_together(behind: Host, gate: Sshd):
    with connect(behind) as connection:
        assert connection.is_open
        assert gate.session_processes()
    wait_until(lambda: not gate.session_processes())
    assert behind.jump_host is not None
    gone = behind.model_copy(update={"jump_host": behind.jump_host.model_copy(update={"port": free_port()})})
    pin(gone)
    with pytest.raises(HostUnreachableError, match=r"root@127.0.0.1:\d+ gave no SSH answer within 1 s"):
        connect(gone, deadline_seconds=1)


@pytest.mark.parametrize("way", [by_paramiko, by_openssh])
def test_a_jump_host_with_another_key_is_refused(way: Callable[[Host], str], behind: Host, tmp_path: Path):
    other = public_half(make_key(tmp_path / "other")).strip()
    assert behind.jump_host is not None
    changed = behind.model_copy(update={"jump_host": behind.jump_host.model_copy(update={"host_key": other})})
    pin(changed)
    if way is by_paramiko:
        with pytest.raises(HostKeyError, match=f"127.0.0.1:{behind.jump_host.port} showed the key"):
            way(changed)
    else:
        assert "Host key verification failed" in way(changed)


def test_a_jump_host_that_is_not_pinned_is_refused(behind: Host):
    Path(behind.known_hosts_path).write_text(list_known_hosts(behind.model_copy(update={"jump_host": None})))
    assert behind.jump_host is not None
    with pytest.raises(HostKeyError, match=f"No key of root@127.0.0.1:{behind.jump_host.port} is pinned"):
        connect(behind)


def test_a_host_that_is_not_there_behind_its_jump_host_ends_at_the_deadline(behind: Host):
    gone = behind.model_copy(update={"port": free_port()})
    pin(gone)
    with pytest.raises(
        HostUnreachableError, match=rf"127.0.0.1:{gone.port} gave no SSH answer within 1 s .*Connect failed"
    ):
        connect(gone, deadline_seconds=1)


@pytest.mark.usefixtures("agent")
@pytest.mark.parametrize("way", [by_paramiko, by_openssh])
def test_the_agents_keys_are_taken_where_no_key_is_named(way: Callable[[Host], str], behind: Host, tmp_path: Path):
    assert behind.private_key_path is not None
    without = behind.model_copy(update={"private_key_path": None})
    if way is by_paramiko:
        with pytest.raises(HostAuthenticationError, match=r"no key to log in to .*ssh-add"):
            way(without)
    else:
        assert "Permission denied" in way(without)
    subprocess.run(["ssh-add", "-q", make_key(tmp_path / "stranger")], check=True)
    if way is by_paramiko:
        with pytest.raises(HostAuthenticationError, match=r"refused the login with every key of the SSH agent"):
            way(without)
    subprocess.run(["ssh-add", "-q", behind.private_key_path], check=True)
    assert str(behind.port) in way(without)


@pytest.mark.usefixtures("agent")
def test_an_agent_with_more_keys_than_the_host_tries_is_reported(own_sshd: Sshd, tmp_path: Path):
    for number in range(7):
        subprocess.run(["ssh-add", "-q", make_key(tmp_path / f"stranger-{number}")], check=True)
    subprocess.run(["ssh-add", "-q", own_sshd.user_key], check=True)
    with pytest.raises(HostAuthenticationError, match=r"ended the login before .*ssh-add -D"):
        connect(own_sshd.host.model_copy(update={"private_key_path": None}))
    assert "Accepted" not in own_sshd.log


@pytest.mark.usefixtures("agent")
def test_a_host_that_stops_after_its_greeting_is_not_taken_for_one_that_has_seen_too_many_keys(own_sshd: Sshd):
    own_sshd.stop()
    with socket.create_server(("127.0.0.1", own_sshd.port)) as listener, ThreadPoolExecutor(1) as host:
        greeted = host.submit(_greet, listener)
        with pytest.raises(HostUnreachableError, match=r"gave no SSH answer within 1 s \(the key exchange took"):
            connect(own_sshd.host.model_copy(update={"private_key_path": None}), deadline_seconds=1)
        greeted.result().close()


def _greet(listener: socket.socket) -> socket.socket:
    stream = listener.accept()[0]
    stream.sendall(b"SSH-2.0-OpenSSH_10.0\r\n")
    return stream


def test_a_key_with_a_passphrase_is_for_the_agent(sshd: Sshd, tmp_path: Path):
    key = tmp_path / "locked"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret words", "-f", key], check=True)
    with pytest.raises(HostAuthenticationError, match=r"has a passphrase.*ssh-add"):
        connect(sshd.host.model_copy(update={"private_key_path": str(key)}))


def test_a_key_that_others_may_read_is_refused_as_openssh_refuses_it(own_sshd: Sshd):
    pin(own_sshd.host)
    own_sshd.user_key.chmod(0o640)
    with pytest.raises(HostAuthenticationError, match=rf"Docker's ssh won't use it.*chmod 600 {own_sshd.user_key}"):
        connect(own_sshd.host)
    assert "bad permissions" in by_openssh(own_sshd.host)


def test_a_key_of_a_kind_that_only_an_agent_can_use_is_reported(own_sshd: Sshd):
    lines = own_sshd.user_key.read_text().splitlines()
    # As the file of a hardware key has it; the rest doesn't matter any more.
    kind = b"sk-ssh-ed25519@openssh.com"
    data = base64.b64decode("".join(lines[1:-1])).replace(b"\0\0\0\x0bssh-ed25519", b"\0\0\0\x1a" + kind, 1)
    own_sshd.user_key.write_text("\n".join([lines[0], base64.b64encode(data).decode(), lines[-1], ""]))
    with pytest.raises(HostAuthenticationError, match=r"of a kind that can't be used from its file .*ssh-add"):
        connect(own_sshd.host)


@pytest.mark.parametrize("way", [by_paramiko, by_openssh])
def test_any_of_a_host_s_keys_may_be_pinned_also_at_an_ipv6_address(
    way: Callable[[Host], str], own_sshd: Sshd, tmp_path: Path
):
    own_sshd.stop()
    other = tmp_path / "other_host_key"
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-N", "", "-C", "", "-f", other], check=True)
    with (own_sshd.folder / "sshd_config").open("a") as configuration:
        configuration.write(f"\nHostKey {other}\nListenAddress ::1\n")
    own_sshd.start()
    host = own_sshd.host.model_copy(update={"address": "::1", "host_public_key": public_half(other).strip()})
    pin(host)
    assert f"::1 {own_sshd.port}" in way(host)


def test_an_unknown_key_is_fetched_without_a_login(sshd: Sshd, behind: Host):
    for host in (sshd.host, behind):
        key = fetch_host_key(host.model_copy(update={"host_public_key": "", "user": "nobody-at-all"}))
        assert key == public_half(sshd.host_key).strip()
    assert "nobody-at-all" not in sshd.log
    shown = subprocess.run(
        ["ssh-keygen", "-l", "-f", f"{sshd.host_key}.pub"], capture_output=True, text=True, check=True
    ).stdout
    assert fingerprint(key) == shown.split()[1]


def test_where_nothing_listens_there_is_no_key(own_sshd: Sshd):
    own_sshd.stop()
    with pytest.raises(HostUnreachableError, match=rf"root@127.0.0.1:{own_sshd.port} can't be reached"):
        fetch_host_key(own_sshd.host)
