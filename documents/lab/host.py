"""A host: how it is reached over SSH, what the lab uses of it, and the CPUs of each role."""

import ipaddress
import re
from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal, cast, get_args

from pydantic import AfterValidator, Field, field_validator, model_validator

from documents.base import Document, FaultyKeyError

Service = Literal["postgres", "redis"]
"""What all APIs use and wait for. Each is a role."""

SERVICES: dict[Service, str] = {"postgres": "PostgreSQL", "redis": "Redis"}
"""The services with the names that readers know them by."""

HostRole = Literal["api", Service]
"""Always on the lab's host, in a container."""

HOST_ROLES: tuple[HostRole, ...] = ("api", *SERVICES)

Role = Literal[HostRole, "generator", "system"]
"""`system` is the rest: sshd, the container engine and the sampler. Redis shares its CPUs unless an explicit
core layout separates them."""

ROLES: tuple[Role, ...] = get_args(Role)

PhysicalCore = tuple[int, ...]
"""The CPUs of one physical core: one, or SMT siblings."""


class CoreLayout(Document):
    """The CPUs of each role, by the kernel's numbers, in rising order.

    Attributes:
        generator: empty where the load comes from load hosts
        shared: roles share a CPU, other than Redis and system
    """

    api: tuple[int, ...]
    postgres: tuple[int, ...]
    redis: tuple[int, ...]
    generator: tuple[int, ...]
    system: tuple[int, ...]
    shared: bool

    @model_validator(mode="after")
    def _consistent(self) -> "CoreLayout":
        for role in ROLES:
            if list(self.of(role)) != sorted(set(self.of(role))):
                raise ValueError(f"the CPUs of {role} must rise, each once")
        if not all(self.of(role) for role in ROLES if role != "generator"):
            raise ValueError("every role but the generator needs a CPU")
        if roles_share({role: self.of(role) for role in ROLES}) != self.shared:
            raise ValueError("`shared` must say whether CPUs are shared between roles")
        return self

    def of(self, role: Role) -> tuple[int, ...]:
        """The CPUs of one role."""
        return getattr(self, role)

    def shares(self, role: Role) -> bool:
        """Whether another role has one of its CPUs."""
        return any({*self.of(role)} & {*self.of(other)} for other in ROLES if other != role)

    def joined(self, role: Role) -> frozenset[int]:
        """The CPUs of one role, of the roles that share one of them, and so on."""
        cpus = frozenset(self.of(role))
        while grown := {cpu for other in ROLES if cpus & {*self.of(other)} for cpu in self.of(other)} - cpus:
            cpus |= grown
        return cpus

    def cpu_list(self, role: Role) -> str:
        """The CPUs of one role as the kernel writes a CPU list, such as ``0,1,2``."""
        return format_cpu_list(self.of(role))


def roles_share(cpus: Mapping[str, Collection[int]]) -> bool:
    """Whether roles share a CPU, other than Redis and system; `cpus` are those of each role."""
    measured = [{*cpus["api"]}, {*cpus["postgres"]}, {*cpus["generator"]}, {*cpus["redis"], *cpus["system"]}]
    return sum(map(len, measured)) != len(set[int]().union(*measured))


def parse_cpu_list(text: str) -> tuple[int, ...]:
    """The CPUs of a kernel CPU list such as ``0-2,5``, in rising order.

    Source: cpuset(7), "List format"; Linux has at most 8,192 CPUs.

    Raises:
        ValueError: the text isn't a CPU list, or a range falls.
    """
    cpus: set[int] = set()
    for part in text.strip().split(","):
        match = re.fullmatch(r"([0-9]{1,4})(?:-([0-9]{1,4}))?", part)
        if match is None:
            raise ValueError(f"{text!r} is not a CPU list such as 0-2,5")
        first = int(match[1])
        last = int(match[2] or first)
        if last < first:
            raise ValueError(f"the range {part} in the CPU list {text!r} falls")
        cpus.update(range(first, last + 1))
    return tuple(sorted(cpus))


def format_cpu_list(cpus: Collection[int]) -> str:
    """CPUs as the kernel reads a CPU list, in rising order, such as ``0,1,2``."""
    return ",".join(map(str, sorted(cpus)))


def _check_cpu_list(text: str) -> str:
    parse_cpu_list(text)
    return text


CpuList = Annotated[
    str,
    AfterValidator(_check_cpu_list),
    Field(json_schema_extra={"pattern": r"^[0-9]{1,4}(-[0-9]{1,4})?(,[0-9]{1,4}(-[0-9]{1,4})?)*$"}),
]
"""CPUs as the kernel writes them, such as ``0-2,5``: a text that `parse_cpu_list` reads."""


TcpPort = Annotated[int, Field(ge=1, le=65535)]
"""A TCP port of another machine; sshd's own is 22."""


def known_hosts_name(address: str, port: int) -> str:
    """A host's name in a known_hosts file. Source: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"."""
    return address if port == 22 else f"[{address}]:{port}"


_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")


def _name_or_address(text: str) -> str:
    """A name of RFC 1123, section 2.1, with the underscore that many networks accept; or an address."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        address = None
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        raise ValueError("an address that is valid only on one link can't be pinned; give another one of the machine")
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
    """A machine through which SSH reaches the host, with the host's login.

    Attributes:
        host_key: the one key that it may show; the first `lab up` shows it for confirmation if a stack document
            leaves it out
    """

    address: HostAddress
    port: TcpPort = 22
    user: UserName = "root"
    host_key: PublicKey | None = None

    @property
    def host_public_key(self) -> str:
        """The same key, by the name that it has in `Host`; empty if it isn't known."""
        return self.host_key or ""


CloudKind = Literal["aws", "hetzner"]
"""A cloud, at which the lab makes a host; `lab/hosts/cloud.py` has what each needs."""

HostKind = Literal["container", "ssh", CloudKind]


class Host(Document):
    """How to reach a host over SSH.

    Attributes:
        port: of its sshd
        private_key_path: on the controller, of mode 0600; null where the SSH agent logs in
        known_hosts_path: on the controller, of mode 0600
        host_public_key: the one key that it may show, in OpenSSH's format
        sudo: whether the user becomes root by sudo for everything that the lab does
    """

    kind: HostKind
    address: str
    port: TcpPort
    user: str
    private_key_path: str | None
    known_hosts_path: str
    host_public_key: str
    jump_host: JumpHost | None = None
    sudo: bool = False

    @field_validator("jump_host", mode="before")
    @classmethod
    def _with_its_older_key(cls, jump_host: object) -> object:
        # Older inventories, in runs and in labs that are up, call a jump host's key as the host's own.
        if isinstance(jump_host, dict) and "host_public_key" in jump_host:
            members = cast("dict[str, Any]", jump_host)
            return {"host_key" if name == "host_public_key" else name: value for name, value in members.items()}
        return cast("object", jump_host)

    @model_validator(mode="after")
    def _knows_the_key_of_its_jump_host(self) -> "Host":
        if self.jump_host is not None and self.jump_host.host_key is None:
            raise FaultyKeyError(("jump_host", "host_key"), "this key is missing")
        return self


class HostResources(Document):
    """What a host has, as its kernel reports it: physical cores with their CPUs (SMT siblings together), and memory.

    Without a kernel of its own it is a container, and its kernel's settings are those of the machine below it.
    """

    cores: tuple[PhysicalCore, ...]
    memory_bytes: int
    own_kernel: bool


class HostSize(Document):
    """What the lab uses of the host.

    Attributes:
        smaller: less than the article's 8 physical cores and 16 GB (14.8 GiB, because a kernel reports less); never
            compared with a full host
        shared_cores: other tenants of a cloud use the same cores
    """

    cpus: tuple[int, ...]
    memory_bytes: int
    smaller: bool
    shared_cores: bool = False
