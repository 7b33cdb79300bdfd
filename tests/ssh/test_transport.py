"""What is said on a channel behind its end: sshd ends the connection for it, so it isn't sent."""

import socket
from collections.abc import Generator
from contextlib import closing, contextmanager

import paramiko
from paramiko.common import cMSG_CHANNEL_EOF

from provision.connection import connect
from provision.transport import OrderedTransport
from tests.ssh.sshd import Sshd


@contextmanager
def opened(kind: type[paramiko.Transport], sshd: Sshd) -> Generator[paramiko.Transport]:
    connect(sshd.host).close()  # which waits until it listens
    host = sshd.host
    transport = kind(socket.create_connection((host.address, host.port), timeout=10))
    try:
        transport.start_client(timeout=10)
        transport.auth_publickey(host.user, paramiko.PKey.from_path(host.private_key_path))
        yield transport
    finally:
        transport.close()


def say(transport: paramiko.Transport, word: str) -> bytes:
    with closing(transport.open_session(timeout=10)) as channel:
        channel.settimeout(10)
        channel.exec_command(f"echo {word}")
        return channel.recv(100)


def end_input_late(transport: paramiko.Transport) -> None:
    """The end of a channel's input, sent behind its close as by a thread that was held up in between."""
    channel = transport.open_session(timeout=10)
    number = channel.remote_chanid
    channel.close()
    # By then sshd has forgotten the channel.
    assert say(transport, "between") == b"between\n"
    message = paramiko.Message()
    message.add_byte(cMSG_CHANNEL_EOF)
    message.add_int(number)
    transport._send_user_message(message)  # pyright: ignore


def test_the_connection_lives_on_and_the_channel_s_number_is_used_again(sshd: Sshd):
    with opened(OrderedTransport, sshd) as transport:
        for word in ("one", "two", "three"):
            end_input_late(transport)
            assert say(transport, word) == f"{word}\n".encode()


def test_paramiko_s_own_transport_loses_the_connection(sshd: Sshd):
    with opened(paramiko.Transport, sshd) as transport:
        end_input_late(transport)
        transport.join(10)
        assert not transport.is_active()
