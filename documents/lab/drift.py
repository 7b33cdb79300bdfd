"""Drift: where what runs isn't what the lab declares."""

from typing import Literal

from pydantic import Field

from documents.base import Document, Name


class ContainerState(Document):
    """The part of a container that can change a number, as it is declared or as it runs, in the same words.

    `aspects` maps a limit or the kernel settings, such as ``memory limit``, to a text. A declared container has no
    entry for an aspect that its engine chooses. `environment` may hold secrets.
    """

    image_id: str
    aspects: dict[str, str]
    environment: dict[str, str] = Field(default_factory=dict, repr=False)


class ProcessCpus(Document):
    """The CPUs that all threads of one process together may run on; `name` is its command."""

    process_id: int
    name: str
    cpus: tuple[int, ...]


class Effective(Document):
    """The limits that the kernel applies to a container, which may differ from its engine's.

    `memory_bytes` is the lowest limit of its cgroup and of those above; `cpu_quota` the lowest share of CPUs that one
    of them grants, in CPUs. None stands for no limit.
    """

    cpus: tuple[int, ...]
    memory_bytes: int | None
    cpu_quota: float | None
    processes: tuple[ProcessCpus, ...]


class RunningContainer(Document):
    """A container that exists. `status` is Docker's word; `effective` is None unless it runs."""

    id: str
    name: str
    status: str
    state: ContainerState
    effective: Effective | None


class Difference(Document):
    """One thing that isn't as it is declared. No value is a secret.

    Attributes:
        subject: `host`, `postgres`, `redis`, an API, a resource, or an undeclared container
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
