"""The documents of a run's folder: manifest, host record, cell record and journal."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, field_validator

from documents.base import Document
from documents.cores import Role
from documents.inventory import Inventory
from documents.protocol import Protocol

Nanoseconds = Annotated[int, Field(ge=0, lt=2**63)]
"""A moment on a host's CLOCK_MONOTONIC, as its kernel counts it."""


UNKNOWN_COMMIT = "unknown"
"""What stands for the commit where there is no git, or no repository."""


class Manifest(Document):
    """`manifest.json`: what the run is, written once before its first cell.

    `git_commit` is the project's commit, with ``-dirty`` behind it where the tree had changes. `tool_versions`
    maps a tool (wrk, postgres, redis, docker, kernel, …) to the version that the host named. `protocol_file` is the
    path of the protocol's file as it was given; None for one of the lab's own.
    """

    version: Literal[1] = 1
    run_id: str
    started_at: datetime
    git_commit: str
    protocol: Protocol
    protocol_file: str | None = None
    inventory: Inventory
    order_seed: int
    requests_sha256: dict[str, str]
    tool_versions: dict[str, str]


class HostIdentity(Document):
    """What the host is, read from it. Memory and sizes in bytes; `settings` are kernel settings by name, only read."""

    cpu_model: str
    cpus: tuple[int, ...]
    threads_per_core: int
    memory_bytes: int
    kernel: str
    operating_system: str
    cgroup_version: Literal[1, 2]
    settings: dict[str, str]


class HostRecord(Document):
    """`host.json`: the host's identity before the first cell and after the last (None until then)."""

    version: Literal[1] = 1
    before: HostIdentity
    after: HostIdentity | None = None


class ProcessPinning(Document):
    """The CPUs that one thread of one process may run on, read back from /proc/PID/task/TID/status."""

    role: Role
    process_id: int
    thread_id: int
    command: str
    cpus: tuple[int, ...]


VoidReason = Literal[
    "wrk-errors",
    "wrong-status",
    "wrong-answer",
    "pinning",
    "not-ready",
    "no-requests",
    "generator-failed",
    "sampler-failed",
    "vegeta-errors",
    "rate-missed",
]


class Void(Document):
    """Why a cell doesn't count: a reason by name and a sentence with the numbers."""

    reason: VoidReason
    message: str


def known_window(version: object) -> object:
    """A raw document's version as it is, but for the first: that took the life of wrk for the load window.

    Raises:
        ValueError: it is the first.
    """
    if version == 1:
        raise ValueError(
            "version 1 doesn't tell when the load began and ended, so CPU and memory would be means over more than "
            "the load. Report it with the commit that manifest.json names, or measure anew with `lab run`"
        )
    return version


class CellRecord(Document):
    """`cells/<id>/cell.json`: how the cell went. It is written last: a cell without it isn't finished.

    `phases_seconds` has the wall time of each phase (reset, restart, ready, probe, warm_up, pinning, load, pull).
    `load_started_ns` and `load_ended_ns` bound the load window on the host's CLOCK_MONOTONIC, the clock of the
    samples; they are None where wrk left no result. `files` maps each raw file of the folder to its SHA-256.
    """

    version: Literal[2] = 2
    cell_id: str
    started_at: datetime
    voids: tuple[Void, ...]
    phases_seconds: dict[str, float]
    load_started_ns: Nanoseconds | None
    load_ended_ns: Nanoseconds | None
    pinning: tuple[ProcessPinning, ...]
    files: dict[str, str] = Field(default_factory=dict)

    @field_validator("version", mode="before")
    @classmethod
    def _refuse_what_has_no_window(cls, value: object) -> object:
        return known_window(value)

    @property
    def valid(self) -> bool:
        """Whether the cell counts."""
        return not self.voids


JournalEvent = Literal["run-started", "cell-started", "cell-finished", "cell-void", "run-resumed", "run-finished"]


class JournalEntry(Document):
    """One line of `journal.jsonl`: one thing done, at what time, for which cell."""

    at: datetime
    event: JournalEvent
    cell_id: str | None = None
    message: str | None = None
