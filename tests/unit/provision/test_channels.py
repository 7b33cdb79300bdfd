"""A host that takes what is sent and answers nothing: every wait for it ends. Paramiko's own server plays it."""

import socket
from collections.abc import Iterator
from threading import Event

import paramiko
import pytest
from paramiko.common import AUTH_SUCCESSFUL, OPEN_SUCCEEDED

from documents.errors import HostUnreachableError
from provision.ssh import execution, login
from provision.ssh.connection import Connection
from provision.ssh.login import OrderedTransport
from tests.unit.documents.samples import INVENTORY


class Silent(paramiko.ServerInterface):
    """Opens channels, but answers none of their requests until it may."""

    def __init__(self) -> None:
        self.may_answer = Event()

    def check_auth_none(self, username: str) -> int:
        del username
        return AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:
        del kind, chanid
        return OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        del channel, command
        return self.may_answer.wait(20)

    def check_channel_subsystem_request(self, channel: paramiko.Channel, name: str) -> bool:
        del channel, name
        return self.may_answer.wait(20)


@pytest.fixture
def transport(monkeypatch: pytest.MonkeyPatch) -> Iterator[paramiko.Transport]:
    monkeypatch.setattr(execution, "ANSWER_SECONDS", 0.5)
    here, there = socket.socketpair()
    server, silent = paramiko.Transport(there), Silent()
    server.add_server_key(paramiko.RSAKey.generate(2048))
    server.start_server(server=silent, event=Event())
    client = OrderedTransport(here)
    client.start_client(timeout=10)
    client.auth_none("ada")
    yield client
    silent.may_answer.set()
    client.close()
    server.close()


@pytest.fixture
def connection(transport: paramiko.Transport) -> Connection:
    client = paramiko.SSHClient()
    client._transport = transport  # pyright: ignore # a client is made with a transport of its own only by connecting
    return Connection("ada@host", client)


def test_a_command_that_is_never_begun_ends_as_a_lost_connection(connection: Connection):
    with pytest.raises(HostUnreachableError, match=r"asked to start `true`, or it didn't answer within 0\.5 s"):
        connection.run(["true"], deadline_seconds=60)


def test_an_sftp_session_that_is_never_begun_ends_as_a_lost_connection(connection: Connection):
    with pytest.raises(HostUnreachableError, match=r"begin an SFTP session.*didn't answer within 0\.5 s"):
        connection.open_sftp()


def test_a_jump_host_that_closes_its_connection_is_reported(monkeypatch: pytest.MonkeyPatch):
    def closed(_seconds: float) -> None:
        raise EOFError

    def route_to(*_: object) -> tuple[object, tuple[()]]:
        return closed, ()

    monkeypatch.setattr(login, "_route_to", route_to)
    with pytest.raises(HostUnreachableError, match=r"can't be reached \(EOFError\)"):
        login.open_stream(INVENTORY.host, deadline_seconds=1)
