"""The shape of what Docker's `inspect` says, as far as it is read.

Docker's own JSON stays what is passed on; these models only tell whether it can be relied on. Members that aren't
named here are of no use to the lab, and Docker has more with each release.

Source: the Docker Engine API, `ContainerInspect` and `ImageInspect`.
"""

import json
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic.alias_generators import to_pascal

from documents.base import Document
from documents.cores import CpuList
from provision.answers import read_answer

_Number = Annotated[int, Field(ge=-(2**63), lt=2**63)]
"""Docker writes -1, 0 or null for what isn't set."""

_CpuSet = CpuList | Annotated[str, Field(max_length=0)]

_Words = tuple[str, ...]


class _Shape(Document):
    model_config = ConfigDict(extra="ignore", alias_generator=to_pascal)


class _HealthCheck(_Shape):
    test: _Words | None = None
    interval: _Number | None = None
    timeout: _Number | None = None
    start_period: _Number | None = None
    retries: _Number | None = None


class _Config(_Shape):
    entrypoint: _Words | None = None
    cmd: _Words | None = None
    user: str | None = None
    working_dir: str | None = None
    stop_timeout: _Number | None = None
    stop_signal: str | None = None
    env: _Words | None = None
    labels: dict[str, str] | None = None
    healthcheck: _HealthCheck | None = None
    volumes: dict[str, object] | None = None


class _RestartPolicy(_Shape):
    name: str
    maximum_retry_count: _Number


class _PortBinding(_Shape):
    host_ip: str
    host_port: str


class _Device(_Shape):
    path_on_host: str
    path_in_container: str


class _LogConfig(_Shape):
    config: dict[str, str] | None = None


class _HostConfig(_Shape):
    cpuset_cpus: _CpuSet | None = None
    cpuset_mems: _CpuSet | None = None
    memory: _Number | None = None
    memory_swap: _Number | None = None
    memory_reservation: _Number | None = None
    nano_cpus: _Number | None = None
    cpu_quota: _Number | None = None
    cpu_period: _Number | None = None
    cpu_shares: _Number | None = None
    pids_limit: _Number | None = None
    blkio_weight: _Number | None = None
    restart_policy: _RestartPolicy
    network_mode: str | None = None
    readonly_rootfs: bool | None = None
    privileged: bool | None = None
    cap_add: _Words | None = None
    cap_drop: _Words | None = None
    security_opt: _Words | None = None
    masked_paths: _Words | None = None
    readonly_paths: _Words | None = None
    tmpfs: dict[str, str] | None = None
    sysctls: dict[str, str] | None = None
    port_bindings: dict[str, tuple[_PortBinding, ...] | None] | None = None
    shm_size: _Number | None = None
    pid_mode: str | None = None
    ipc_mode: str | None = None
    userns_mode: str | None = None
    devices: tuple[_Device, ...] | None = None
    extra_hosts: _Words | None = None
    log_config: _LogConfig | None = None
    cgroupns_mode: str | None = None
    cgroup_parent: str | None = None


class _AddressConfig(_Shape):
    ipv4_address: Annotated[str | None, Field(alias="IPv4Address")] = None


class _Joined(_Shape):
    ipam_config: Annotated[_AddressConfig | None, Field(alias="IPAMConfig")] = None


class _NetworkSettings(_Shape):
    networks: dict[str, _Joined | None] | None = None


class _Mount(_Shape):
    type: str
    name: str | None = None
    source: str | None = None
    destination: str
    writable: Annotated[bool, Field(alias="RW")]

    @model_validator(mode="after")
    def _says_what_is_mounted(self) -> Self:
        if self.type != "tmpfs" and (self.name if self.type == "volume" else self.source) is None:
            raise ValueError(f"what is mounted at {self.destination} has no name")
        return self


class _State(_Shape):
    status: str


class InspectedContainer(_Shape):
    """What `docker container inspect` says of one container."""

    id: str
    name: str
    image: str
    state: _State
    config: _Config
    host_config: _HostConfig
    network_settings: _NetworkSettings | None = None
    mounts: tuple[_Mount, ...] | None = None


class InspectedImage(_Shape):
    """What `docker image inspect` says of one image."""

    id: str
    config: _Config | None = None


class _Containers(Document):
    found: Annotated[tuple[InspectedContainer, ...], Field(min_length=1, max_length=1)]


class _Images(Document):
    found: Annotated[tuple[InspectedImage, ...], Field(min_length=1, max_length=1)]


def read_container(text: str, *, where: object) -> dict[str, Any]:
    """What `docker container inspect` prints of one container, as Docker has it.

    Raises:
        HostError: it is something else.
    """
    read_answer(_Containers, f'{{"found": {text}}}', what="a container", where=where)
    return json.loads(text)[0]


def read_image(text: str, *, where: object) -> dict[str, Any]:
    """What `docker image inspect` prints of one image, as Docker has it.

    Raises:
        HostError: it is something else.
    """
    read_answer(_Images, f'{{"found": {text}}}', what="an image", where=where)
    return json.loads(text)[0]
