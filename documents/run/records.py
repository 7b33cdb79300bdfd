"""The documents of a run's folder: manifest, host record, cell record and journal."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Annotated, Literal, get_args

from pydantic import Field

from documents.base import Document, Name
from documents.lab import Inventory, Role
from documents.run.protocol import Protocol

KnobState = Literal["as-wanted", "set", "only-read", "refused", "lost", "not-told", "nothing-to-control"]
"""The state of a knob.

`as-wanted`: it was so without the lab. `set`: the lab set it for the run. `only-read`: it isn't as wanted, on a host
where the lab sets nothing. `refused`: the kernel refused the setting. `lost`: something else changed it during the run.
If the kernel doesn't have it: `nothing-to-control` if the effect can't happen either, else `not-told`.
"""

_CONTROLLED: frozenset[KnobState] = frozenset({"as-wanted", "set", "nothing-to-control"})


class KnobRecord(Document):
    """One kernel setting that a measurement depends on, in the kernel's words.

    A setting with many files, such as one for each interrupt, has the number of files of each value.

    Attributes:
        wanted: what a measurement wants
        before: before the run; null where the kernel has none
        during: after it was set
        after: after it was put back; null until then
        state: `as-wanted`, `set` and `nothing-to-control` are controlled; `lost` was changed by something else
            during the run, `not-told` can't be read
        message: why it isn't controlled
    """

    name: str
    wanted: str
    before: str | None
    during: str | None = None
    after: str | None = None
    state: KnobState
    message: str | None = None

    @property
    def controlled(self) -> bool:
        """Whether the knob was as wanted for the whole run."""
        return self.state in _CONTROLLED


def describe_control(knobs: tuple[KnobRecord, ...]) -> str:
    """How far a host was controlled, in a few words: ``partly controlled: turbo, governor``."""
    if not knobs:
        return "no settings were read"
    free = [knob.name for knob in knobs if not knob.controlled]
    if not free:
        return "controlled"
    return f"{'partly' if len(free) < len(knobs) else 'not'} controlled: {', '.join(free)}"


Nanoseconds = Annotated[int, Field(ge=0, lt=2**63)]
"""A moment on a host's CLOCK_MONOTONIC, as its kernel counts it."""

Positive = Annotated[float, Field(gt=0)]

Offset = Annotated[int, Field(gt=-(2**63), lt=2**63)]
"""How far one clock is ahead of another, in nanoseconds; below 0 where it is behind."""


class RoundTrips(Document):
    """How long a small message takes to the lab's host and back over TCP, without the other side's own time.

    Attributes:
        count: how many were sent, one after the other
    """

    count: Annotated[int, Field(ge=1)]
    minimum_us: float
    median_us: float
    p99_us: float
    maximum_us: float


class ClockReading(Document):
    """How far the clock of the lab's host is ahead of a load host's, by the exchange with the least delay.

    Source: RFC 5905, section 8.

    Attributes:
        at_ns: the load host's CLOCK_MONOTONIC then
        offset_ns: of CLOCK_MONOTONIC, the clock of all raw files
        wall_offset_ns: of CLOCK_REALTIME
        delay_ns: the round trip; an offset is wrong by at most half of it
    """

    at_ns: Nanoseconds
    offset_ns: Offset
    wall_offset_ns: Offset
    delay_ns: Annotated[int, Field(ge=0, lt=2**63)]

    @property
    def error_ns(self) -> float:
        """How far the offset may be off, either way."""
        return self.delay_ns / 2


class Bandwidth(Document):
    """What one TCP connection carried each way.

    Attributes:
        tool: as it names itself
        seconds: how long it sent each way
        to_apis: bits a second
        from_apis: bits a second
    """

    tool: str
    seconds: Annotated[int, Field(ge=1)]
    to_apis: Positive
    from_apis: Positive


class Network(Document):
    """What was measured between a load host and the lab's host at one time.

    Attributes:
        bandwidth: null where a host lacks iperf3
    """

    round_trips: RoundTrips
    clock: ClockReading
    bandwidth: Bandwidth | None


class ClockReadings(Document):
    """The clock of one load host against that of the lab's host.

    Attributes:
        before: immediately before the load
        after: immediately after it
    """

    before: ClockReading
    after: ClockReading


class CellClocks(Document):
    """`clocks.json`: the clocks of the load hosts.

    Attributes:
        load_hosts: in the inventory's order
    """

    version: Literal[1] = 1
    load_hosts: Annotated[tuple[ClockReadings, ...], Field(min_length=1)]


MANIFESTS = "[!.]*/manifest.json"
"""A glob pattern for the manifests in a folder of runs. Incomplete and removed runs begin with a dot."""

UNKNOWN_COMMIT = "unknown"
"""The commit, if there is no git or no repository."""


class Manifest(Document):
    """`manifest.json`: what the run is, written once before its first cell.

    Attributes:
        run_id: the folder's name
        git_commit: the project's commit; `-dirty` follows where the tree had changes, `unknown` without git
        protocol_file: the path of its file as it was given; null for one of the lab's own
        budget_seconds: the time that the run was given; the protocol's blocks are then those that fitted
        open_loop_seconds: how much of the budget is kept for the open loop
        order_seed: what the order of the cells was drawn from
        requests_sha256: of each workload's request file
        tool_versions: as the host named them: docker, kernel, postgres, python3, redis, sshd, taskset, wrk
    """

    version: Literal[1] = 1
    run_id: str
    started_at: datetime
    git_commit: str
    protocol: Protocol
    protocol_file: str | None = None
    budget_seconds: int | None = None
    open_loop_seconds: float = 0
    inventory: Inventory
    order_seed: int
    requests_sha256: dict[str, str]
    tool_versions: dict[str, str]


_VARYING = frozenset({"available_memory_bytes", "steal_seconds"})
"""The members of an identity that change although the host is the same."""


class HostIdentity(Document):
    """The host's identity, as the host reports it. Null if the host doesn't report it.

    Attributes:
        cpus: those that the host may use
        memory_bytes: the host's limit, if it has one
        settings: kernel settings by name; one that the kernel doesn't have is left out
        microcode: the processor's
        physical_cores: those that the CPUs belong to
        cgroup_limits: each limit on the host's first process, by its file's name
        open_files: soft and hard limit of the host's first process
        irqbalance: whether it runs; null in a container, which doesn't see all processes
        mitigations: what the kernel does about each weakness of the processor
        available_memory_bytes: when it was read; it doesn't identify the host
        steal_seconds: since boot, over all CPUs; it doesn't identify the host
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

    def differences(self, other: "HostIdentity") -> tuple[tuple[str, str, str], ...]:
        """What differs in another identity: the name, the value here, and the value there.

        Values that always vary are left out: steal so far and free memory. A value that one of the two lacks counts as
        a difference, because it may be one.
        """
        return differences_of(_flat(self), _flat(other))

    def changes(self, other: "HostIdentity") -> tuple[str, ...]:
        """The differences of a later identity, a clause for each: ``kernel was 6.1 and is 6.12``."""
        return tuple(f"{name} was {then} and is {now}" for name, then, now in self.differences(other))


def differences_of(ours: Mapping[str, str], theirs: Mapping[str, str]) -> tuple[tuple[str, str, str], ...]:
    """The names whose values differ, each with both values; one that is missing is `absent`."""
    absent = "absent"
    pairs = {name: (ours.get(name, absent), theirs.get(name, absent)) for name in {**ours, **theirs}}
    return tuple((name, here, there) for name, (here, there) in pairs.items() if here != there)


_ENTRIES = {"settings": "the setting", "cgroup_limits": "the cgroup limit", "mitigations": "the mitigation of"}
"""What comes before the name of an entry of each mapping."""


def _flat(identity: HostIdentity) -> dict[str, str]:
    """The members of an identity as text, by their names in a sentence; those of its mappings one by one."""
    found: dict[str, str] = {}
    for name, value in identity.model_dump().items():
        if name in _VARYING:
            continue
        if name in _ENTRIES and value is not None:
            found |= {f"{_ENTRIES[name]} {key}": text for key, text in sorted(value.items())}
        else:
            found[name.replace("_", " ")] = "unknown" if value is None else str(value)
    return found


class LoadHostLook(Document):
    """A load host at one time.

    Attributes:
        network: what lies between it and the lab's host
    """

    identity: HostIdentity
    network: Network


class LoadHostRecord(Document):
    """One load host of a run.

    Attributes:
        before: before the first cell
        after: after the last; null until then
    """

    before: LoadHostLook
    after: LoadHostLook | None = None


class HostRecord(Document):
    """`host.json`: the host's identity, read while nothing is set for the run, and its settings.

    Attributes:
        before: before the first cell
        after: after the last; null until then
        knobs: the settings that a measurement depends on; those of load hosts have `of load host 1` in their names
        load_hosts: in the inventory's order; left out where there are none
    """

    version: Literal[1] = 1
    before: HostIdentity
    after: HostIdentity | None = None
    knobs: tuple[KnobRecord, ...] = ()
    load_hosts: Annotated[tuple[LoadHostRecord, ...], Field(exclude_if=lambda hosts: not hosts)] = ()


class ProcessPinning(Document):
    """The CPUs that one thread may run on, read back from /proc/PID/task/TID/status after the warm-up.

    Attributes:
        process_id: as the host numbers it
    """

    role: Role
    process_id: int
    thread_id: int
    command: str
    cpus: tuple[int, ...]


ApiFault = Literal[
    "not-ready",
    "wrong-answer",
    "no-requests",
    "wrk-errors",
    "wrong-status",
    "vegeta-errors",
    "connections-missing",
    "stuck-requests",
]
"""Void reasons that the API causes: it failed."""

HostFault = Literal[
    "steal",
    "throttled",
    "noisy-neighbour",
    "spin",
    "generator-saturated",
    "rate-missed",
    "clock-unsure",
    "generators-apart",
    "network-saturated",
]
"""Void reasons of the hosts and the network. `rate-missed` may be the API's too: no counter shows which."""

LabFault = Literal[
    "not-reset",
    "postgres-settings",
    "pinning",
    "generator-failed",
    "sampler-failed",
    "watch-failed",
]
"""Void reasons of the lab's own work on the host."""

VoidReason = Literal[ApiFault, HostFault, LabFault]


class Void(Document):
    """Why an attempt at a cell doesn't count.

    Attributes:
        message: a sentence with the numbers
    """

    reason: VoidReason
    message: str


def is_failure(voids: Collection[Void]) -> bool:
    """Whether an attempt was void because the API failed, and not because the host disturbed it.

    An API that doesn't answer misses its rate in the open loop, so that isn't a disturbance.
    """
    reasons = {void.reason for void in voids} - {"rate-missed"}
    return not reasons.isdisjoint(get_args(ApiFault)) and reasons.isdisjoint(get_args(HostFault))


STEADY_SECONDS = 12
"""How long nothing may have changed for a warm-up to be steady.

A JVM that shares its one core with its compiler gets faster for 12 to 16 s, so 12 s without a change can hardly lie
within that rise. In simulated rises of that kind, with 3 to 10% of noise a second, fewer than one in fifty was called
steady while more than a tenth of the throughput was still to come; with 8 s it was one in eight. Each second more is
paid by every cell.
"""

WarmUpOutcome = Literal["steady", "never-steady", "not-judged"]
"""`steady`: throughput had settled when the warm-up ended. `never-steady`: it lasted as long as it may, and hadn't.
`not-judged`: the longest that it may last is too short to judge."""


class WarmUp(Document):
    """A cell's warm-up.

    Attributes:
        outcome: `steady`: throughput had settled; `never-steady`: it hadn't after the longest time; `not-judged`:
            that time is too short to judge
        seconds: how long its load lasted, by the host's clock
        series: requests sent in each whole second; where they were steady, up to the second that showed it
    """

    outcome: WarmUpOutcome
    seconds: float
    series: tuple[int, ...]


def attempt_id(cell_id: str, attempt: int) -> str:
    """The folder of an attempt in `cells/`: the cell's own for the first, ``<cell id>-attempt-2`` for the second."""
    return cell_id if attempt == 1 else f"{cell_id}-attempt-{attempt}"


class CellRecord(Document):
    """`cell.json`: how one attempt at a cell went. It is written last: without it, the attempt isn't finished.

    Attributes:
        cell_id: the name of the first attempt's folder
        attempt: from 1; from 2 on the folder's name ends in `-attempt-` and this number
        started_at: by the controller's clock
        voids: empty for an attempt that counts
        phases_seconds: wall time of each phase: reset, restart, ready, probe, warm_up, pinning, load, pull
        load_started_ns: the load window; null where the generator left no result
        warm_up: null where the cell ended before it
        files: each raw file of the folder with its SHA-256
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

    @property
    def valid(self) -> bool:
        """Whether the attempt counts."""
        return not self.voids

    @property
    def seconds(self) -> float:
        """Wall time of the attempt, all phases together."""
        return sum(self.phases_seconds.values())

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
    """One line of `journal.jsonl`: one thing done.

    Attributes:
        cell_id: left out where the event is of no cell
        attempt: which attempt at the cell, from 1
        message: left out where there is none
    """

    at: datetime
    event: JournalEvent
    cell_id: str | None = None
    attempt: int | None = None
    message: str | None = None


class PipelineRun(Document):
    """What a pipeline asked of `lab run --ci`, and the run that it got.

    Attributes:
        pipeline: names the pipeline and its job, the same each time that it is started again
        apis: empty where none was given
        run_id: empty until the run has begun
    """

    version: Literal[1] = 1
    pipeline: str
    git_commit: str
    stack: Name
    protocol: Protocol
    apis: tuple[str, ...]
    order_seed: int | None
    budget_seconds: int | None
    run_id: str = ""
