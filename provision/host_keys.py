"""The key that a host shows, before any is pinned: for somebody to look at who can tell whether it is the right one."""

import base64
import hashlib
from contextlib import closing

import paramiko

from documents.errors import HostUnreachableError
from documents.host import Host
from provision.login import label, open_stream, reason

_SECONDS = 20


def fetch_host_key(host: Host) -> str:
    """Ask a host for its key. Nobody logs in but on the jump host, if there is one, which must show its pinned key.

    Args:
        host: where it is; what it has as its key isn't looked at.

    Returns:
        The key in one line of OpenSSH's format, ``ssh-ed25519 AAAA…``.

    Raises:
        HostUnreachableError: nothing that speaks SSH answered.
        HostKeyError: the jump host showed another key than the pinned one.
        HostAuthenticationError: the jump host refused the login.
    """
    stream, clients = open_stream(host, deadline_seconds=_SECONDS)
    try:
        with closing(paramiko.Transport(stream)) as transport:
            transport.start_client(timeout=_SECONDS)
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
