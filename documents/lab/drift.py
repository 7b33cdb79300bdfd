"""Drift: where what runs isn't what the lab declares."""

from typing import Literal

from pydantic import Field

from documents.base import Document, Name


class ContainerState(Document):
    """A container as it is declared, or as it runs; both in the same words, so that they can be compared.

    `aspects` maps what a container has, such as ``memory limit``, to its value as a text. Of a declared one, what
    isn't there isn't told by anybody and isn't compared. `files` maps the path of each file that the lab lays into the
    container to its SHA-256; a running one has no entry for a file that is gone. `environment` may hold secrets.
    """

    name: str
    image_id: str
    aspects: dict[str, str]
    environment: dict[str, str] = Field(default_factory=dict, repr=False)
    labels: dict[str, str] = Field(default_factory=dict)
    files: dict[str, str] = Field(default_factory=dict)


class ProcessCpus(Document):
    """The CPUs that all threads of one process together may run on; `name` is its command."""

    process_id: int
    name: str
    cpus: tuple[int, ...]


class Effective(Document):
    """What the kernel holds a container to, whatever its engine says.

    `memory_bytes` is the lowest limit of its cgroup and of those above; `cpu_quota` the lowest share of CPUs that one
    of them grants, in CPUs. None stands for no limit.
    """

    cpus: tuple[int, ...]
    memory_bytes: int | None
    cpu_quota: float | None
    processes: tuple[ProcessCpus, ...]


class RunningContainer(Document):
    """A container that is there. `status` is Docker's word; `effective` is None unless it runs.

    `image_health_check` is the health check that its image brings, as a text.
    """

    id: str
    status: str
    state: ContainerState
    image_health_check: str
    effective: Effective | None


class Difference(Document):
    """One thing that isn't as it is declared. No value is a secret.

    Attributes:
        subject: `host`, `postgres`, `redis`, an API, a resource, or a container that nobody declared
        declared: null where it isn't declared
        effective: null where it isn't there
        message: one or two whole sentences: what, both values, and the remedy
    """

    subject: str
    what: str
    declared: str | None
    effective: str | None
    remedy: str
    message: str


class Drift(Document):
    """What `lab verify --drift --json` prints.

    Attributes:
        compared: how many values of each subject were compared
    """

    version: Literal[1] = 1
    stack: Name
    compared: dict[str, int]
    differences: tuple[Difference, ...]
