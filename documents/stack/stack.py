"""The stack document, `stacks/NAME.yaml`: what a lab should be."""

import itertools
from typing import Annotated, Literal, cast

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from documents.base import Document, FaultyKeyError, Location, Name, Port, WithoutParents
from documents.errors import DocumentError
from documents.lab import SERVICES, CoreLayout, CpuList, PhysicalCore, parse_cpu_list, roles_share
from documents.stack.hosts import AnyHost, AnyLoadHost, ContainerHost, ExistingHost, SshHost

SECRET_ENVIRONMENT = frozenset({"DATABASE_URL", "REDIS_URL", "JWT_SECRET"})
"""The variables with a secret of the lab in an API's environment."""

LAB_ENVIRONMENT = SECRET_ENVIRONMENT | {"PORT", "HOST", "UPLOAD_DIR"}
"""The variables that the lab sets in an API's environment; a stack document can't."""


_LAB_SETTINGS = frozenset({"listen_addresses", "port", "shared_preload_libraries"})
"""The settings of PostgreSQL that the lab sets, besides those of pg_stat_statements; a stack document can't."""


_LOAD_HOSTS = 12
"""The number of free addresses in the smallest network between containers."""


def _not_the_labs(environment: dict[str, str]) -> dict[str, str]:
    for name in sorted(LAB_ENVIRONMENT & environment.keys()):
        raise FaultyKeyError((name,), f"{name} is set by the lab itself")
    return environment


Environment = Annotated[
    dict[Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")], str],
    AfterValidator(_not_the_labs),
]
"""Additions to the environment that the lab gives an API."""


def _durable(settings: dict[str, str]) -> dict[str, str]:
    for name in ("fsync", "synchronous_commit"):
        if settings.get(name, "on") != "on":
            raise FaultyKeyError(
                (name,), f"{name} must stay on: without it, PostgreSQL may lose commits and does less work"
            )
    for name in settings:
        if name in _LAB_SETTINGS or name.startswith("pg_stat_statements."):
            raise FaultyKeyError((name,), f"{name} is set by the lab itself")
    return settings


PostgresSettings = Annotated[dict[Annotated[str, Field(pattern=r"^[a-z_.]+$")], str], AfterValidator(_durable)]
"""Settings of PostgreSQL's server by name, besides those of the lab."""


class Cores(Document):
    """An explicit core layout. A CPU list is the kernel's, `0-2,5`; a single CPU is in quotes, `"3"`.

    Attributes:
        api: the API under test
        system: sshd, the Docker engine, the sampler and the watch
        generator: wrk; required unless the load comes from load hosts
        redis: the same as `system` unless given
    """

    api: CpuList
    postgres: CpuList
    system: CpuList
    generator: CpuList | None = None
    redis: CpuList | None = None

    def generator_fault(self, *, load_hosts: bool) -> str | None:
        """What is wrong with `generator` in a lab with or without load hosts; None if nothing is."""
        if (self.generator is None) == load_hosts:
            return None
        return "the load hosts have the generator; leave it out" if load_hosts else "this key is missing"


class Postgres(Document):
    """PostgreSQL on the host.

    Attributes:
        image: another image than the lab's own PostgreSQL 17 on Debian
        port: on the host's 127.0.0.1
        settings: server settings by name, which add to the lab's own or replace them
    """

    image: str | None = None
    port: Port = 15432
    settings: PostgresSettings = Field(default_factory=dict)


class Redis(Document):
    """Redis on the host.

    Attributes:
        image: another image than the lab's own Redis 8 on Debian
        port: on the host's 127.0.0.1
    """

    image: str | None = None
    port: Port = 16379


class Services(Document):
    """The services that all APIs share."""

    postgres: Postgres = Postgres()
    redis: Redis = Redis()


class Api(Document):
    """One API under test.

    Two entries may share a `source` and differ in `environment` or `target`, so that two builds of it can be compared.

    Attributes:
        name: each once; not `postgres` or `redis`
        source: the build context, a folder inside the project with a Dockerfile
        port: on the host's 127.0.0.1
        target: which stage of the Dockerfile; the last unless given
        environment: variables that add to the lab's own
    """

    name: Name
    source: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.][A-Za-z0-9_./-]*$"), WithoutParents]
    port: Port
    target: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]*$")] | None = None
    environment: Environment = Field(default_factory=dict)


def _as_many(given: object) -> object:
    """A single load host without a list as a list of one."""
    if isinstance(given, list):
        return tuple(cast("list[object]", given))
    return cast("tuple[object, ...]", given) if isinstance(given, tuple) else (given,)


_LoadHosts = Annotated[tuple[AnyLoadHost, ...], Field(max_length=_LOAD_HOSTS)]


class Stack(Document):
    """What lab NAME is: `stacks/NAME.yaml`.

    Attributes:
        name: the same as the file's
        host: what everything runs on
        load_host: the hosts that the load comes from; one may be given without a list
        base_image: the Debian 13 image that the lab's images start from; only the default is bootstrapped where it
            can't be pulled
        cores: which CPUs each role has; `auto` chooses
    """

    version: Literal[1]
    name: Name
    host: Annotated[AnyHost, Field(discriminator="kind")]
    load_host: Annotated[_LoadHosts, BeforeValidator(_as_many, json_schema_input_type=AnyLoadHost | _LoadHosts)] = ()
    base_image: Annotated[str, Field(pattern=r"^[a-z0-9][a-zA-Z0-9._/:@-]*$")] = "debian:trixie-slim"
    cores: Annotated[
        Annotated[Literal["auto"], Tag("auto")] | Annotated[Cores, Tag("explicit")],
        # A fault is then reported for the one that is meant, not for both.
        Discriminator(lambda given: "auto" if isinstance(given, str) else "explicit"),
    ] = "auto"
    services: Services = Services()
    apis: Annotated[tuple[Api, ...], Field(min_length=1)]

    @property
    def existing_hosts(self) -> tuple[ExistingHost, ...]:
        """The hosts that the lab doesn't make, the lab's host first."""
        return tuple(host for host in (self.host, *self.load_host) if isinstance(host, ExistingHost))

    @model_validator(mode="after")
    def _load_hosts_fit_the_host(self) -> "Stack":
        for index, load_host in enumerate(self.load_host):
            if load_host.kind != self.host.kind:
                raise FaultyKeyError(("load_host", index, "kind"), f"this must be the host's kind, {self.host.kind}")
        if self.cores != "auto" and (fault := self.cores.generator_fault(load_hosts=bool(self.load_host))):
            raise FaultyKeyError(("cores", "generator"), fault)
        if isinstance(self.host, ContainerHost):
            _all_different(self, "ssh_port")
        if isinstance(self.host, SshHost) and self.load_host:
            if self.host.private_address is None:
                raise FaultyKeyError(("host", "private_address"), "this key is missing: the load hosts reach it there")
            _all_different(self, "address")
        return self

    @model_validator(mode="after")
    def _no_clash(self) -> "Stack":
        names: set[str] = {*SERVICES}
        for index, api in enumerate(self.apis):
            if api.name in names:
                raise FaultyKeyError(("apis", index, "name"), f"another API or service is named {api.name}")
            names.add(api.name)
        listeners: list[tuple[Location, int]] = [
            *((("services", name, "port"), getattr(self.services, name).port) for name in SERVICES),
            *((("apis", index, "port"), api.port) for index, api in enumerate(self.apis)),
        ]
        taken: dict[int, Location] = {}
        for location, port in listeners:
            if port in taken:
                raise FaultyKeyError(location, f"{'.'.join(map(str, taken[port]))} is {port} already")
            taken[port] = location
        return self


def _all_different(stack: Stack, name: str) -> None:
    """Refuse two hosts with the same value of a key."""
    taken = {getattr(stack.host, name)}
    for index, load_host in enumerate(stack.load_host):
        if (value := getattr(load_host, name)) in taken:
            raise FaultyKeyError(("load_host", index, name), f"another host of this lab has {value}")
        taken.add(value)


class LayoutError(DocumentError):
    """A core layout that doesn't fit the host; `location` is the key at fault, beginning with `cores`."""

    def __init__(self, location: tuple[str, ...], message: str) -> None:
        super().__init__(f"{'.'.join(location)}: {message}")
        self.location = location


def explicit_cores(cores: Cores, topology: tuple[PhysicalCore, ...]) -> CoreLayout:
    """The layout that a document asks for, if this host has it.

    Raises:
        LayoutError: a CPU is missing on the host, or a physical core is split between API, PostgreSQL and generator,
            whose siblings would slow each other.
    """
    roles = {role: parse_cpu_list(text) for role, text in cores.model_dump(exclude_none=True).items()}
    available = set(itertools.chain.from_iterable(topology))
    for role, cpus in roles.items():
        if absent := sorted(set(cpus) - available):
            raise LayoutError(
                ("cores", role),
                f"the host has no CPU {', '.join(map(str, absent))}, only "
                f"{', '.join(map(str, sorted(available)))}; name others, or leave `cores` out.",
            )
    for core in topology:
        holders = [role for role in ("api", "postgres", "generator") if set(core) & set(roles.get(role, ()))]
        if len(holders) > 1 and len(core) > 1:
            raise LayoutError(
                ("cores",),
                f"{' and '.join(holders)} would share the physical core of CPUs "
                f"{', '.join(map(str, core))}; give SMT siblings to one role.",
            )
    layout = {"redis": roles["system"], "generator": (), **roles}
    return CoreLayout(**layout, shared=roles_share(layout))
