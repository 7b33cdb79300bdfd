"""A host: anything with SSH and Docker."""

import ipaddress
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from documents.base import Document, FaultyKeyError

TcpPort = Annotated[int, Field(ge=1, le=65535)]
"""A TCP port of another machine; sshd's own is 22."""


def known_hosts_name(address: str, port: int) -> str:
    """A host's name in a known_hosts file. Source: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"."""
    return address if port == 22 else f"[{address}]:{port}"


_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")


def _name_or_address(text: str) -> str:
    """A name of RFC 1123, section 2.1, with the underscore that many networks take too; or an address as it is."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        address = None
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        raise ValueError("an address that is good on one link alone can't be pinned; name another one of the machine")
    if address is None and not (_NAME.fullmatch(text) and len(text) <= 253):
        raise ValueError(
            "write the machine's name or its IP address alone, an IPv6 address without brackets; user and port have "
            "keys of their own"
        )
    return text


HostAddress = Annotated[str, AfterValidator(_name_or_address)]
"""A name or an IP address of a machine."""

UserName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,31}$")]

_KEY = re.compile(r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+={0,2}")


def _key_alone(text: str) -> str:
    if not _KEY.fullmatch(text):
        raise ValueError(
            "write the key's type and the key alone, without host name or comment, as `ssh-ed25519 AAAA…`: the first "
            "two words of a file /etc/ssh/ssh_host_*_key.pub of that machine"
        )
    return text


PublicKey = Annotated[str, AfterValidator(_key_alone)]
"""A public key in one line of OpenSSH's format, without a comment."""


class JumpHost(Document):
    """A machine that SSH goes through on its way to the host, with the host's login.

    In a stack document `host_key` may be left out; in the inventory it is the one key that the machine may show.
    """

    address: HostAddress
    port: TcpPort = 22
    user: UserName = "root"
    host_key: PublicKey | None = None

    @property
    def host_public_key(self) -> str:
        """The key under the name that a `Host` has for its own; an empty text where it isn't known."""
        return self.host_key or ""


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

    @model_validator(mode="after")
    def _knows_the_key_of_its_jump_host(self) -> "Host":
        if self.jump_host is not None and self.jump_host.host_key is None:
            raise FaultyKeyError(("jump_host", "host_key"), "this key is missing")
        return self


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
