"""The host of a stack document: what kind of machine the lab stands on."""

import ipaddress
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from documents.base import Document, FaultyKeyError, Port
from documents.cloud_hosts import AwsHost, HetznerHost
from documents.host import TcpPort

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


def _private_address(text: str) -> str:
    address = ipaddress.IPv4Address(text)
    if address.is_global or address.is_loopback or address.is_unspecified or address.is_link_local:
        raise ValueError(f"{text} isn't an address of a private network; the APIs are open to who reaches it")
    return text


def _private_network(text: str) -> str:
    network = ipaddress.IPv4Network(text)
    if network.is_global or network.is_loopback or network.is_link_local or not 16 <= network.prefixlen <= 28:
        raise ValueError(f"{text} isn't a private network of 16 to 65,536 addresses")
    return text


PrivateAddress = Annotated[str, AfterValidator(_private_address)]
"""An IPv4 address in a private network that a host and its load hosts have in common."""

PrivateNetwork = Annotated[str, AfterValidator(_private_network)]
"""A private IPv4 network, as ``10.1.2.0/28``."""


class ContainerHost(Document):
    """A host made as a container on the controller's own Docker engine, with sshd and an engine of its own.

    Where there are load hosts, all of them are in a network of Docker's that is `private_network`, in which the
    controller is, too; one drawn from the stack's name unless given.
    """

    kind: Literal["container"]
    cpus: Annotated[int, Field(ge=1, le=1024)] = 8
    memory_gb: Annotated[int, Field(ge=2, le=4096)] = 16
    ssh_port: Port = 22022
    private_network: PrivateNetwork | None = None
    build_cache: Literal["keep", "discard"] = "discard"


class JumpHost(Document):
    """A machine that SSH goes through on its way to the host, with the host's login."""

    address: HostAddress
    port: TcpPort = 22
    user: UserName = "root"
    host_key: PublicKey | None = None


class ExistingHost(Document):
    """A Debian or Ubuntu machine that exists: root's, or a user's who may become root by sudo without a password.

    Without a `private_key`, a path on the controller, the login is the SSH agent's. A `host_key` that isn't given is
    shown by the first `lab up`, for confirmation.
    """

    kind: Literal["ssh"]
    address: HostAddress
    port: TcpPort = 22
    user: UserName = "root"
    private_key: str | None = None
    host_key: PublicKey | None = None
    jump_host: JumpHost | None = None

    @model_validator(mode="after")
    def _not_through_itself(self) -> "ExistingHost":
        if self.jump_host and (self.jump_host.address, self.jump_host.port) == (self.address, self.port):
            raise FaultyKeyError(("jump_host",), "the jump host is the host itself; leave it out")
        return self

    @field_validator("private_key")
    @classmethod
    def _whole_path(cls, path: str | None) -> str | None:
        if path is not None and not path.startswith(("/", "~/")):
            raise ValueError("name the whole path of the private key, beginning with / or ~/")
        return path


class SshHost(ExistingHost):
    """The lab's host on a machine that exists.

    Of the machine's CPUs the first physical cores with at most `cpus` are used. `private_address` is where its load
    hosts reach it, if it has any.
    """

    private_address: PrivateAddress | None = None
    cpus: Annotated[int, Field(ge=1, le=1024)] = 8
    build_cache: Literal["keep", "discard"] = "discard"


class ContainerLoadHost(Document):
    """A load host made as a container beside that of the lab's host, and as large."""

    kind: Literal["container"]
    ssh_port: Port


class SshLoadHost(ExistingHost):
    """A load host on a machine that exists. No Docker engine is needed there."""


class CloudLoadHost(Document):
    """A load host at the cloud of the lab's host: a machine of the same type, image and disk, in the same place."""

    kind: Literal["aws", "hetzner"]


AnyLoadHost = Annotated[ContainerLoadHost | SshLoadHost | CloudLoadHost, Field(discriminator="kind")]
"""What puts load on the lab's host from beside it; of the same kind as that."""


AnyHost = ContainerHost | SshHost | AwsHost | HetznerHost


def keeps_images(host: AnyHost) -> bool:
    """Whether images and build cache outlive a lab on the host; a machine of a cloud goes as a whole."""
    return isinstance(host, ContainerHost | SshHost) and host.build_cache == "keep"
