"""The documents of a run's folder: manifest, host record, cell record and journal."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, field_validator

from documents.base import Document
from documents.cores import Role
from documents.inventory import Inventory
from documents.knobs import KnobRecord
from documents.network import Network
from documents.protocol import Protocol

Nanoseconds = Annotated[int, Field(ge=0, lt=2**63)]
"""A moment on a host's CLOCK_MONOTONIC, as its kernel counts it."""

MANIFESTS = "[!.]*/manifest.json"
"""A glob pattern for the manifests in a folder of runs. Incomplete and removed runs begin with a dot."""

UNKNOWN_COMMIT = "unknown"
"""What stands for the commit where there is no git, or no repository."""


class Manifest(Document):
    """`manifest.json`: what the run is, written once before its first cell.

    `git_commit` is the project's commit, with ``-dirty`` behind it where the tree had changes. `tool_versions`
    maps a tool (wrk, postgres, redis, docker, kernel, …) to the version that the host named. `protocol_file` is the
    path of the protocol's file as it was given; None for one of the lab's own. `budget_seconds` is the time that the
    run was given; the protocol's number of blocks is then what fitted, and not its file's.
    """

    version: Literal[1] = 1
    run_id: str
    started_at: datetime
    git_commit: str
    protocol: Protocol
    protocol_file: str | None = None
    budget_seconds: int | None = None
    inventory: Inventory
    order_seed: int
    requests_sha256: dict[str, str]
    tool_versions: dict[str, str]


VARYING = frozenset({"available_memory_bytes", "steal_seconds"})
"""What of a host's identity changes while it is the same host."""


class HostIdentity(Document):
    """What the host is, read from it. Memory and sizes in bytes; `settings` are kernel settings by name.

    `physical_cores` are those that the host's CPUs belong to. `cgroup_limits` has each limit that holds the host's
    first process back, by the name of its file; `mitigations` what the kernel does about each weakness of the
    processor. `steal_seconds` is how long its CPUs have waited for a hypervisor since its boot. None stands for what
    the host doesn't tell, as an identity that was read before the lab asked for it.
    """

    cpu_model: str
    cpus: tuple[int, ...]
    threads_per_core: int
    memory_bytes: int
    kernel: str
    operating_system: str
    cgroup_version: Literal[1, 2]
    settings: dict[str, str]
    microcode: str | None = None
    physical_cores: int | None = None
    numa_nodes: int | None = None
    swap_bytes: int | None = None
    cgroup_limits: dict[str, str] | None = None
    open_files: str | None = None
    irqbalance: bool | None = None
    mitigations: dict[str, str] | None = None
    available_memory_bytes: int | None = None
    steal_seconds: float | None = None

    def changes(self, other: "HostIdentity") -> tuple[str, ...]:
        """What is different in another identity, a clause for each: ``kernel was 6.1 and is 6.12``.

        What varies by nature isn't told: steal so far and free memory. What one of the two doesn't tell is told as a
        difference; nobody knows that it is none.
        """
        then, now = _flat(self), _flat(other)
        return tuple(
            f"{name} was {then.get(name, _ABSENT)} and is {now.get(name, _ABSENT)}"
            for name in {**then, **now}
            if then.get(name, _ABSENT) != now.get(name, _ABSENT)
        )


_ABSENT = "absent"

_ENTRIES = {"settings": "the setting", "cgroup_limits": "the cgroup limit", "mitigations": "the mitigation of"}
"""How an entry of each mapping is spoken of."""


def _flat(identity: HostIdentity) -> dict[str, str]:
    """The members of an identity as text by what they are called, those of its mappings one by one."""
    found: dict[str, str] = {}
    for name, value in identity.model_dump().items():
        if name in VARYING:
            continue
        if name in _ENTRIES and value is not None:
            found |= {f"{_ENTRIES[name]} {key}": text for key, text in sorted(value.items())}
        elif name in _ENTRIES:
            found[name.replace("_", " ")] = "not told"
        else:
            found[name.replace("_", " ")] = "not told" if value is None else str(value)
    return found


class LoadHostLook(Document):
    """What a load host is at one time, and what lies between it and the lab's host."""

    identity: HostIdentity
    network: Network


class LoadHostRecord(Document):
    """One load host before the run's first cell and after its last; None until then."""

    before: LoadHostLook
    after: LoadHostLook | None = None


class HostRecord(Document):
    """`host.json`: the host's identity before the first cell and after the last (None until then), and its knobs.

    `before` and `after` are read while nothing is set for the run. `knobs` is empty in a run of before the lab looked
    at them; those of load hosts are in it, too, by names of their own. `load_hosts` are in the inventory's order.
    """

    version: Literal[1] = 1
    before: HostIdentity
    after: HostIdentity | None = None
    knobs: tuple[KnobRecord, ...] = ()
    load_hosts: Annotated[tuple[LoadHostRecord, ...], Field(exclude_if=lambda hosts: not hosts)] = ()


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
    "postgres-settings",
    "not-reset",
    "not-ready",
    "no-requests",
    "generator-failed",
    "sampler-failed",
    "watch-failed",
    "steal",
    "throttled",
    "generator-saturated",
    "connections-missing",
    "stuck-requests",
    "noisy-neighbour",
    "spin",
    "vegeta-errors",
    "rate-missed",
    "generators-apart",
    "clock-unsure",
    "network-saturated",
]


class Void(Document):
    """Why an attempt at a cell doesn't count: a reason by name and a sentence with the numbers."""

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


STEADY_SECONDS = 12
"""How long nothing may have changed for a warm-up to be steady.

A JVM that shares its one core with its compiler gets faster for 12 to 16 s, so 12 s without a change can hardly lie
within that rise. In simulated rises of that kind, with 3 to 10% of noise a second, fewer than one in fifty was called
steady while more than a tenth of the throughput was still to come; with 8 s it was one in eight. Each second more is
paid by every cell.
"""

WarmUpOutcome = Literal["steady", "never-steady", "not-judged"]
"""`steady`: throughput had settled when the warm-up ended. `never-steady`: it lasted as long as it may, and hadn't.
`not-judged`: as long as it may is too short to tell."""


class WarmUp(Document):
    """A cell's warm-up: how it ended, how many seconds its load lasted, and the requests sent in each whole second."""

    outcome: WarmUpOutcome
    seconds: float
    series: tuple[int, ...]


def attempt_id(cell_id: str, attempt: int) -> str:
    """The folder of an attempt in `cells/`: the cell's own for the first, ``<cell id>-attempt-2`` for the second."""
    return cell_id if attempt == 1 else f"{cell_id}-attempt-{attempt}"


class CellRecord(Document):
    """`cells/<id>/cell.json`: how one attempt at a cell went. It is written last: without it, none was finished.

    `attempt` counts from 1; a record of version 2 doesn't have it and is of the only one that there was then.
    `phases_seconds` has the wall time of each phase (reset, restart, ready, probe, warm_up, pinning, load, pull).
    `load_started_ns` and `load_ended_ns` bound the load window on the host's CLOCK_MONOTONIC, the clock of the
    samples; they are None where wrk left no result. `warm_up` is None where the cell ended before its warm-up did, and
    in a record from before warm-ups were watched. `files` maps each raw file of the folder to its SHA-256.
    """

    version: Literal[3] = 3
    cell_id: str
    attempt: Annotated[int, Field(ge=1)] = 1
    started_at: datetime
    voids: tuple[Void, ...]
    phases_seconds: dict[str, float]
    load_started_ns: Nanoseconds | None
    load_ended_ns: Nanoseconds | None
    pinning: tuple[ProcessPinning, ...]
    warm_up: WarmUp | None = None
    files: dict[str, str] = Field(default_factory=dict)

    @field_validator("version", mode="before")
    @classmethod
    def _take_the_last_one_too(cls, value: object) -> object:
        known = known_window(value)
        return 3 if known == 2 else known

    @property
    def valid(self) -> bool:
        """Whether the attempt counts."""
        return not self.voids

    @property
    def never_steady(self) -> bool:
        """Whether the warm-up lasted as long as it may, and throughput still changed."""
        return self.warm_up is not None and self.warm_up.outcome == "never-steady"

    @property
    def attempt_id(self) -> str:
        """The attempt's folder in `cells/`."""
        return attempt_id(self.cell_id, self.attempt)


JournalEvent = Literal[
    "run-started", "cell-started", "cell-finished", "cell-void", "run-resumed", "budget-spent", "run-finished"
]


class JournalEntry(Document):
    """One line of `journal.jsonl`: one thing done, at what time, for which attempt at which cell."""

    at: datetime
    event: JournalEvent
    cell_id: str | None = None
    attempt: int | None = None
    message: str | None = None
