"""The SSH connection to a host: one pinned key, one authenticated transport, many uses.

`connect` retries only the failures of a booting host (nothing listens yet, sshd isn't ready); a wrong host
key or a refused login ends at once. The kernel notices a peer that is gone (`TCP_USER_TIMEOUT`): SSH itself
ignores missing answers to its keepalive packets.
"""

import io
import logging
import shlex
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Self

import paramiko

from documents.errors import HostUnreachableError
from documents.lab import Host
from provision.ssh import forwarding, transfer
from provision.ssh.execution import ANSWER_SECONDS, SUDO, Commands, in_time, open_channel
from provision.ssh.login import label, log_in

logging.getLogger("paramiko").addHandler(logging.NullHandler())

_SFTP_SERVER = "/usr/lib/openssh/sftp-server"
"""Where Debian and Ubuntu install it, whether or not their sshd_config names it."""


def connect(host: Host, *, deadline_seconds: float = 30) -> "Connection":
    """Open a connection to the host; use it as a context manager.

    The host must show exactly the key `host.host_public_key`, and `host.known_hosts_path`, which Docker's own ssh
    reads, must pin the same.

    Args:
        host: where the host is, and its key.
        deadline_seconds: how long to wait for a host that is still booting.

    Raises:
        HostKeyError: no key is pinned, or the host showed another one.
        HostAuthenticationError: the private key can't be read, or the host refused it.
        HostUnreachableError: nothing that speaks SSH answered by the deadline.
    """
    clients = log_in(host, deadline_seconds=deadline_seconds)
    return Connection(label(host), *clients, sudo=host.sudo)


class Connection(Commands):
    """An open connection to a host. It may be used from several threads at once."""

    def __init__(
        self, label: str, client: paramiko.SSHClient, jump: paramiko.SSHClient | None = None, *, sudo: bool = False
    ) -> None:
        super().__init__(label, sudo=sudo)
        self._client = client
        self._jump = jump

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def push(self, local: Path, remote: str, mode: int = 0o644) -> None:
        """Copy a file to the host: whole and checked, or not at all.

        The remote path is absolute, and its folder exists.

        Raises:
            TransferError: the host's copy isn't the same; `remote` has its old content.
            HostUnreachableError: the connection was lost.
        """
        with local.open("rb") as source:
            transfer.push(self, source, remote, mode)

    def push_bytes(self, data: bytes, remote: str, mode: int = 0o600) -> None:
        """Write bytes to a file on the host, as `push` does."""
        transfer.push(self, io.BytesIO(data), remote, mode)

    def pull(self, remote: str, local: Path) -> str:
        """Copy a file from the host: whole and checked, or not at all.

        The remote path is absolute, and the local folder exists.

        Returns:
            The file's SHA-256, equal on both sides, in hexadecimal.

        Raises:
            TransferError: the copy isn't the same as the host's file, or there is no such file; `local` has its old
                content.
            HostUnreachableError: the connection was lost.
        """
        return transfer.pull(self, remote, local)

    def forward(self, remote_port: int, address: str = "127.0.0.1") -> AbstractContextManager[int]:
        """Forward a local port to a port of the host while the context is open.

        `address` is one of the host's own.

        Returns:
            A context manager that yields the local port on 127.0.0.1.

        Raises:
            HostUnreachableError: the connection was lost.
        """
        # sshd sets TCP_NODELAY on its side only with a connection's first command. Without one, an answer that comes
        # in two pieces waits for a delayed acknowledgement: 44 ms each, measured with OpenSSH 9.2.
        self.run(["true"], deadline_seconds=ANSWER_SECONDS)
        return forwarding.forward(self._transport(), self._label, remote_port, address)

    def open_sftp(self) -> paramiko.SFTPClient:
        """Open an SFTP session; the caller closes it.

        Raises:
            HostError: the host allows no further session on this connection.
            HostUnreachableError: the connection was lost, or the host has no SFTP subsystem or doesn't answer.
        """
        channel = open_channel(self._transport(), self._label)
        try:
            with in_time(channel, self._label, "begin an SFTP session, which its sshd_config must allow"):
                if self._sudo:
                    # sshd's own subsystem would have the user's rights.
                    channel.exec_command(shlex.join([*SUDO, _SFTP_SERVER]))
                else:
                    channel.invoke_subsystem("sftp")
                return paramiko.SFTPClient(channel)
        except BaseException:
            channel.close()
            raise

    @property
    def is_open(self) -> bool:
        """Whether the connection is up, as far as the controller knows."""
        transport = self._client.get_transport()
        return transport is not None and transport.is_active()

    def close(self) -> None:
        """Close the connection; a second time does nothing."""
        self._client.close()
        if self._jump is not None:
            self._jump.close()

    def _transport(self) -> paramiko.Transport:
        transport = self._client.get_transport()
        if transport is None or not transport.is_active():
            raise HostUnreachableError(f"The connection to {self._label} is closed or lost. Connect again.")
        return transport
