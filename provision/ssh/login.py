"""Logging in to a host: one pinned key, a private key or the SSH agent, directly or through a jump host."""

import base64
import errno
import hashlib
import logging
import os
import shlex
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from paramiko import auth_handler, buffered_pipe, channel, packet, transport
from paramiko.common import MSG_CHANNEL_CLOSE, OPEN_FAILED_CONNECT_FAILED
from paramiko.hostkeys import InvalidHostKey
from paramiko.pkey import UnknownKeyType
from tenacity import Retrying, before_sleep_log, retry_if_exception, stop_before_delay, wait_exponential

from documents.errors import HostAuthenticationError, HostKeyError, HostUnreachableError
from documents.lab import Host, JumpHost, known_hosts_name
from provision.ssh.execution import ANSWER_SECONDS

WAITING = (auth_handler, buffered_pipe, channel, packet, transport)
"""Paramiko's modules that use the clock only to measure how long they have waited."""

_STEADY = SimpleNamespace(**(vars(time) | {"time": time.monotonic}))
"""The module `time`, whose time of day is the monotonic clock."""


def wait_by_monotonic_clock() -> None:
    """Make all of Paramiko's waits in this process use the monotonic clock; a second time changes nothing."""
    for module in WAITING:
        vars(module)["time"] = _STEADY


class OrderedTransport(paramiko.Transport):
    """A transport that drops what would follow a channel's close, and can close a channel during a key exchange.

    Paramiko creates a channel's messages under the channel's lock and sends them after releasing it, so that a key
    exchange can't block it. At the same time its reading thread may answer the host's close with one of its own. What
    the other thread sends then, data or the end of a stream, comes behind that close, and OpenSSH ends the whole
    connection: "packet referred to nonexistent channel" (OpenSSH's `channels.c`). Or it gives the number to the next
    channel, whose stream then ends. It happens where a command ends, or a forwarded connection is closed, just as its
    input does.

    Paramiko's reading thread also waits for the end of a key exchange before it answers a close. As it alone can bring
    about that end, it waits in vain, and the connection breaks off. A new exchange comes with each 512 MiB. Here the
    answer is postponed.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - Paramiko's own, passed on
        super().__init__(*arguments, **options)
        self._postponed: list[paramiko.Message] = []

    def start_client(self, event: threading.Event | None = None, timeout: float | None = None) -> None:
        """Agree on keys with the host, or raise `TimeoutError`.

        When its time is up, Paramiko returns as if all were well, and what comes next fails for a reason that isn't so.
        """
        super().start_client(event, timeout)
        if event is None and not self.initial_kex_done:  # pyright: ignore # not in its stubs
            raise TimeoutError("the key exchange took too long")

    def _send_user_message(self, data: paramiko.Message) -> None:
        if threading.current_thread() is self and not self.clear_to_send.is_set():
            self._postponed.append(data)
        else:
            super()._send_user_message(data)  # pyright: ignore # not in its stubs

    def _parse_newkeys(self, m: paramiko.Message) -> None:
        super()._parse_newkeys(m)  # pyright: ignore # not in its stubs
        postponed, self._postponed = self._postponed, []
        for message in postponed:
            self._send_user_message(message)

    def _parse_channel_open_success(self, m: paramiko.Message) -> None:
        # Nothing was sent on the channel yet: its opener waits for this message.
        channel: paramiko.Channel | None = self._channels.get(m.get_int())  # pyright: ignore # not in its stubs
        if channel is not None:
            channel.transport = _ChannelSender(self)  # pyright: ignore[reportAttributeAccessIssue]
        m.rewind()
        super()._parse_channel_open_success(m)  # pyright: ignore # not in its stubs

    def _send_message(self, data: paramiko.Message) -> None:
        # Messages of channels come with clear_to_send_lock held, one at a time.
        if isinstance(data, _ChannelMessage):
            if data.sender.has_closed:
                return
            data.sender.has_closed = data.asbytes()[0] == MSG_CHANNEL_CLOSE
        super()._send_message(data)  # pyright: ignore # not in its stubs


class _ChannelSender:
    """The transport for one channel, which marks the channel's messages."""

    def __init__(self, transport: OrderedTransport) -> None:
        self._transport = transport
        self.has_closed = False

    def _send_user_message(self, data: paramiko.Message) -> None:
        self._transport._send_user_message(_ChannelMessage(data.asbytes(), self))  # pyright: ignore # not in its stubs

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the transport has
        return getattr(self._transport, name)


class _ChannelMessage(paramiko.Message):
    def __init__(self, octets: bytes, sender: _ChannelSender) -> None:
        super().__init__(octets)
        self.sender = sender


wait_by_monotonic_clock()

_logger = logging.getLogger(__name__)

DEAD_PEER_SECONDS = 30
"""How long sent data may stay unacknowledged before the kernel gives the connection up."""

_KEEPALIVE_SECONDS = 10

_LEAST_SECONDS = 1.0
"""The time of an attempt that begins shortly before the deadline; cut off earlier, it hides why the others failed."""

_NOTHING_TO_OFFER = "No authentication methods available"
"""Paramiko's message if it has neither a key nor an agent with one."""

_ENDED_BEFORE_OFFER = "No existing session"
"""Paramiko's message if the host has ended the connection before a key is offered."""

_ENDED_IN_CHECK = "transport shut down or saw EOF"
"""Paramiko's message if the host ends the connection while it checks a key; it looks like a refusal."""

Stream = socket.socket | paramiko.Channel
"""The stream below SSH: a TCP connection, or a channel of a jump host's connection."""


def label(host: Host | JumpHost) -> str:
    """How messages name a host: ``user@address:port``, an IPv6 address in brackets."""
    address = f"[{host.address}]" if ":" in host.address else host.address
    return f"{host.user}@{address}:{host.port}"


def log_in(host: Host, *, deadline_seconds: float) -> tuple[paramiko.SSHClient, ...]:
    """Log in to a host.

    Args:
        host: where it is, its key, and the login.
        deadline_seconds: how long to wait for a host that is still booting, and before that for its jump host.

    Returns:
        Its client, and that of its jump host, if it has one: they are closed together.

    Raises:
        HostKeyError: no key is pinned, or the host, or its jump host, showed another one.
        HostAuthenticationError: the private key can't be read, or the login was refused.
        HostUnreachableError: nothing that speaks SSH answered by the deadline.
    """
    private_key, pinned_key = _private_key(host), _pinned_key(host, host.known_hosts_path)
    stream, clients = _route_to(host, deadline_seconds)
    try:
        return (_log_in(_Attempt(host, pinned_key, private_key, stream), deadline_seconds), *clients)
    except BaseException:
        for client in clients:
            client.close()
        raise


def open_stream(host: Host, *, deadline_seconds: float) -> tuple[Stream, tuple[paramiko.SSHClient, ...]]:
    """Open a stream to a host's sshd and send nothing; returns also the client of its jump host, if it has one.

    Raises:
        HostKeyError: the jump host showed another key than the pinned one.
        HostAuthenticationError: the jump host refused the login.
        HostUnreachableError: nothing answered by the deadline.
    """
    stream, clients = _route_to(host, deadline_seconds)
    try:
        return stream(deadline_seconds), clients
    except (paramiko.SSHException, OSError, EOFError) as error:
        for client in clients:
            client.close()
        raise HostUnreachableError(
            f"{label(host)} can't be reached ({reason(error)}). Check that it runs and that address and port are right."
        ) from error


def _route_to(host: Host, seconds: float) -> tuple[Callable[[float], Stream], tuple[paramiko.SSHClient, ...]]:
    """How to open a stream to a host, and the client of its jump host, if it has one, which the caller closes."""
    jump = host.jump_host
    if jump is None:
        return _Direct(host.address, host.port), ()
    pinned_key = _pinned_key(jump, host.known_hosts_path)
    attempt = _Attempt(jump, pinned_key, _private_key(host), _Direct(jump.address, jump.port))
    client = _log_in(attempt, seconds)
    return _Through(client, host), (client,)


def reason(error: BaseException) -> str:
    """The text of an error, or its type if it has no text."""
    if isinstance(error, paramiko.ChannelException):
        return error.text
    return str(error) or type(error).__name__


@dataclass(frozen=True)
class _Direct:
    """Makes a TCP connection that notices a dead peer."""

    address: str
    port: int

    def __call__(self, seconds: float) -> Stream:
        stream = socket.create_connection((self.address, self.port), timeout=seconds)
        # Small packets go at once, and the kernel notices a dead peer, because missing answers to SSH's keepalive
        # packets go unnoticed. Source: tcp(7).
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_PEER_SECONDS * 1000)
        return stream


@dataclass(frozen=True)
class _Through:
    """Has a jump host connect to the host behind it."""

    jump: paramiko.SSHClient
    host: Host

    def __call__(self, seconds: float) -> Stream:
        transport = self.jump.get_transport()
        if transport is None:
            raise ConnectionResetError("the connection to the jump host is gone")
        target = (self.host.address, self.host.port)
        return transport.open_channel("direct-tcpip", target, ("127.0.0.1", 0), timeout=seconds)


@dataclass(frozen=True)
class _Attempt:
    """The parameters of one login."""

    target: Host | JumpHost
    pinned_key: paramiko.PKey
    private_key: paramiko.PKey | None
    stream: Callable[[float], Stream]


def _log_in(attempt: _Attempt, seconds: float) -> paramiko.SSHClient:
    """Log in to one host; failures are raised as the lab's errors."""
    name = label(attempt.target)
    ends_at = time.monotonic() + seconds
    retrying = Retrying(
        retry=retry_if_exception(lambda error: _is_booting(error, attempt)),
        stop=stop_before_delay(seconds),
        wait=wait_exponential(multiplier=0.1, max=1),
        before_sleep=before_sleep_log(_logger, logging.INFO),
        reraise=True,
    )
    try:
        return retrying(_open, attempt, ends_at)
    except paramiko.BadHostKeyException as error:
        raise HostKeyError(
            f"{name} showed the key {error.key.fingerprint} instead of the pinned {attempt.pinned_key.fingerprint}: "
            "the connection is refused. Either another machine answers at this address, or the host was recreated; "
            f"in that case {_new_key(attempt.target)}."
        ) from error
    except paramiko.AuthenticationException as error:
        raise HostAuthenticationError(_refused(attempt, error)) from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        if _NOTHING_TO_OFFER in str(error):
            raise HostAuthenticationError(
                f"There is no key to log in to {name} with: no SSH agent runs, or it has none (`ssh-add -l`). Start "
                "one and `ssh-add` a key, or name a private key in the stack document."
            ) from error
        if attempt.private_key is None and _ENDED_BEFORE_OFFER in str(error):
            raise HostAuthenticationError(
                f"{name} ended the login before the SSH agent's last key was offered: sshd accepts about five. "
                "Leave the right key alone in the agent (`ssh-add -D`, then `ssh-add` it), or name it as `private_key` "
                "in the stack document."
            ) from error
        raise HostUnreachableError(
            f"{name} gave no SSH answer within {seconds:g} s ({reason(error)}). "
            "Check that the host runs and that its address and port are right."
        ) from error


def _new_key(target: Host | JumpHost) -> str:
    """What to do if a host has a new key for a good reason."""
    if isinstance(target, JumpHost) or target.kind == "ssh":
        return (
            "compare the key with what `ssh-keygen -lf` says on the host itself, write it into the stack document as "
            "`host_key`, and run `lab up`"
        )
    return "run `lab down` and `lab up`"


def _refused(attempt: _Attempt, error: paramiko.AuthenticationException) -> str:
    name = label(attempt.target)
    if attempt.private_key is None:
        return (
            f"{name} refused the login with every key of the SSH agent ({error}). Check the user's name, and that "
            "`ssh-add -l` lists a key whose public half is in the host's authorized_keys."
        )
    if _ENDED_IN_CHECK in str(error):
        return (
            f"{name} ended the connection each time while it checked the key {attempt.private_key.fingerprint}. "
            "The log of its sshd says why."
        )
    return (
        f"{name} refused the login with the key {attempt.private_key.fingerprint} ({error}). "
        "Check the user's name, and that the key's public half is in the host's authorized_keys."
    )


def _open(attempt: _Attempt, ends_at: float) -> paramiko.SSHClient:
    """One attempt, with the rest of the deadline as its timeout, but at least `_LEAST_SECONDS`."""
    left = max(ends_at - time.monotonic(), _LEAST_SECONDS)
    target = attempt.target
    stream = attempt.stream(left)
    client = paramiko.SSHClient()
    try:
        name = known_hosts_name(target.address, target.port)
        client.get_host_keys().add(name, attempt.pinned_key.get_name(), attempt.pinned_key)
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        client.connect(
            target.address,
            port=target.port,
            username=target.user,
            pkey=attempt.private_key,
            sock=stream,
            timeout=left,
            banner_timeout=left,
            auth_timeout=left,
            channel_timeout=ANSWER_SECONDS,
            allow_agent=attempt.private_key is None,
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


def _is_booting(error: BaseException, attempt: _Attempt) -> bool:
    """Whether a host that is still coming up explains the error.

    Paramiko distinguishes two of these by their text alone: a closed or missing greeting, and a connection that ends
    while the host checks a key, as sshd ends it when it is restarted. A host also does that after too many of an
    agent's keys.
    """
    if isinstance(error, (ConnectionError, TimeoutError, EOFError)):
        return True
    if isinstance(error, OSError):
        return error.errno in {errno.EHOSTUNREACH, errno.ENETUNREACH}
    if isinstance(error, paramiko.ChannelException):
        return error.code == OPEN_FAILED_CONNECT_FAILED
    if isinstance(error, paramiko.AuthenticationException):
        return attempt.private_key is not None and _ENDED_IN_CHECK in str(error)
    return type(error) is paramiko.SSHException and "protocol banner" in str(error)


def _pinned_key(target: Host | JumpHost, known_hosts_path: str) -> paramiko.PKey:
    """A host's one key, from its document; the known_hosts file must pin the same."""
    name = label(target)
    try:
        key_type, encoded = target.host_public_key.split()[:2]
        pinned_key = paramiko.PKey.from_type_string(key_type, base64.b64decode(encoded, validate=True))
    except (ValueError, paramiko.SSHException, UnknownKeyType) as error:
        raise HostKeyError(
            f"No key of {name} is pinned: {target.host_public_key!r} is not a public key. Unknown hosts are refused; "
            "fix `host_key` in the stack document if it is there, and run `lab up` to have the host's key pinned."
        ) from error
    try:
        known = paramiko.HostKeys(known_hosts_path).lookup(known_hosts_name(target.address, target.port))
    except OSError as error:
        raise HostKeyError(
            f"The file of known hosts, {known_hosts_path}, can't be read ({error.strerror}), so no key of "
            f"{name} is pinned. Run `lab up` to have it written."
        ) from error
    except InvalidHostKey as error:
        raise HostKeyError(
            f"The file of known hosts, {known_hosts_path}, has a line that is no key, so no key of {name} "
            "is pinned. Run `lab up` to have it written again."
        ) from error
    if known is None:
        raise HostKeyError(
            f"No key of {name} is pinned in {known_hosts_path}. "
            "Unknown hosts are refused; run `lab up` to have the host's key made and pinned."
        )
    if known.get(pinned_key.get_name()) != pinned_key:
        raise HostKeyError(
            f"{known_hosts_path} pins another key for {name} than the inventory does. "
            "Run `lab up` to have it written again."
        )
    return pinned_key


def _private_key(host: Host) -> paramiko.PKey | None:
    """The private key of the login; None if the SSH agent has it."""
    if host.private_key_path is None:
        return None
    try:
        status = Path(host.private_key_path).stat()
        private_key = paramiko.PKey.from_path(host.private_key_path)
    except TypeError as error:
        # The library below Paramiko raises this if a passphrase is needed.
        raise HostAuthenticationError(
            f"The private key {host.private_key_path} for {label(host)} has a passphrase, which the lab can't "
            "enter. Give it to the SSH agent (`ssh-add`), and leave `private_key` out of the stack document."
        ) from error
    except UnsupportedAlgorithm as error:
        raise HostAuthenticationError(
            f"The private key {host.private_key_path} for {label(host)} is of a kind that can't be used from its file "
            f"({reason(error)}). Give it to the SSH agent (`ssh-add`), and leave `private_key` out of the stack "
            "document."
        ) from error
    except (OSError, ValueError, paramiko.SSHException, UnknownKeyType) as error:
        raise HostAuthenticationError(
            f"The private key {host.private_key_path} for {label(host)} can't be read ({reason(error)}). "
            "Run `lab up` to have it written again, or name another one in the stack document."
        ) from error
    # OpenSSH, which Docker uses to reach the host, ignores such a key. Source: authfile.c, sshkey_perm_ok.
    if status.st_uid == os.getuid() and status.st_mode & 0o077:
        raise HostAuthenticationError(
            f"Others may read the private key {host.private_key_path} for {label(host)}, so Docker's ssh won't use it. "
            f"Close it to them: chmod 600 {shlex.quote(host.private_key_path)}"
        )
    return private_key


_HOST_KEY_SECONDS = 20


def fetch_host_key(host: Host) -> str:
    """Ask a host for its key, without a login there; its jump host, if any, must show its pinned key.

    The recorded key isn't used.

    Returns:
        The key in one line of OpenSSH's format, ``ssh-ed25519 AAAA…``.

    Raises:
        HostUnreachableError: nothing that speaks SSH answered.
        HostKeyError: the jump host showed another key than the pinned one.
        HostAuthenticationError: the jump host refused the login.
    """
    stream, clients = open_stream(host, deadline_seconds=_HOST_KEY_SECONDS)
    try:
        with closing(OrderedTransport(stream)) as transport:
            transport.start_client(timeout=_HOST_KEY_SECONDS)
            key = transport.get_remote_server_key()
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise HostUnreachableError(
            f"{label(host)} shows no host key ({reason(error)}). Check that its sshd runs and listens at that port."
        ) from error
    finally:
        stream.close()
        for client in clients:
            client.close()
    return f"{key.get_name()} {key.get_base64()}"


def fingerprint(host_public_key: str) -> str:
    """The fingerprint of a key as OpenSSH shows it, ``SHA256:…``. Source: ssh-keygen(1), -l."""
    digest = hashlib.sha256(base64.b64decode(host_public_key.split()[1])).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"
