"""How an existing host is reached: from its stack document, and from the keys that were given or confirmed."""

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from documents.errors import HostKeyError
from documents.host import Host, JumpHost
from documents.host_kinds import JumpHost as JumpHostDocument
from documents.host_kinds import SshHost
from lab.hosts.pinned_keys import pinned_key
from lab.known_hosts import KNOWN_HOSTS_NAME, list_known_hosts
from provision.connection import Connection, connect
from provision.host_keys import fetch_host_key


def describe_host(document: SshHost, folder: Path) -> Host:
    """How the host of a stack document is reached, with its keys as they are given or were confirmed.

    Args:
        document: the host.
        folder: the stack's own on the controller.

    Raises:
        HostKeyError: a key is neither given nor confirmed; says what to do.
    """
    return _describe(document, folder, _require_key(document, folder))


def unknown_hosts(document: SshHost, folder: Path) -> tuple[SshHost | JumpHostDocument, ...]:
    """The host and its jump host, as far as their keys are neither given nor confirmed; the jump host goes first."""
    way = (document,) if document.jump_host is None else (document.jump_host, document)
    return tuple(host for host in way if _key(host, folder) is None)


def ask_for_key(document: SshHost, folder: Path, target: SshHost | JumpHostDocument) -> str:
    """The key that a host shows that isn't known yet; that of its jump host must be known by then.

    Raises:
        HostUnreachableError: nothing that speaks SSH answered.
        HostKeyError: the jump host showed another key than the pinned one, or none of it is known.
        HostAuthenticationError: the jump host refused the login.
    """
    if isinstance(target, JumpHostDocument):
        # Whatever login it has isn't tried: only its key is asked for.
        alone = SshHost(kind="ssh", address=target.address, port=target.port, user=target.user)
        return fetch_host_key(_describe(alone, folder, ""))
    with _with_known_hosts(_describe(document, folder, "")) as host:
        return fetch_host_key(host)


@contextmanager
def reach_host(document: SshHost, folder: Path) -> Generator[Connection]:
    """A connection to the host of a stack document, also where the lab's own SSH files are gone.

    Raises:
        HostError: a key isn't known, or the host can't be reached.
    """
    with _with_known_hosts(describe_host(document, folder)) as host, connect(host) as connection:
        yield connection


def _describe(document: SshHost, folder: Path, host_public_key: str) -> Host:
    jump = document.jump_host
    return Host(
        kind="ssh",
        address=document.address,
        port=document.port,
        user=document.user,
        private_key_path=None if document.private_key is None else str(Path(document.private_key).expanduser()),
        known_hosts_path=str(folder / "ssh" / KNOWN_HOSTS_NAME),
        host_public_key=host_public_key,
        jump_host=jump
        and JumpHost(address=jump.address, port=jump.port, user=jump.user, host_public_key=_require_key(jump, folder)),
        sudo=document.user != "root",
    )


def _key(host: SshHost | JumpHostDocument, folder: Path) -> str | None:
    return host.host_key or pinned_key(folder, host.address, host.port)


def _require_key(host: SshHost | JumpHostDocument, folder: Path) -> str:
    if (key := _key(host, folder)) is None:
        raise HostKeyError(
            f"No key of {host.address}, port {host.port}, is pinned, and unknown hosts are refused. Write it into the "
            "stack document as `host_key`, or run `lab up` at a terminal, which shows it and asks."
        )
    return key


@contextmanager
def _with_known_hosts(host: Host) -> Generator[Host]:
    """The host, with a file of known hosts of its own while the context is open."""
    with tempfile.TemporaryDirectory(prefix="fairground-ssh-") as folder:
        path = Path(folder) / KNOWN_HOSTS_NAME
        path.write_text(list_known_hosts(host), encoding="ascii")
        yield host.model_copy(update={"known_hosts_path": str(path)})
