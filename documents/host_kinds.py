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


class ContainerHost(Document):
    """A host made as a container on the controller's own Docker engine, with sshd and an engine of its own."""

    kind: Literal["container"]
    cpus: Annotated[int, Field(ge=1, le=1024)] = 8
    memory_gb: Annotated[int, Field(ge=2, le=4096)] = 16
    ssh_port: Port = 22022
    build_cache: Literal["keep", "discard"] = "discard"


class JumpHost(Document):
    """A machine that SSH goes through on its way to the host, with the host's login."""

    address: HostAddress
    port: TcpPort = 22
    user: UserName = "root"
    host_key: PublicKey | None = None


class SshHost(Document):
    """A Debian or Ubuntu machine that exists: root's, or a user's who may become root by sudo without a password.

    Without a `private_key`, a path on the controller, the login is the SSH agent's. A `host_key` that isn't given is
    shown by the first `lab up`, for confirmation. Of the machine's CPUs the first physical cores with at most `cpus`
    are used.
    """

    kind: Literal["ssh"]
    address: HostAddress
    port: TcpPort = 22
    user: UserName = "root"
    private_key: str | None = None
    host_key: PublicKey | None = None
    jump_host: JumpHost | None = None
    cpus: Annotated[int, Field(ge=1, le=1024)] = 8
    build_cache: Literal["keep", "discard"] = "discard"

    @model_validator(mode="after")
    def _not_through_itself(self) -> "SshHost":
        if self.jump_host and (self.jump_host.address, self.jump_host.port) == (self.address, self.port):
            raise FaultyKeyError(("jump_host",), "the jump host is the host itself; leave it out")
        return self

    @field_validator("private_key")
    @classmethod
    def _whole_path(cls, path: str | None) -> str | None:
        if path is not None and not path.startswith(("/", "~/")):
            raise ValueError("name the whole path of the private key, beginning with / or ~/")
        return path


AnyHost = ContainerHost | SshHost | AwsHost | HetznerHost


def keeps_images(host: AnyHost) -> bool:
    """Whether images and build cache outlive a lab on the host; a machine of a cloud goes as a whole."""
    return isinstance(host, ContainerHost | SshHost) and host.build_cache == "keep"
