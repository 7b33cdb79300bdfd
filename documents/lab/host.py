"""A host: anything with SSH and Docker."""

from typing import Annotated, Literal

from pydantic import Field

from documents.base import Document

TcpPort = Annotated[int, Field(ge=1, le=65535)]
"""A TCP port of another machine; sshd's own is 22."""


def known_hosts_name(address: str, port: int) -> str:
    """A host's name in a known_hosts file. Source: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"."""
    return address if port == 22 else f"[{address}]:{port}"


class JumpHost(Document):
    """A host that SSH goes through on its way to another one, and the one key that it may show.

    It takes the login of the host behind it: the same key, or the same agent.
    """

    address: str
    port: TcpPort
    user: str
    host_public_key: str


class Host(Document):
    """How to reach a host over SSH, and the one key that it may show.

    `private_key_path` and `known_hosts_path` are files of mode 0600 on the controller; without a private key the login
    is the SSH agent's. `host_public_key` is one line in OpenSSH's format, ``ssh-ed25519 AAAA…``. With `sudo`, the user
    isn't root and becomes it by sudo for all that the lab does.
    """

    kind: Literal["container", "ssh", "aws", "hetzner"]
    address: str
    port: TcpPort
    user: str
    private_key_path: str | None
    known_hosts_path: str
    host_public_key: str
    jump_host: JumpHost | None = None
    sudo: bool = False


class HostResources(Document):
    """What a host has, as its kernel tells it: physical cores with their CPUs (SMT siblings together), memory in bytes.

    Without a kernel of its own it is a container, and its kernel's settings are those of the machine below it.
    """

    cores: tuple[tuple[int, ...], ...]
    memory_bytes: int
    own_kernel: bool


class HostSize(Document):
    """What the lab has of the host: its CPUs by the kernel's numbers, and its memory in bytes.

    `smaller` says that this is less than the article's machine of 8 cores and 16 GB; results of a smaller host
    are never compared with those of a full one. `shared_cores` says that other tenants of a cloud have the same cores,
    so that how much of a core there is depends on them.
    """

    cpus: tuple[int, ...]
    memory_bytes: int
    smaller: bool
    shared_cores: bool = False
