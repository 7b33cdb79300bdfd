"""Whom `connect` trusts, what it retries, and what it never does twice."""

import logging
import socket
import threading
import time
from pathlib import Path

import pytest

from documents.errors import (
    HostAuthenticationError,
    HostKeyError,
    HostUnreachableError,
)
from provision.ssh import execution
from provision.ssh.connection import connect
from tests.ports import free_port
from tests.ssh.sshd import Sshd, make_key, public_half
from tests.ssh.waiting import wait_until


@pytest.mark.parametrize(
    ("kind", "remedy"),
    # Nobody but its administrator can tell an existing host's new key from a wrong one.
    [("ssh", "write it into the stack document as `host_key`"), ("container", "run `lab down` and `lab up`")],
)
def test_a_changed_host_key_is_refused_and_not_retried(own_sshd: Sshd, tmp_path: Path, kind: str, remedy: str):
    other = make_key(tmp_path / "other")
    own_sshd.pin(other)
    host = own_sshd.host.model_copy(update={"host_public_key": public_half(other).strip(), "kind": kind})
    with pytest.raises(HostKeyError, match=f"instead of the pinned .*{remedy}"):
        connect(host)
    assert own_sshd.log.count("Connection from") == 1


def test_a_host_without_a_pinned_key_is_refused_before_anything_is_sent(own_sshd: Sshd):
    own_sshd.known_hosts.write_text("")
    with pytest.raises(HostKeyError, match="is pinned in"):
        connect(own_sshd.host)
    own_sshd.known_hosts.unlink()
    with pytest.raises(HostKeyError, match="can't be read"):
        connect(own_sshd.host)
    with pytest.raises(HostKeyError, match="is not a public key"):
        connect(own_sshd.host.model_copy(update={"host_public_key": "ssh-ed25519"}))


def test_known_hosts_and_inventory_that_disagree_are_refused(own_sshd: Sshd, tmp_path: Path):
    own_sshd.pin(make_key(tmp_path / "other"))
    with pytest.raises(HostKeyError, match="pins another key"):
        connect(own_sshd.host)


def test_a_refused_login_is_not_retried(own_sshd: Sshd, tmp_path: Path):
    stranger = make_key(tmp_path / "stranger")
    with pytest.raises(HostAuthenticationError, match=r"refused the login with the key .*authorized_keys"):
        connect(own_sshd.host.model_copy(update={"private_key_path": str(stranger)}))
    assert own_sshd.log.count("Failed publickey") == 1
    assert own_sshd.log.count("Connection from") == 1


def test_an_unreadable_private_key_is_reported_before_anything_is_sent(sshd: Sshd, tmp_path: Path):
    with pytest.raises(HostAuthenticationError, match="can't be read"):
        connect(sshd.host.model_copy(update={"private_key_path": str(tmp_path / "none")}))
    (tmp_path / "garbage").write_text("not a key")
    with pytest.raises(HostAuthenticationError, match="can't be read"):
        connect(sshd.host.model_copy(update={"private_key_path": str(tmp_path / "garbage")}))


def test_a_booting_host_is_waited_for_and_each_retry_is_logged(own_sshd: Sshd, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, logger="provision")
    own_sshd.stop()
    later = threading.Timer(1.0, own_sshd.start)
    later.start()
    with connect(own_sshd.host, deadline_seconds=20) as connection:
        assert connection.run("true", deadline_seconds=5).exit_status == 0
    later.join()
    assert "Retrying" in caplog.text


def test_an_sshd_that_hangs_up_before_its_greeting_is_retried_until_it_greets(own_sshd: Sshd):
    """What a booting sshd and one past MaxStartups do: they accept the connection and close it."""
    own_sshd.stop()
    refused = 0
    with socket.create_server(("127.0.0.1", own_sshd.port)) as listener:

        def hang_up_twice() -> None:
            nonlocal refused
            for _ in range(2):
                listener.accept()[0].close()
                refused += 1
            listener.close()
            own_sshd.start()

        booting = threading.Thread(target=hang_up_twice)
        booting.start()
        with connect(own_sshd.host, deadline_seconds=20):
            booting.join()
    assert refused == 2


def test_a_login_that_sshd_ends_while_it_checks_the_key_is_tried_again(tmp_path: Path):
    """As an sshd does that is restarted, for instance by the cloud-init of a booting machine."""
    ended = tmp_path / "ended"
    script = tmp_path / "ends_the_first"
    script.write_text(f"test -e {ended} && exec cat {tmp_path}/key.pub\ntouch {ended}\nkill -9 $PPID\n")
    server = Sshd(tmp_path, options=f"AuthorizedKeysCommand /bin/sh {script}\nAuthorizedKeysCommandUser root")
    (tmp_path / "authorized_keys").rename(tmp_path / "key.pub")
    server.start()
    try:
        connect(server.host, deadline_seconds=20).close()
        assert server.log.count("Connection from") == 2
        script.write_text("kill -9 $PPID\n")
        with pytest.raises(HostAuthenticationError, match=r"ended the connection each time while it checked the key"):
            connect(server.host, deadline_seconds=1)
    finally:
        server.stop()


def test_a_silent_address_ends_at_the_deadline(own_sshd: Sshd):
    own_sshd.stop()
    with (
        socket.create_server(("127.0.0.1", own_sshd.port)),
        pytest.raises(HostUnreachableError, match="no SSH answer within 1 s"),
    ):
        connect(own_sshd.host, deadline_seconds=1)


def test_an_address_where_nothing_listens_ends_at_the_deadline(own_sshd: Sshd):
    host = own_sshd.host
    own_sshd.stop()
    with pytest.raises(HostUnreachableError, match="Connection refused"):
        connect(host, deadline_seconds=1)


def test_a_closed_connection_refuses_further_use(sshd: Sshd, tmp_path: Path):
    connection = connect(sshd.host)
    connection.close()
    connection.close()
    assert not connection.is_open
    with pytest.raises(HostUnreachableError, match="closed or lost"):
        connection.run("true", deadline_seconds=5)
    with pytest.raises(HostUnreachableError, match="closed or lost"):
        connection.push_bytes(b"", str(tmp_path / "never"))


def test_closing_leaves_no_thread_and_no_session(own_sshd: Sshd):
    before = set(threading.enumerate())
    with connect(own_sshd.host) as connection:
        connection.run("true", deadline_seconds=5)
        with connection.forward(free_port()):
            pass
    wait_until(lambda: not set(threading.enumerate()) - before)
    wait_until(lambda: not own_sshd.session_processes())


def test_a_connection_outlives_a_restart_of_sshd(own_sshd: Sshd):
    """As by `systemctl restart ssh`, which leaves the open sessions alone."""
    with connect(own_sshd.host) as connection:
        own_sshd.stop()
        own_sshd.start()
        assert connection.run("echo still here", deadline_seconds=5).stdout == "still here\n"


def test_a_host_that_freezes_is_reported_in_time_by_commands_and_by_copies(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(execution, "ANSWER_SECONDS", 1)
    with connect(sshd.host) as connection:
        connection.run(["true"], deadline_seconds=10)
        sshd.freeze_sessions()
        try:
            started = time.monotonic()
            with pytest.raises(HostUnreachableError):
                connection.run(["true"], deadline_seconds=60)
            with pytest.raises(HostUnreachableError):
                connection.push_bytes(b"data", str(tmp_path / "target"))
            assert time.monotonic() - started < 60, "the command's own deadline"
        finally:
            sshd.thaw_sessions()
