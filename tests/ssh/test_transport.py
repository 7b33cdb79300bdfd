"""The ends of channels: nothing is said behind them, and they come during a key exchange, too."""

import socket
from collections.abc import Generator
from contextlib import closing, contextmanager

import paramiko
from paramiko.common import cMSG_CHANNEL_EOF

from provision.ssh.login import OrderedTransport
from tests.ssh.sshd import Sshd


@contextmanager
def opened(kind: type[paramiko.Transport], sshd: Sshd) -> Generator[paramiko.Transport]:
    host = sshd.host
    transport = kind(socket.create_connection((host.address, host.port), timeout=10))
    try:
        transport.start_client(timeout=10)
        transport.auth_publickey(host.user, paramiko.PKey.from_path(sshd.user_key))
        yield transport
    finally:
        transport.close()


def say(transport: paramiko.Transport, word: str) -> bytes:
    with closing(transport.open_session(timeout=10)) as channel:
        channel.settimeout(10)
        channel.exec_command(f"echo {word}")
        return channel.recv(100)


def end_input(channel: paramiko.Channel, number: int) -> None:
    """Say that a channel's input ends, as by a thread that was held up since before the channel's close."""
    message = paramiko.Message()
    message.add_byte(cMSG_CHANNEL_EOF)
    message.add_int(number)
    channel.transport._send_user_message(message)  # pyright: ignore


def end_input_late(transport: paramiko.Transport) -> None:
    """The end of a channel's input, said when sshd has forgotten the channel."""
    channel = transport.open_session(timeout=10)
    number = channel.remote_chanid
    channel.close()
    assert say(transport, "between") == b"between\n"
    end_input(channel, number)


def echoed_with_the_number_of_another(transport: paramiko.Transport) -> bytes:
    """What a channel echoes that has the number of an earlier one, whose end of input comes late."""
    earlier = transport.open_session(timeout=10)
    number = earlier.remote_chanid
    earlier.close()
    # By then sshd has forgotten the channel.
    assert say(transport, "before") == b"before\n"
    with closing(transport.open_session(timeout=10)) as channel:
        assert channel.remote_chanid == number
        channel.settimeout(10)
        channel.exec_command("cat")
        end_input(earlier, number)
        # By then sshd has taken that for the end of this channel, or hasn't.
        assert say(transport, "between") == b"between\n"
        try:
            channel.sendall(b"echo")
            channel.shutdown_write()
        except OSError:
            return b""
        return channel.recv(100)


def test_the_connection_lives_on_and_the_channel_s_number_is_used_again(sshd: Sshd):
    with opened(OrderedTransport, sshd) as transport:
        for word in ("one", "two", "three"):
            end_input_late(transport)
            assert say(transport, word) == f"{word}\n".encode()


def test_what_comes_late_does_not_reach_the_next_channel_of_the_same_number(sshd: Sshd):
    with opened(OrderedTransport, sshd) as transport:
        assert echoed_with_the_number_of_another(transport) == b"echo"


def test_paramiko_s_own_transport_ends_the_next_channel(sshd: Sshd):
    with opened(paramiko.Transport, sshd) as transport:
        assert echoed_with_the_number_of_another(transport) == b""


def test_a_channel_closes_during_a_key_exchange(sshd: Sshd):
    with opened(OrderedTransport, sshd) as transport:
        transport.packetizer.REKEY_BYTES = 1_000  # Every command or two.
        transport.clear_to_send_timeout = 2
        for number in range(20):
            assert say(transport, str(number)) == f"{number}\n".encode()
