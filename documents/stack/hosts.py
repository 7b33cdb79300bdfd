"""The host of a stack document: the lab's machine, and the cost of one at a cloud."""

import ipaddress
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field, field_validator, model_validator

from documents.base import Document, FaultyKeyError, Port
from documents.lab import CloudKind, HostAddress, JumpHost, PublicKey, TcpPort, UserName

Owner = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$")]
"""The owner of a lab. It becomes a tag, and Hetzner has the strictest rules for tags.

Source: Hetzner Cloud API, "Labels": a value has at most 63 characters, begins and ends with a letter or digit, and has
letters, digits, ``-``, ``_`` and ``.`` between.
"""

_NARROWEST_REFUSED_BITS = 23
"""A network with a prefix of at most this many bits is too large for the controller's address."""

_NEVER_SEEN_FROM_OUTSIDE = tuple(
    map(
        ipaddress.IPv4Network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.168.0.0/16", "224.0.0.0/3"),
        ),
    )
)
"""Networks whose addresses aren't used on the internet. Source: RFC 6890, RFC 5771; RFC 1112, section 4."""

Cpus = Annotated[int, Field(ge=1, le=1024)]

BuildCache = Literal["keep", "discard"]

NetworkZone = Literal["eu-central", "us-east", "us-west", "ap-southeast"]

NETWORK_ZONES: dict[str, NetworkZone] = {
    "fsn1": "eu-central",
    "nbg1": "eu-central",
    "hel1": "eu-central",
    "ash": "us-east",
    "hil": "us-west",
    "sin": "ap-southeast",
}
"""The network zone of each of Hetzner's locations. Source: Hetzner Docs, "Locations"."""


class Price(Document):
    """An amount of money: ``{amount: 0.5, currency: EUR}``.

    Attributes:
        currency: three capital letters, such as EUR
    """

    amount: Annotated[float, Field(ge=0.0001, le=1000)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class Bill(Document):
    """What a lab's machines cost: shown and confirmed before any is made.

    Attributes:
        place: the cloud's region or location
        price_per_hour: for one machine
        expires: when the lab may be taken down
    """

    kind: CloudKind
    machine_type: str
    place: str
    machines: Annotated[int, Field(ge=1)]
    price_per_hour: Price
    expires: AwareDatetime


class _CloudHost(Document):
    """What all machines of a cloud have in common.

    Attributes:
        owner: whose the lab is; a tag with up to 63 letters, digits, `-`, `_` and `.`
        expires: when the lab may be taken down, with its time zone and in quotes; a tag
        allowed_from: the controller's own IPv4 address as the internet sees it, as a network of /24 to /32; SSH is
            open to it alone
        price_per_hour: what one machine costs an hour
        cpus: the most CPUs that the lab uses: whole physical cores, so 16 on a machine with SMT are 8 physical
            cores
    """

    owner: Owner
    expires: AwareDatetime
    allowed_from: str
    price_per_hour: Price
    cpus: Cpus = 8

    @field_validator("expires")
    @classmethod
    def _whole_seconds(cls, expires: datetime) -> datetime:
        try:
            return expires.astimezone(UTC).replace(microsecond=0)
        except OverflowError as error:
            raise ValueError(
                "in UTC this moment isn't in the years 1 to 9999; name an earlier or a later one"
            ) from error

    @field_validator("allowed_from")
    @classmethod
    def _only_the_controller(cls, allowed_from: str) -> str:
        try:
            network = ipaddress.IPv4Network(allowed_from)
        except ValueError as error:
            raise ValueError(
                "write the controller's own IPv4 address, from which it reaches the machines, as a network: "
                "203.0.113.7/32"
            ) from error
        if network.prefixlen <= _NARROWEST_REFUSED_BITS:
            raise ValueError(
                f"{allowed_from} allows {network.num_addresses:,} addresses; narrow it to the controller's own, which "
                "ends in /32, or to its network of at most /24"
            )
        if any(network.subnet_of(inner) for inner in _NEVER_SEEN_FROM_OUTSIDE):
            raise ValueError(
                f"{allowed_from} is a private address, which no machine at a cloud sees; write the address that the "
                "controller has on the internet"
            )
        return str(network)

    def _bill(self, kind: CloudKind, machine_type: str, place: str, machines: int) -> Bill:
        return Bill(
            kind=kind,
            machine_type=machine_type,
            place=place,
            machines=machines,
            price_per_hour=self.price_per_hour,
            expires=self.expires,
        )


class AwsHost(_CloudHost):
    """A machine of Amazon EC2, made for the lab in a network of its own.

    Attributes:
        region: such as eu-central-1
        availability_zone: a zone of that region; Amazon's choice unless given
        ami: the image, Debian 13; each region has its own
        instance_type: the machine
        disk_gb: its disk
    """

    kind: Literal["aws"]
    region: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]
    availability_zone: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9][a-z]$")] | None = None
    ami: Annotated[str, Field(pattern=r"^ami-[0-9a-f]{8,17}$")]
    instance_type: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$")] = "c7a.2xlarge"
    disk_gb: Annotated[int, Field(ge=20, le=16384)] = 60

    @model_validator(mode="after")
    def _zone_of_the_region(self) -> "AwsHost":
        if self.availability_zone is not None and self.availability_zone[:-1] != self.region:
            raise FaultyKeyError(("availability_zone",), f"this zone isn't in the region {self.region}")
        return self

    @property
    def shared_cores(self) -> bool:
        """Whether other tenants use the same cores: true for burstable types (T2, T3, T3a, T4g) and flexible ones.

        Source: Amazon EC2 User Guide, "Burstable performance instances" and "Flex instances".
        """
        family = self.instance_type.partition(".")[0]
        return self.burstable or family.endswith("-flex")

    @property
    def burstable(self) -> bool:
        """Whether the type has CPU credits, which can be bought beyond its price."""
        return self.instance_type[0] == "t" and self.instance_type[1].isdigit()

    def bill(self, machines: int) -> Bill:
        """The cost of this number of machines."""
        return self._bill(self.kind, self.instance_type, self.region, machines)


class HetznerHost(_CloudHost):
    """A server of Hetzner Cloud, made for the lab; its type includes its disk.

    Attributes:
        location: where it is
        server_type: the machine
        image: the operating system
    """

    kind: Literal["hetzner"]
    location: Literal["fsn1", "nbg1", "hel1", "ash", "hil", "sin"]
    server_type: Annotated[str, Field(pattern=r"^[a-z]{2,4}[0-9]{2,3}$")] = "ccx33"
    image: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")] = "debian-13"

    @property
    def shared_cores(self) -> bool:
        """Whether other tenants use the same cores: true for every family but CCX.

        Source: Hetzner Docs, "Cloud servers, overview": shared and dedicated vCPU.
        """
        return not self.server_type.startswith("ccx")

    def bill(self, machines: int) -> Bill:
        """The cost of this number of machines."""
        return self._bill(self.kind, self.server_type, self.location, machines)


CloudHost = AwsHost | HetznerHost


def cloud_tags(stack: str, host: CloudHost) -> dict[str, str]:
    """The tags of all of a lab's resources at a cloud.

    The moment is in the basic format of ISO 8601 and in UTC, ``20261201T180000Z``: Hetzner allows no colon.
    """
    return {
        "fairground-stack": stack,
        "fairground-owner": host.owner,
        "fairground-expires": f"{host.expires:%Y%m%dT%H%M%SZ}",
    }


def _private_address(text: str) -> str:
    address = ipaddress.IPv4Address(text)
    if address.is_global or address.is_loopback or address.is_unspecified or address.is_link_local:
        raise ValueError(f"{text} isn't an address of a private network; anyone who reaches it can use the APIs")
    return text


def _private_network(text: str) -> str:
    network = ipaddress.IPv4Network(text)
    if network.is_global or network.is_loopback or network.is_link_local or not 16 <= network.prefixlen <= 28:
        raise ValueError(f"{text} isn't a private network of 16 to 65,536 addresses")
    return text


PrivateAddress = Annotated[str, AfterValidator(_private_address)]
"""An IPv4 address in a private network of a host and its load hosts."""

PrivateNetwork = Annotated[str, AfterValidator(_private_network)]
"""A private IPv4 network, as ``10.1.2.0/28``."""


class ContainerHost(Document):
    """A host made as a container on the controller's Docker engine, with sshd and an engine of its own.

    Attributes:
        cpus: the most CPUs that the lab uses: whole physical cores, so 16 on a machine with SMT are 8 physical
            cores
        memory_gb: its memory limit in GiB
        ssh_port: its sshd's port on the controller's 127.0.0.1
        private_network: the network of the host and its load hosts, of /16 to /28; drawn from the stack's name
            unless given
        build_cache: whether images and build caches outlive `lab down`
    """

    kind: Literal["container"]
    cpus: Cpus = 8
    memory_gb: Annotated[int, Field(ge=2, le=4096)] = 16
    ssh_port: Port = 22022
    private_network: PrivateNetwork | None = None
    build_cache: BuildCache = "discard"


class ExistingHost(Document):
    """An existing Debian or Ubuntu machine.

    Attributes:
        address: its name or IP address
        port: its sshd's
        user: who logs in; one other than root needs sudo without a password
        private_key: the key's file on the controller, beginning with / or ~/; the SSH agent's keys unless given
        host_key: the one key that the machine may show, `ssh-ed25519 AAAA…`; the first `lab up` shows it for
            confirmation unless given
        jump_host: a machine through which SSH reaches it
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
    """The lab's host on an existing machine.

    Attributes:
        private_address: the address at which its load hosts reach it; required where there are any
        cpus: the most CPUs that the lab uses: whole physical cores, so 16 on a machine with SMT are 8 physical
            cores
        build_cache: whether images and build caches outlive `lab down`
    """

    private_address: PrivateAddress | None = None
    cpus: Cpus = 8
    build_cache: BuildCache = "discard"


class ContainerLoadHost(Document):
    """A load host as a container, as large as the lab's host.

    Attributes:
        ssh_port: its sshd's port on the controller's 127.0.0.1
    """

    kind: Literal["container"]
    ssh_port: Port


class SshLoadHost(ExistingHost):
    """A load host on an existing machine, which needs no Docker engine."""


class CloudLoadHost(Document):
    """A load host at the cloud of the lab's host: a machine of the same type, image and disk, in the same place."""

    kind: CloudKind


AnyLoadHost = Annotated[ContainerLoadHost | SshLoadHost | CloudLoadHost, Field(discriminator="kind")]
"""A load host; of the same kind as the lab's host."""

AnyHost = ContainerHost | SshHost | CloudHost


def keeps_images(host: AnyHost) -> bool:
    """Whether images and build cache outlive a lab on the host; a machine of a cloud is removed as a whole."""
    return isinstance(host, ContainerHost | SshHost) and host.build_cache == "keep"
