"""What runs on a host: containers and images as their engine has them, and what the kernel holds them to."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic.alias_generators import to_pascal

from documents.base import Document, Sha256
from documents.errors import HostError, RemoteCommandError
from documents.lab import STACK_LABEL, CpuList, Effective, ProcessCpus, RunningContainer, parse_cpu_list
from provision.containers.state import describe, health_check_in_words, members
from provision.payload import call
from provision.ssh import Amount, Connection, read_answer, unexpected

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


_DEADLINE_SECONDS = 60

_LIST_FOLDER = """
container=$(docker create "$1" nothing) || exit
trap 'docker rm --volumes "$container" >/dev/null' EXIT
docker cp "$container:$2" - | tar --list --verbose --numeric-owner
"""
"""Arguments: the image, and a path in it. The container is given a command, without which Docker makes none of an image
that names no program; it is never started."""


_FOLDER = re.compile(r"d\S{9,} +(\d{1,10}/\d{1,10}) ", re.ASCII)
"""Of each file tar lists the mode and the owners first; the folder itself comes before what is in it."""


def inspect_image(connection: Connection, image_id: str) -> Mapping[str, Any]:
    """What `docker image inspect` says.

    Raises:
        HostError: there is no such image, or Docker there doesn't answer, or something else.
    """
    command = ["docker", "image", "inspect", image_id]
    try:
        text = connection.run(command, deadline_seconds=_DEADLINE_SECONDS).stdout
    except RemoteCommandError as error:
        raise HostError(f"Docker on {connection} doesn't tell of the image {image_id}: {error}") from error
    return read_image(text, where=connection)


def folder_owner(connection: Connection, image_id: str, path: str) -> str | None:
    """User and group, as numbers such as ``65532/65532``, who own a folder of an image; None where it has none.

    Raises:
        HostUnreachableError: the connection was lost.
    """
    done = connection.run(
        ["sh", "-c", _LIST_FOLDER, "list", image_id, path], deadline_seconds=_DEADLINE_SECONDS, check=False
    )
    found = _FOLDER.match(done.stdout)
    return None if found is None else found[1]


_LOOK_SECONDS = 60


class ProcessAnswer(Document):
    """A process, and the CPUs of each of its threads."""

    process_id: Amount
    name: str
    lists: tuple[CpuList, ...]


class EffectiveAnswer(Document):
    """What the kernel holds a container to, as `provision/payload/running.py` tells it."""

    cpus: CpuList
    memory_bytes: Amount | None
    cpu_quota: Annotated[float, Field(ge=0)] | None
    processes: tuple[ProcessAnswer, ...]


class _Container(Document):
    inspect: InspectedContainer
    effective: EffectiveAnswer | None
    files: dict[str, Sha256]


class _Own(Document):
    effective: EffectiveAnswer
    files: dict[str, Sha256]


class _Answer(Document):
    containers: tuple[_Container, ...]
    images: dict[str, InspectedImage | None]
    own: _Own


@dataclass(frozen=True)
class Running:
    """What there is on a host.

    `images` has Docker's inspection of an image by its id, None where it isn't there. `effective` is what the host's
    own first process is held to, and `files` the SHA-256 of the host's own files, of those that are there.
    """

    containers: tuple[RunningContainer, ...]
    images: Mapping[str, Mapping[str, Any] | None]
    effective: Effective
    files: Mapping[str, str]


def read_running(
    connection: Connection,
    stack: str,
    *,
    names: Collection[str],
    images: Collection[str],
    files: Mapping[str, Sequence[str]],
    own_files: Sequence[str],
) -> Running:
    """Read every container of a stack, in one round trip.

    Args:
        connection: to the host.
        stack: the stack; what carries its label is read.
        names: of containers that are read though they may not carry it.
        images: ids of images, for their configuration.
        files: paths of files to be hashed, by the container's name.
        own_files: paths of the host's own files to be hashed.

    Raises:
        HostError: the host or its Docker engine can't tell.
    """
    request = {
        "label": f"{STACK_LABEL}={stack}",
        "names": sorted(names),
        "images": sorted(images),
        "files": {name: list(paths) for name, paths in files.items()},
        "own_files": list(own_files),
    }
    what = "what runs there"
    try:
        # As Docker has it: `state` reads it by Docker's own names.
        answer = call(connection, "running", request, dict[str, Any], what=what, deadline_seconds=_LOOK_SECONDS)
    except RemoteCommandError as error:
        raise HostError(f"{connection} can't tell what runs there: {error}") from error
    told = read_answer(_Answer, json.dumps(answer), what=what, where=connection)
    if missing := {one.inspect.image for one in told.containers} - told.images.keys():
        raise unexpected(", ".join(missing), what="the image of each container", where=connection)
    return Running(
        containers=tuple(
            as_running(raw["inspect"], answer["images"][one.inspect.image], one.effective, one.files)
            for raw, one in zip(answer["containers"], told.containers, strict=True)
        ),
        images=answer["images"],
        effective=_effective(told.own.effective),
        files=told.own.files,
    )


def as_running(
    inspected: Mapping[str, Any],
    image: Mapping[str, Any] | None,
    effective: EffectiveAnswer | None,
    files: Mapping[str, str],
) -> RunningContainer:
    """A container from Docker's inspection of it and of its image, and from what the kernel says where it runs."""
    return RunningContainer(
        id=inspected["Id"],
        status=inspected["State"]["Status"],
        state=describe(inspected, image).model_copy(update={"files": dict(files)}),
        image_health_check=health_check_in_words(members(members(image, "Config"), "Healthcheck")),
        effective=None if effective is None else _effective(effective),
    )


def _effective(found: EffectiveAnswer) -> Effective:
    return Effective(
        cpus=parse_cpu_list(found.cpus),
        memory_bytes=found.memory_bytes,
        cpu_quota=found.cpu_quota,
        processes=tuple(
            ProcessCpus(
                process_id=one.process_id,
                name=one.name,
                cpus=tuple(sorted({cpu for cpus in one.lists for cpu in parse_cpu_list(cpus)})),
            )
            for one in found.processes
        ),
    )
