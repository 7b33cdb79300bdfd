"""Containers and images as their engine describes them, and the limits that the kernel applies to them.

Source: the Docker Engine API, `ContainerInspect` and `ImageInspect`.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_pascal

from documents.base import Document
from documents.errors import HostError
from documents.lab import (
    STACK_LABEL,
    ContainerState,
    CpuList,
    Effective,
    ProcessCpus,
    RunningContainer,
    format_cpu_list,
    parse_cpu_list,
)
from provision.containers.control import HostDocker
from provision.payload import call
from provision.ssh import Amount, Connection, read_answer, unexpected

NONE = "none"

ALL = "all of the engine's"
"""The text for a cpuset that isn't set."""

_Number = Annotated[int, Field(ge=-(2**63), lt=2**63)]
"""Docker writes -1, 0 or null for what isn't set."""

_CpuSet = CpuList | Annotated[str, Field(max_length=0)]


class _Shape(Document):
    model_config = ConfigDict(extra="ignore", alias_generator=to_pascal)


class _Config(_Shape):
    env: tuple[str, ...] | None = None


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
    sysctls: dict[str, str] | None = None


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


class InspectedImage(_Shape):
    """What `docker image inspect` says of one image."""

    id: str
    config: _Config | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The variables that it gives its containers."""
        return split_environment(self.config and self.config.env)


def read_container(text: str, *, where: object) -> RunningContainer:
    """Read what `docker container inspect` prints of one container; its effective limits are left out.

    Raises:
        HostError: it is something else.
    """
    return _as_running(read_answer(tuple[InspectedContainer], text, what="a container", where=where)[0], None)


_DEADLINE_SECONDS = 60

_LIST_FOLDER = """
container=$(docker create --label="$1" "$2" nothing) || exit 3
trap 'docker rm --volumes "$container" >/dev/null' EXIT
docker cp "$container:$3" - | tar --list --verbose --numeric-owner
"""
"""Arguments: the container's label, the image, and a path in it. The container is given a command, because Docker
creates none from an image that names no program. It is never started."""

_NOT_CREATED = 3
"""The exit status of this script if Docker creates no container. Tar's own are 0, 1 and 2."""

_FOLDER = re.compile(r"d\S{9,} +(\d{1,10}/\d{1,10}) ", re.ASCII)
"""Of each file tar lists the mode and the owners first; the folder itself comes before its content."""


def inspect_image(connection: Connection, image_id: str) -> Mapping[str, Any]:
    """The answer of `docker image inspect`, by Docker's own names.

    Raises:
        HostError: there is no such image, or Docker there doesn't answer as expected.
    """
    text = HostDocker(connection).run("image", "inspect", image_id)
    read_answer(tuple[InspectedImage], text, what="an image", where=connection)
    return json.loads(text)[0]


def folder_owner(connection: Connection, stack: str, image_id: str, path: str) -> str | None:
    """User and group, as numbers such as ``65532/65532``, who own a folder of an image; None where it has none.

    For a moment there is a container of the image. It carries the stack's label, so that a later `lab up` removes it
    if it is left.

    Raises:
        HostError: Docker there creates no container; has its reason.
    """
    list_folder = ["sh", "-c", _LIST_FOLDER, "list", f"{STACK_LABEL}={stack}", image_id, path]
    done = connection.run(list_folder, deadline_seconds=_DEADLINE_SECONDS, check=False)
    if done.exit_status == _NOT_CREATED:
        raise HostError(f"Docker on {connection} can't create a container of the image {image_id}: {done.reason}")
    found = _FOLDER.match(done.stdout)
    return None if found is None else found[1]


class _Process(Document):
    process_id: Amount
    name: str
    lists: tuple[CpuList, ...]


class _Effective(Document):
    cpus: CpuList
    memory_bytes: Amount | None
    cpu_quota: Annotated[float, Field(ge=0)] | None
    processes: tuple[_Process, ...]

    def summed(self) -> Effective:
        """The same, with the CPUs of all threads of a process combined."""
        return Effective(
            cpus=parse_cpu_list(self.cpus),
            memory_bytes=self.memory_bytes,
            cpu_quota=self.cpu_quota,
            processes=tuple(
                ProcessCpus(
                    process_id=one.process_id,
                    name=one.name,
                    cpus=tuple(sorted({cpu for cpus in one.lists for cpu in parse_cpu_list(cpus)})),
                )
                for one in self.processes
            ),
        )


class _Container(Document):
    inspect: InspectedContainer
    effective: _Effective | None


class _Answer(Document):
    containers: tuple[_Container, ...]
    images: dict[str, InspectedImage | None]
    own: _Effective


@dataclass(frozen=True)
class Running:
    """The containers on a host.

    Attributes:
        containers: each with its limits.
        images: the variables that an image gives its containers, by the image's id; None where there is no such image.
        effective: the limits of the host's own first process.
    """

    containers: tuple[RunningContainer, ...]
    images: Mapping[str, Mapping[str, str] | None]
    effective: Effective


def read_running(connection: Connection, stack: str, *, names: Collection[str], images: Collection[str]) -> Running:
    """Read every container of a stack, in one round trip.

    Containers in `names` are read even without the label; `images` are read for their variables.

    Raises:
        HostError: the host or its Docker engine doesn't answer.
    """
    request = {"label": f"{STACK_LABEL}={stack}", "names": sorted(names), "images": sorted(images)}
    answer = call(
        connection,
        "running",
        request,
        _Answer,
        what="the containers there",
        failure=f"The containers on {connection} can't be read",
        deadline_seconds=_DEADLINE_SECONDS,
    )
    if missing := set(images) - answer.images.keys():
        raise unexpected(", ".join(missing), what="the image of each container", where=connection)
    return Running(
        containers=tuple(_as_running(one.inspect, one.effective) for one in answer.containers),
        images={identity: image and image.environment for identity, image in answer.images.items()},
        effective=answer.own.summed(),
    )


def _as_running(inspected: InspectedContainer, effective: _Effective | None) -> RunningContainer:
    host = inspected.host_config
    return RunningContainer(
        id=inspected.id,
        name=inspected.name.lstrip("/"),
        status=inspected.state.status,
        state=ContainerState(
            image_id=inspected.image,
            aspects={
                "CPUs": cpus_in_words(host.cpuset_cpus),
                "memory nodes": cpus_in_words(host.cpuset_mems),
                "CPU quota": quota_in_words(host.nano_cpus, host.cpu_quota, host.cpu_period),
                "CPU shares": count_in_words(host.cpu_shares),
                "memory limit": size_in_words(host.memory),
                "memory and swap limit": size_in_words(host.memory_swap),
                "memory reservation": size_in_words(host.memory_reservation),
                "process limit": count_in_words(host.pids_limit),
                "block I/O weight": count_in_words(host.blkio_weight),
                "kernel settings": mapping_in_words(host.sysctls),
            },
            environment=split_environment(inspected.config.env),
        ),
        effective=effective and effective.summed(),
    )


def members(of: Mapping[str, Any] | None, name: str) -> dict[str, Any]:
    """A member that is a mapping; an empty one where it is missing, or Docker writes null."""
    return (of or {}).get(name) or {}


def items(of: Mapping[str, Any] | None, name: str) -> list[Any]:
    """A member that is a list; an empty one where it is missing, or Docker writes null."""
    return (of or {}).get(name) or []


def cpus_in_words(text: str | None) -> str:
    """A cpuset as numbers of CPUs, or of memory nodes."""
    return format_cpu_list(parse_cpu_list(text)) if text else ALL


def size_in_words(size: int | None) -> str:
    """A limit in bytes; 0 and -1 mean no limit."""
    if not size or size < 0:
        return NONE
    for unit, name in ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB")):
        if size % unit == 0:
            return f"{size // unit} {name}"
    return f"{size} bytes"


def quota_in_words(nano_cpus: int | None, quota: int | None, period: int | None) -> str:
    """A CPU quota as a number of CPUs, set in one of Docker's two ways. The kernel's period is 100 ms."""
    if nano_cpus:
        return f"{nano_cpus / 1e9:g} CPUs"
    return f"{quota / (period or 100_000):g} CPUs" if quota and quota > 0 else NONE


def count_in_words(count: int | None) -> str:
    """A number that is set; 0 and -1 mean no limit."""
    return str(count) if count and count > 0 else NONE


def mapping_in_words(mapping: Mapping[str, str] | None) -> str:
    """Names with their values, in rising order."""
    return ", ".join(sorted(f"{name}={value}" for name, value in (mapping or {}).items())) or NONE


def split_environment(lines: Iterable[str] | None) -> dict[str, str]:
    """Variables by name."""
    return {name: value for name, _, value in (line.partition("=") for line in lines or [])}
