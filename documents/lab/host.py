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
    """A host that SSH goes through on its way to another one, with the other one's login.

    Attributes:
        host_public_key: the one key that it may show
    """

    address: str
    port: TcpPort
    user: str
    host_public_key: str


class Host(Document):
    """How to reach a host over SSH.

    Attributes:
        port: of its sshd
        private_key_path: on the controller, of mode 0600; null where the SSH agent logs in
        known_hosts_path: on the controller, of mode 0600
        host_public_key: the one key that it may show, in OpenSSH's format
        sudo: whether the user becomes root by sudo for all that the lab does
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
    """What the lab has of the host.

    Attributes:
        smaller: less than the article's 8 physical cores and 16 GB (14.8 GiB, for a kernel reports less); never
            compared with a full host
        shared_cores: other tenants of a cloud have the same cores
    """

    cpus: tuple[int, ...]
    memory_bytes: int
    smaller: bool
    shared_cores: bool = False
