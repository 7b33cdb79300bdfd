"""Reaching an existing host from its stack document alone: before the lab is on record, and after."""

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from documents.host import Host
from documents.host_kinds import ExistingHost, JumpHost
from lab.hosts.ssh_login import describe_host, describe_way, known_key
from lab.known_hosts import KNOWN_HOSTS_NAME, list_known_hosts
from provision.connection import Connection, connect
from provision.host_keys import fetch_host_key


def unknown_hosts(document: ExistingHost, folder: Path) -> tuple[ExistingHost | JumpHost, ...]:
    """The host and its jump host, as far as their keys are neither given nor confirmed; the jump host goes first.

    Args:
        document: the host.
        folder: the stack's own on the controller.
    """
    way = (document,) if document.jump_host is None else (document.jump_host, document)
    return tuple(host for host in way if known_key(host, folder) is None)


def ask_for_key(document: ExistingHost, folder: Path, target: ExistingHost | JumpHost) -> str:
    """The key that a host shows that isn't known yet; that of its jump host must be known by then.

    Raises:
        HostUnreachableError: nothing that speaks SSH answered.
        HostKeyError: the jump host showed another key than the pinned one, or none of it is known.
        HostAuthenticationError: the jump host refused the login.
    """
    if isinstance(target, JumpHost):
        alone = ExistingHost(kind="ssh", address=target.address, port=target.port, user=target.user)
        return fetch_host_key(describe_way(alone, folder, ""))
    with _with_known_hosts(describe_way(document, folder, "")) as host:
        return fetch_host_key(host)


@contextmanager
def reach_host(document: ExistingHost, folder: Path) -> Generator[Connection]:
    """A connection to the host of a stack document, also where the lab's own SSH files are gone.

    Raises:
        HostError: a key isn't known, or the host can't be reached.
    """
    with _with_known_hosts(describe_host(document, folder)) as host, connect(host) as connection:
        yield connection


@contextmanager
def _with_known_hosts(host: Host) -> Generator[Host]:
    """The host, with a file of known hosts of its own while the context is open."""
    with tempfile.TemporaryDirectory(prefix="fairground-ssh-") as folder:
        path = Path(folder) / KNOWN_HOSTS_NAME
        path.write_text(list_known_hosts(host), encoding="ascii")
        yield host.model_copy(update={"known_hosts_path": str(path)})
