"""What runs on a host: containers as their engine has them, and what the kernel holds them to. Nothing is changed."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from documents.base import Document, Sha256
from documents.cores import CpuList, parse_cpu_list
from documents.drift import Effective, ProcessCpus, RunningContainer
from documents.errors import HostError, RemoteCommandError
from documents.labels import STACK_LABEL
from provision.answers import Amount, read_answer, unexpected
from provision.connection import Connection
from provision.container_state import describe, health_check_in_words, members
from provision.inspected import InspectedContainer, InspectedImage

_SCRIPT = Path(__file__).with_name("host") / "running.py"
_DEADLINE_SECONDS = 60


class ProcessAnswer(Document):
    """A process, and the CPUs of each of its threads."""

    process_id: Amount
    name: str
    lists: tuple[CpuList, ...]


class EffectiveAnswer(Document):
    """What the kernel holds a container to, as `provision/host/running.py` tells it."""

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
    try:
        text = connection.run(
            ["python3", "-I", "-", json.dumps(request)],
            input=_SCRIPT.read_bytes(),
            deadline_seconds=_DEADLINE_SECONDS,
        ).stdout
    except RemoteCommandError as error:
        raise HostError(f"{connection} can't tell what runs there: {error}") from error
    told = read_answer(_Answer, text, what="what runs there", where=connection)
    if {one.inspect.image for one in told.containers} - told.images.keys():
        raise unexpected(text, what="the image of each container", where=connection)
    # As Docker has it: `container_state` reads it by Docker's own names.
    answer: dict[str, Any] = json.loads(text)
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
