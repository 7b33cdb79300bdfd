"""How an existing host is reached: from its stack document, and from the keys that were given or confirmed."""

from pathlib import Path

from documents.errors import HostKeyError
from documents.host import Host, JumpHost
from documents.host_kinds import ExistingHost
from documents.host_kinds import JumpHost as JumpHostDocument
from lab.hosts.pinned_keys import pinned_key
from lab.hosts.place import host_folder
from lab.known_hosts import KNOWN_HOSTS_NAME


def describe_host(document: ExistingHost, folder: Path) -> Host:
    """How the host of a stack document is reached, with its keys as they are given or were confirmed.

    Args:
        document: the host.
        folder: the stack's own on the controller.

    Raises:
        HostKeyError: a key is neither given nor confirmed; says what to do.
    """
    return describe_way(document, folder, _require_key(document, folder))


def describe_way(document: ExistingHost, folder: Path, host_public_key: str) -> Host:
    """How the host is reached, with a key that isn't looked at here; that of its jump host must be known.

    Raises:
        HostKeyError: the jump host's key is neither given nor confirmed.
    """
    jump = document.jump_host
    return Host(
        kind="ssh",
        address=document.address,
        port=document.port,
        user=document.user,
        private_key_path=None if document.private_key is None else str(Path(document.private_key).expanduser()),
        known_hosts_path=str(host_folder(document, folder) / KNOWN_HOSTS_NAME),
        host_public_key=host_public_key,
        jump_host=jump
        and JumpHost(address=jump.address, port=jump.port, user=jump.user, host_public_key=_require_key(jump, folder)),
        sudo=document.user != "root",
    )


def known_key(host: ExistingHost | JumpHostDocument, folder: Path) -> str | None:
    """The key of a host that its document gives, or that was confirmed; None where neither is so."""
    return host.host_key or pinned_key(folder, host.address, host.port)


def _require_key(host: ExistingHost | JumpHostDocument, folder: Path) -> str:
    if (key := known_key(host, folder)) is None:
        raise HostKeyError(
            f"No key of {host.address}, port {host.port}, is pinned, and unknown hosts are refused. Write it into the "
            "stack document as `host_key`, or run `lab up` at a terminal, which shows it and asks."
        )
    return key
