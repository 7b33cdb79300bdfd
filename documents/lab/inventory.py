"""The inventory: the current lab, exported by `pulumi up`. It holds no secret."""

from ipaddress import IPv4Address
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from documents.base import Document, FaultyKeyError, Name, Port
from documents.lab.host import SERVICES, CoreLayout, Host, HostSize, Service

STACK_LABEL = "org.fairground.stack"
"""Names the stack, on containers, images and volumes of the controller's engine and of the host's."""

HOST_LABEL = "org.fairground.host"
"""Names the host that a container was created for, so that its containers are recreated with a new host."""


VARIED_LABEL = "org.fairground.varied"
"""Names the container that a variant's was made from. A run creates these, and removes them at its end."""


LOOPBACK = "127.0.0.1"

REDIS_CONFIGURATION = "/etc/redis/lab.conf"
"""Redis's configuration in its container, with the password."""

UPLOAD_FOLDER = "/uploads"
"""Where an API's container has its upload volume."""

POOL_SIZE = 32
"""The connections to PostgreSQL that an API keeps, unless its environment has DB_POOL_SIZE."""


def short_image_id(image_id: str) -> str:
    """The first 12 digits of an image's id."""
    return image_id.removeprefix("sha256:")[:12]


class PostgresService(Document):
    """PostgreSQL on the host.

    Attributes:
        settings: the server's
    """

    container: str
    image_id: str
    port: Port
    database: str
    user: str
    settings: dict[str, str]


class RedisService(Document):
    """Redis on the host.

    Attributes:
        settings: the server's
    """

    container: str
    image_id: str
    port: Port
    settings: dict[str, str]


class Varied(Document):
    """The API that a service is a variant of, and what the variant changes.

    Attributes:
        environment: the variables that it sets
        cores: its core layout; null where it is the lab's
        postgres: the settings of PostgreSQL that it sets
    """

    api: Name
    variant: Name
    environment: dict[str, str]
    cores: CoreLayout | None = None
    postgres: dict[str, str]


class ApiService(Document):
    """One API on the host.

    Attributes:
        source_sha256: of the build context
        environment: what the stack document and a variant add to the lab's own
        upload_volume: the Docker volume at the API's UPLOAD_DIR
        target: the Dockerfile's target, where the stack document names one
        varied: what it is a variant of; left out for an API of the lab
    """

    name: Name
    source: str
    source_sha256: str
    image_id: str
    container: str
    port: Port
    environment: dict[str, str]
    upload_volume: str
    target: str | None = None
    varied: Annotated[Varied | None, Field(exclude_if=lambda varied: varied is None)] = None


class LoadHost(Document):
    """A second host, which puts the load on the APIs of the first.

    Attributes:
        own_kernel: whether the lab may change its kernel settings; those of a container are its machine's
        generator: the CPUs of its load generator
        system: the others: for sshd, sampler and watch
    """

    host: Host
    size: HostSize
    own_kernel: bool
    generator: Annotated[tuple[int, ...], Field(min_length=1)]
    system: Annotated[tuple[int, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _apart(self) -> "LoadHost":
        for name, cpus in (("generator", self.generator), ("system", self.system)):
            if list(cpus) != sorted(set(cpus)):
                raise FaultyKeyError((name,), f"the CPUs of {name} must rise, each once")
        if set(self.generator) & set(self.system):
            raise FaultyKeyError(("generator",), "on a load host, the load generator must have its CPUs to itself")
        return self


class Inventory(Document):
    """A lab that exists: host, core layout, services and APIs.

    Attributes:
        own_kernel: whether the lab may change the host's kernel settings; those of a container are its machine's
        contract_sha256: identifies the schema and the seed of PostgreSQL
        apis: the lab's; in a run also each variant that it measures
        load_hosts: where the load comes from; left out where that is the host itself
        api_address: where the APIs listen; left out where that is 127.0.0.1
    """

    version: Literal[1] = 1
    stack: Name
    host: Host
    size: HostSize
    own_kernel: bool
    cores: CoreLayout
    base_image_id: str
    postgres: PostgresService
    redis: RedisService
    contract_sha256: str
    apis: tuple[ApiService, ...]
    load_hosts: Annotated[tuple[LoadHost, ...], Field(exclude_if=lambda hosts: not hosts)] = ()
    api_address: Annotated[str, Field(exclude_if=lambda address: address == LOOPBACK)] = LOOPBACK

    @field_validator("api_address")
    @classmethod
    def _one_address(cls, address: str) -> str:
        if IPv4Address(address).is_unspecified:
            raise ValueError(f"{address} is every address of the host; name the one that its load hosts reach it at")
        return address

    @model_validator(mode="after")
    def _from_one_side(self) -> "Inventory":
        if self.load_hosts and self.cores.generator:
            raise FaultyKeyError(
                ("cores", "generator"), "the load comes from load hosts, so the generator has no CPU of the lab's host"
            )
        if not self.load_hosts and not self.cores.generator:
            raise FaultyKeyError(("cores", "generator"), "without a load host the generator needs a CPU")
        if self.load_hosts and IPv4Address(self.api_address).is_loopback:
            raise FaultyKeyError(("api_address",), f"no load host reaches {self.api_address}, which is the host's own")
        return self

    @property
    def services(self) -> dict[Service, PostgresService | RedisService]:
        """PostgreSQL and Redis by their roles."""
        return {name: getattr(self, name) for name in SERVICES}

    def generator_shares(self, cores: CoreLayout) -> bool:
        """Whether under a core layout the load generator shares CPUs with what it measures.

        With load hosts it may, if they are containers on the same machine as the lab's host.
        """
        if not self.load_hosts:
            return cores.shares("generator")
        return any(
            one.host.kind == self.host.kind == "container" and set(one.size.cpus) & set(self.size.cpus)
            for one in self.load_hosts
        )

    def cores_of(self, api: ApiService) -> CoreLayout:
        """The core layout that an API is measured with."""
        return api.varied.cores if api.varied is not None and api.varied.cores is not None else self.cores

    def postgres_of(self, api: ApiService) -> PostgresService:
        """The PostgreSQL that an API is measured with: the lab's, or one with a variant's settings in its place."""
        if api.varied is None or not api.varied.postgres:
            return self.postgres
        return self.postgres.model_copy(
            update={
                "container": f"{self.postgres.container}-{api.varied.variant}",
                "settings": {**self.postgres.settings, **api.varied.postgres},
            }
        )

    def api(self, name: str) -> ApiService:
        """The API of that name.

        Raises:
            KeyError: the lab has no such API.
        """
        return {api.name: api for api in self.apis}[name]


class Secrets(Document):
    """The lab's secrets, exported beside the inventory as a Pulumi secret; shown by no `repr`."""

    version: Literal[1] = 1
    postgres_password: str = Field(repr=False)
    redis_password: str = Field(repr=False)
    jwt_secret: str = Field(repr=False)

    def values(self) -> tuple[str, ...]:
        """All of them, which no message may show."""
        return tuple(self.model_dump(exclude={"version"}).values())
