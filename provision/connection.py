"""The SSH connection to a host: one pinned key, one authenticated transport, many uses.

`connect` retries only what a booting host explains (nothing listens yet, sshd isn't ready to greet); a wrong host
key or a refused login ends at once. A peer that vanishes without a word is noticed by the kernel
(`TCP_USER_TIMEOUT`), because SSH's keepalive packets go unanswered in silence.
"""

import base64
import errno
import logging
import socket
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Self

import paramiko
from paramiko.hostkeys import InvalidHostKey
from paramiko.pkey import UnknownKeyType
from tenacity import Retrying, before_sleep_log, retry_if_exception, stop_before_delay, wait_exponential

from documents.errors import HostAuthenticationError, HostKeyError, HostUnreachableError
from documents.host import Host
from provision import execution, forwarding, transfer
from provision.beat import Beat
from provision.channels import ANSWER_SECONDS, in_time, open_channel
from provision.execution import Completed
from provision.transport import OrderedTransport

__all__ = ["Completed", "Connection", "connect"]

_logger = logging.getLogger(__name__)
logging.getLogger("paramiko").addHandler(logging.NullHandler())

_DEAD_PEER_SECONDS = 30
"""How long sent data may stay unacknowledged before the kernel gives the connection up."""

_KEEPALIVE_SECONDS = 10
_FIRST_COMMAND_SECONDS = 30


def connect(host: Host, *, deadline_seconds: float = 30) -> "Connection":
    """Open a connection to the host; use it as a context manager.

    The host must show exactly the key `host.host_public_key`, and `host.known_hosts_path`, which Docker's own ssh
    reads, must pin the same.

    Args:
        host: where the host is, and its key.
        deadline_seconds: how long a host that is still booting is waited for.

    Raises:
        HostKeyError: no key is pinned, or the host showed another one.
        HostAuthenticationError: the private key can't be read, or the host refused it.
        HostUnreachableError: nothing that speaks SSH answered by the deadline.
    """
    pinned_key = _pinned_key(host)
    private_key = _private_key(host)
    ends_at = time.monotonic() + deadline_seconds
    retrying = Retrying(
        retry=retry_if_exception(_is_booting),
        stop=stop_before_delay(deadline_seconds),
        wait=wait_exponential(multiplier=0.1, max=1),
        before_sleep=before_sleep_log(_logger, logging.INFO),
        reraise=True,
    )
    label = _label(host)
    try:
        client = retrying(_open, host, pinned_key, private_key, ends_at)
    except paramiko.BadHostKeyException as error:
        raise HostKeyError(
            f"{label} showed the key {error.key.fingerprint} instead of the pinned {pinned_key.fingerprint}: "
            "the connection is refused. Either another machine answers at this address, or the host was made anew; "
            "in that case run `lab down` and `lab up`."
        ) from error
    except paramiko.AuthenticationException as error:
        raise HostAuthenticationError(
            f"{label} refused the login with the key {host.private_key_path} ({error}). "
            "Check the user's name, and that the key's public half is in the host's authorized_keys."
        ) from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise HostUnreachableError(
            f"{label} gave no SSH answer within {deadline_seconds:g} s ({_reason(error)}). "
            "Check that the host runs and that its address and port are right."
        ) from error
    return Connection(label, client)


class Connection:
    """An open connection to a host. It may be used from several threads at once."""

    def __init__(self, label: str, client: paramiko.SSHClient) -> None:
        self._label = label
        self._client = client

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __str__(self) -> str:
        return self._label

    def run(
        self,
        command: str | Sequence[str],
        *,
        deadline_seconds: float,
        input: bytes | str | Beat | None = None,  # noqa: A002 - the name that subprocess.run gives it
        check: bool = True,
    ) -> Completed:
        """Run a command on the host and wait for its end.

        The host itself ends the command's whole process group at the deadline, so nothing is left behind even if
        the connection is lost meanwhile.

        Args:
            command: a shell command, or an argument list, which no shell interprets. Arguments can be seen by
                every process on the host: secrets go by `input`.
            deadline_seconds: how long the command may take.
            input: what the command reads from its standard input; nothing unless given. A `Beat` goes on until
                either of the two ends.
            check: whether an exit status other than 0 raises.

        Returns:
            Both streams, decoded as UTF-8, and the exit status (128 + n for a command that signal n ended).

        Raises:
            RemoteCommandError: the exit status isn't 0 and `check` is set.
            DeadlineExceededError: the deadline passed; the command has been ended.
            HostUnreachableError: the connection was lost before the command's end.
        """
        data = input.encode() if isinstance(input, str) else input
        return execution.execute(self._transport(), self._label, command, deadline_seconds, data, check=check)

    def push(self, local: Path, remote: str, mode: int = 0o644) -> None:
        """Copy a file to the host: whole and checked, or not at all.

        Args:
            local: the file to copy.
            remote: its absolute path on the host; the folder must exist.
            mode: its permissions there.

        Raises:
            TransferError: the host's copy isn't the same; nothing is left at `remote` but what was there before.
            HostUnreachableError: the connection was lost.
        """
        with local.open("rb") as source:
            transfer.push(self, source, remote, mode)

    def push_bytes(self, data: bytes, remote: str, mode: int = 0o600) -> None:
        """Write bytes to a file on the host, as `push` does."""
        transfer.push_bytes(self, data, remote, mode)

    def pull(self, remote: str, local: Path) -> str:
        """Copy a file from the host: whole and checked, or not at all.

        Args:
            remote: its absolute path on the host.
            local: where it goes; the folder must exist.

        Returns:
            The file's SHA-256, equal on both sides, in hexadecimal.

        Raises:
            TransferError: the copy isn't the same as the host's file, or there is no such file; nothing is left
                at `local` but what was there before.
            HostUnreachableError: the connection was lost.
        """
        return transfer.pull(self, remote, local)

    def forward(self, remote_port: int, address: str = "127.0.0.1") -> AbstractContextManager[int]:
        """Forward a local port to a port of the host while the context is open.

        Args:
            remote_port: the port on the host.
            address: which of the host's own addresses it is on.

        Returns:
            A context manager that yields the local port on 127.0.0.1.

        Raises:
            HostUnreachableError: the connection was lost.
        """
        # sshd sets TCP_NODELAY on its side only with a connection's first command. Without one, an answer that comes
        # in two pieces waits for a delayed acknowledgement: 44 ms each, measured with OpenSSH 9.2.
        self.run(["true"], deadline_seconds=_FIRST_COMMAND_SECONDS)
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
                channel.invoke_subsystem("sftp")
                return paramiko.SFTPClient(channel)
        except BaseException:
            channel.close()
            raise

    @property
    def is_open(self) -> bool:
        """Whether the connection is up, as far as this side can know."""
        transport = self._client.get_transport()
        return transport is not None and transport.is_active()

    def close(self) -> None:
        """Close the connection; a second time does nothing."""
        self._client.close()

    def _transport(self) -> paramiko.Transport:
        transport = self._client.get_transport()
        if transport is None or not transport.is_active():
            raise HostUnreachableError(f"The connection to {self._label} is closed or lost. Connect again.")
        return transport


def _label(host: Host) -> str:
    return f"{host.user}@{host.address}:{host.port}"


def _known_hosts_name(host: Host) -> str:
    """The host's name in a known_hosts file. Source: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"."""
    return host.address if host.port == 22 else f"[{host.address}]:{host.port}"


def _pinned_key(host: Host) -> paramiko.PKey:
    """The host's one key, from the host document, pinned alike in the known_hosts file."""
    name = _known_hosts_name(host)
    try:
        key_type, encoded = host.host_public_key.split()[:2]
        pinned_key = paramiko.PKey.from_type_string(key_type, base64.b64decode(encoded, validate=True))
    except (ValueError, paramiko.SSHException, UnknownKeyType) as error:
        raise HostKeyError(
            f"No key of {_label(host)} is pinned: {host.host_public_key!r} is not a public key. "
            "Unknown hosts are refused; run `lab up` to have the host's key made and pinned."
        ) from error
    try:
        known = paramiko.HostKeys(host.known_hosts_path).lookup(name)
    except OSError as error:
        raise HostKeyError(
            f"The file of known hosts, {host.known_hosts_path}, can't be read ({error.strerror}), so no key of "
            f"{_label(host)} is pinned. Run `lab up` to have it written."
        ) from error
    except InvalidHostKey as error:
        raise HostKeyError(
            f"The file of known hosts, {host.known_hosts_path}, has a line that is no key, so no key of {_label(host)} "
            "is pinned. Run `lab up` to have it written again."
        ) from error
    if known is None:
        raise HostKeyError(
            f"No key of {_label(host)} is pinned in {host.known_hosts_path}. "
            "Unknown hosts are refused; run `lab up` to have the host's key made and pinned."
        )
    if known.get(pinned_key.get_name()) != pinned_key:
        raise HostKeyError(
            f"{host.known_hosts_path} pins another key for {_label(host)} than the inventory does. "
            "Run `lab up` to have it written again."
        )
    return pinned_key


def _private_key(host: Host) -> paramiko.PKey:
    try:
        return paramiko.PKey.from_path(host.private_key_path)
    except (OSError, ValueError, TypeError, paramiko.SSHException, UnknownKeyType) as error:
        raise HostAuthenticationError(
            f"The private key {host.private_key_path} for {_label(host)} can't be read ({_reason(error)}). "
            "Run `lab up` to have it written again."
        ) from error


def _open(host: Host, pinned_key: paramiko.PKey, private_key: paramiko.PKey, ends_at: float) -> paramiko.SSHClient:
    """One attempt to connect, with what is left of the deadline as its time-out."""
    left = max(ends_at - time.monotonic(), 0.1)
    stream = socket.create_connection((host.address, host.port), timeout=left)
    client = paramiko.SSHClient()
    try:
        _tune(stream)
        client.get_host_keys().add(_known_hosts_name(host), pinned_key.get_name(), pinned_key)
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        client.connect(
            host.address,
            port=host.port,
            username=host.user,
            pkey=private_key,
            sock=stream,
            timeout=left,
            banner_timeout=left,
            auth_timeout=left,
            channel_timeout=ANSWER_SECONDS,
            allow_agent=False,
            look_for_keys=False,
            transport_factory=OrderedTransport,
        )
        transport = client.get_transport()
        if transport is not None:
            transport.set_keepalive(_KEEPALIVE_SECONDS)
    except BaseException:
        client.close()
        stream.close()
        raise
    return client


def _tune(stream: socket.socket) -> None:
    """Send small packets at once, and let the kernel notice a dead peer. Source: tcp(7)."""
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _DEAD_PEER_SECONDS * 1000)


def _is_booting(error: BaseException) -> bool:
    """Whether a host that is still coming up explains the error.

    A closed or missing greeting is a plain `SSHException` in Paramiko, told from others by its text alone.
    """
    if isinstance(error, (ConnectionError, TimeoutError, EOFError)):
        return True
    if isinstance(error, OSError):
        return error.errno in {errno.EHOSTUNREACH, errno.ENETUNREACH}
    return type(error) is paramiko.SSHException and "protocol banner" in str(error)


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__
