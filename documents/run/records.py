"""The documents of a run's folder: manifest, host record, cell record and journal; and what `lab facts` measured."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from documents.base import Document, Name
from documents.lab import Inventory, Role
from documents.run.protocol import Protocol

KnobState = Literal["as-wanted", "set", "only-read", "refused", "lost", "not-told", "nothing-to-control"]
"""How it stands with a knob: `as-wanted` was so without the lab, `set` was set for the run. `only-read` is one that
isn't as wanted where nothing was set; `refused` one that the kernel didn't let be set, `lost` one that something else
changed during the run. Where the kernel doesn't have it, that is `nothing-to-control` for what then can't happen, and
`not-told` for what happens all the same."""

CONTROLLED: frozenset[KnobState] = frozenset({"as-wanted", "set", "nothing-to-control"})


class KnobRecord(Document):
    """One knob: what is wanted, what it was before the run, while it went on, and after it.

    Values are the kernel's own words; of a knob with many files, such as one for each interrupt, each value with the
    number of files that have it. None stands for what wasn't read, or what the kernel doesn't have. `message` says why
    a knob isn't controlled.
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
        """Whether the knob was as wanted for as long as it was looked at."""
        return self.state in CONTROLLED


def describe_control(knobs: tuple[KnobRecord, ...]) -> str:
    """How far a host was controlled, in a few words: ``partly controlled: turbo, governor``."""
    if not knobs:
        return "no settings were read"
    free = [knob.name for knob in knobs if not knob.controlled]
    if not free:
        return "controlled"
    return f"{'partly' if len(free) < len(knobs) else 'not'} controlled: {', '.join(free)}"


Positive = Annotated[float, Field(gt=0)]

Offset = Annotated[int, Field(gt=-(2**63), lt=2**63)]
"""How far one clock is ahead of another, in nanoseconds; below 0 where it is behind."""


class RoundTrips(Document):
    """How long a small message takes to the lab's host and back over TCP, in microseconds; `count` were sent in turn.

    The time that the other side took to answer is taken off.
    """

    count: Annotated[int, Field(ge=1)]
    minimum_us: float
    median_us: float
    p99_us: float
    maximum_us: float


class ClockReading(Document):
    """How far the clock of the lab's host is ahead of a load host's, in nanoseconds.

    `offset_ns` is of CLOCK_MONOTONIC, by which all raw files go: it holds how much earlier the lab's host was booted.
    `wall_offset_ns` is of CLOCK_REALTIME. Both are those of the exchange with the least delay, of RFC 5905, section 8:
    at `at_ns` of the load host's CLOCK_MONOTONIC, over a round trip of `delay_ns`. They can't be wrong by more than
    half of that.
    """

    at_ns: Annotated[int, Field(ge=0, lt=2**63)]
    offset_ns: Offset
    wall_offset_ns: Offset
    delay_ns: Annotated[int, Field(ge=0, lt=2**63)]

    @property
    def error_ns(self) -> float:
        """How far the offset may be off, either way."""
        return self.delay_ns / 2


class Bandwidth(Document):
    """Bits a second that one TCP connection carried for so many seconds: towards the APIs, and back from them."""

    tool: str
    seconds: Annotated[int, Field(ge=1)]
    to_apis: Positive
    from_apis: Positive


class Network(Document):
    """What was measured between a load host and the lab's host at one time. `bandwidth` is None without iperf3."""

    round_trips: RoundTrips
    clock: ClockReading
    bandwidth: Bandwidth | None


class ClockReadings(Document):
    """The clock of one load host against that of the lab's host, straight before a load and straight after it."""

    before: ClockReading
    after: ClockReading


class CellClocks(Document):
    """`clocks.json` in a cell's folder: the clocks of the load hosts, in the inventory's order."""

    version: Literal[1] = 1
    load_hosts: Annotated[tuple[ClockReadings, ...], Field(min_length=1)]


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
    processor. `steal_seconds` is how long its CPUs have waited for a hypervisor since its boot. None stands for a value
    that the host doesn't report.
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

        Values that always vary are left out: steal so far and free memory. A value that one of the two lacks counts as
        a difference, because it may be one.
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
            found[name.replace("_", " ")] = "unknown"
        else:
            found[name.replace("_", " ")] = "unknown" if value is None else str(value)
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

    `before` and `after` are read while nothing is set for the run. `knobs` has those of load hosts too, by names of
    their own. `load_hosts` are in the inventory's order.
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
    """A cell's warm-up: how it ended, how many seconds its load lasted, and the requests sent in each whole second."""

    outcome: WarmUpOutcome
    seconds: float
    series: tuple[int, ...]


def attempt_id(cell_id: str, attempt: int) -> str:
    """The folder of an attempt in `cells/`: the cell's own for the first, ``<cell id>-attempt-2`` for the second."""
    return cell_id if attempt == 1 else f"{cell_id}-attempt-{attempt}"


class CellRecord(Document):
    """`cells/<id>/cell.json`: how one attempt at a cell went. It is written last: without it, none was finished.

    `attempt` counts from 1. `phases_seconds` has the wall time of each phase (reset, restart, ready, probe, warm_up,
    pinning, load, pull). `load_started_ns` and `load_ended_ns` bound the load window on the host's CLOCK_MONOTONIC, the
    clock of the samples; they are None where wrk left no result. `warm_up` is None where the cell ended before its
    warm-up did. `files` maps each raw file of the folder to its SHA-256.
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


class PipelineRun(Document):
    """What a pipeline asked of `lab run --ci`, and the run that came of it.

    `pipeline` names the pipeline and its job, the same each time that it is started again. All else is what was asked:
    of which commit, of which lab, and how. `apis`, `order_seed` and `budget_seconds` are empty or None where they
    weren't given.
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


Seconds = Annotated[float, Field(ge=0)]

Fact = Literal[
    "clean_build",
    "incremental_build",
    "binary_size",
    "image_size",
    "code_lines",
    "dependencies",
    "first_answer",
    "rest_memory",
]
"""What `lab facts` measures, by name."""


class Building(Document):
    """Repetitions of the release build, each in a container of its own from the stage `source`, without a network.

    A clean build begins with the dependencies downloaded and nothing compiled. The incremental one follows it, after
    the change of one line in `changed_file`. `cpus` are those that the builds could use, `binary_bytes` is the size of
    what a build leaves for the image, `dependencies` what of others is in it.
    """

    cpus: tuple[int, ...]
    clean_seconds: Annotated[tuple[Seconds, ...], Field(min_length=1)]
    incremental_seconds: Annotated[tuple[Seconds, ...], Field(min_length=1)]
    changed_file: str
    binary_bytes: Annotated[int, Field(ge=1)]
    dependencies: tuple[str, ...]


class Starting(Document):
    """Repeated starts of the API's own container, on the host's monotonic clock.

    `engine_seconds` pass from the command to start it until its process runs, which is the Docker engine's share;
    `first_answer_seconds` from then until the whole of the first right answer is there. `memory_bytes` is the cgroup's
    anonymous memory `rest_seconds` after that answer, before any load. `cpus` are the API's.
    """

    cpus: tuple[int, ...]
    engine_seconds: Annotated[tuple[Seconds, ...], Field(min_length=1)]
    first_answer_seconds: Annotated[tuple[Seconds, ...], Field(min_length=1)]
    rest_seconds: Seconds
    memory_bytes: Annotated[tuple[int, ...], Field(min_length=1)]


class Facts(Document):
    """All facts of one API: its image and environment as the lab had them, and the host that they were measured on.

    `code_lines` and `test_lines` count lines that hold code: none that is blank, or has but comments, brackets or text.
    """

    version: Literal[1] = 1
    api: Name
    language: str
    source: str
    source_sha256: str
    image_id: str
    environment: dict[str, str]
    measured_at: datetime
    git_commit: str
    stack: Name
    host: HostIdentity
    image_bytes: Annotated[int, Field(ge=1)]
    code_lines: Annotated[int, Field(ge=1)]
    test_lines: Annotated[int, Field(ge=0)]
    building: Building
    starting: Starting
