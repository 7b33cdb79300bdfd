"""The report: a run's numbers, computed from its raw files alone; and the gate that rests on it."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from documents.base import Document, Name
from documents.lab import CoreLayout, HostSize, Varied
from documents.report.comparison import Comparison, Measure, PairComparison, TwinComparison
from documents.report.numbers import (
    CellNumbers,
    Estimate,
    OpenLoopNumbers,
    OpenLoopSummary,
    ScenarioSummary,
    Spread,
    WarmUpSummary,
)
from documents.run import Fact, HostIdentity, KnobRecord, LoadHostLook, OpenLoopRate, Scenario, Void

ClaimKind = Literal["number", "order", "ratio", "limit", "stand-in", "unstated"]
"""What is claimed: an absolute number; which of two or four comes first; how many times one is the other; that
something stays within or goes beyond a limit; that a stand-in is in the order of the hours of work; or nothing that has
a number to test."""

ClaimOutcome = Literal["reproduced", "contradicted", "cannot-tell", "not-comparable"]
"""`reproduced` and `contradicted` are shown, each at a stated error. `cannot-tell`: what was measured allows both.
`not-comparable`: what was measured is something else than what is claimed, or nothing was."""


class PublishedLine(Document):
    """One line of the article: a title, what it says, and the facts about building that answer it."""

    name: Name
    title: str
    says: str
    facts: tuple[Fact, ...] = ()


class JudgedClaim(Document):
    """One claim and its outcome; `why` is a sentence with the numbers. `name` is unique in its line."""

    name: str
    kind: ClaimKind
    says: str
    outcome: ClaimOutcome
    why: str


class JudgedLine(Document):
    """A line of the article with all claims that are in it."""

    line: PublishedLine
    claims: tuple[JudgedClaim, ...]


Grade = Literal["full", "partly-controlled", "smaller", "other-tenants", "shared"]
"""How far a host's numbers reach: `full` has the article's 8 cores and 16 GB, a core layout without overlap, and every
knob as a measurement wants it. `partly-controlled` lacks the last of these, `smaller` has less of the machine, or
services that share CPUs where the load comes from load hosts, on a host with `other-tenants` these have the same cores,
and on a `shared` one the load generator also competes with what it measures. Of several, the last holds."""


class OpenLoopReport(Document):
    """The open loop of a run: its rates, and each API at each of them. `scenario` is as in the cells."""

    scenario: Scenario
    blocks: int
    slowest: Name | None
    throughput: float | None
    rates: tuple[OpenLoopRate, ...]
    summaries: tuple[OpenLoopSummary, ...]
    cells: tuple[OpenLoopNumbers, ...]


class PublishedNumber(Document):
    """A number of the article beside ours; all of the article's are there where the run has one of its loads.

    Throughput in requests a second, memory in bytes, latency in microseconds. `measured` is None where this run has
    no valid cell of that API and scenario. The article doesn't say under which load its memory was averaged: ours
    is that of the heavy one.
    """

    api: Name
    scenario: Name
    measure: Literal["throughput", "memory_mean", "p99"]
    published: float
    measured: Estimate | None


class BuildingFacts(Document):
    """What `lab facts` measured of an API's image, in seconds and bytes, as `documents.run.records` explains.

    `same_host` says that it was measured on a host of the same identity as the run's. `build_cpus` and `dependencies`
    are counts.
    """

    api: Name
    language: str
    measured_at: datetime
    git_commit: str
    same_host: bool
    build_cpus: int
    clean_build_seconds: Spread
    incremental_build_seconds: Spread
    changed_file: str
    binary_bytes: int
    image_bytes: int
    code_lines: int
    test_lines: int
    dependencies: int
    first_answer_seconds: Spread
    engine_seconds: Spread
    rest_seconds: float
    rest_memory_bytes: Spread


class Subject(Document):
    """One API as it was built: its source, the image made of it, and what the stack document adds to it.

    In a run that varies APIs each variant is a subject of its own; `varied` says of what, and what is otherwise.
    """

    name: Name
    source: str
    source_sha256: str
    image_id: str
    environment: dict[str, str]
    varied: Annotated[Varied | None, Field(exclude_if=lambda varied: varied is None)] = None


class VoidAttempt(Document):
    """An attempt at a cell that doesn't count, and why. `attempt` counts from 1.

    `rate` is that of a cell of the open loop, in requests a second; None in the closed one.
    """

    cell_id: str
    attempt: int
    block: int
    api: Name
    scenario: Name
    rate: int | None = None
    voids: tuple[Void, ...]


class VoidCell(Document):
    """A cell of which no attempt counts and none is left. `voids` are the reasons of the last of its `attempts`.

    `rate` is as in `VoidAttempt`.
    """

    cell_id: str
    attempts: int
    block: int
    api: Name
    scenario: Name
    rate: int | None = None
    voids: tuple[Void, ...]


class ShortBlock(Document):
    """A block without some of its cells, the ids of which stand in `lacking`: no attempt at them was valid.

    With `open_loop` it is one of the open loop's blocks, which are counted by themselves.
    """

    block: int
    open_loop: bool = False
    lacking: tuple[str, ...]


class LoadHostReport(Document):
    """A load host: the CPUs of its generator and of its other work, and what it is. `after` is None until the run ends.

    `differences` has a clause for all in which it isn't like the lab's host.
    """

    kind: str
    generator: tuple[int, ...]
    system: tuple[int, ...]
    before: LoadHostLook
    after: LoadHostLook | None
    differences: tuple[str, ...]


class Report(Document):
    """`report.json`: everything that the pages show.

    `caveats` are whole sentences that stand on every page: a smaller host, shared cores, void cells, a run that
    isn't finished. `comparisons` has one for each measure. `attempts` is how many the protocol allows a cell, `margin`
    the share up to which two APIs are the same. `control` says in a few words which of the `knobs` weren't as a
    measurement wants them. `article_note` says whether the article's numbers can be compared with this run's, and why
    not. `building` has the APIs whose images `lab facts` has measured, and `claims` all that the article says, with
    what this run and those facts make of it. `open_loop` is None where the protocol has none, or its rates aren't known
    yet. Its valid cells are in it; the void and unfinished ones are among the others. `load_hosts` are those from which
    the load came; none where it was put on from the host itself.
    """

    version: Literal[1] = 1
    run_id: str
    started_at: datetime
    git_commit: str
    stack: Name
    protocol: Name
    protocol_file: str | None = None
    blocks: int
    budget_seconds: int | None = None
    attempts: int
    margin: float
    warm_up_seconds: int
    order_seed: int
    request_seed: int
    scenarios: tuple[Scenario, ...]
    apis: tuple[Subject, ...]
    host_kind: str
    host: HostIdentity
    size: HostSize
    cores: CoreLayout
    grade: Grade
    control: str
    knobs: tuple[KnobRecord, ...] = ()
    load_hosts: Annotated[tuple[LoadHostReport, ...], Field(exclude_if=lambda hosts: not hosts)] = ()
    postgres_settings: dict[str, str]
    caveats: tuple[str, ...]
    summaries: tuple[ScenarioSummary, ...]
    comparisons: tuple[Comparison, ...] = ()
    open_loop: OpenLoopReport | None = None
    article: tuple[PublishedNumber, ...]
    article_note: str
    claims: tuple[JudgedLine, ...] = ()
    building: tuple[BuildingFacts, ...] = ()
    warm_ups: tuple[WarmUpSummary, ...] = ()
    cells: tuple[CellNumbers, ...]
    void_attempts: tuple[VoidAttempt, ...]
    void_cells: tuple[VoidCell, ...]
    short_blocks: tuple[ShortBlock, ...]
    unfinished_cells: tuple[str, ...]
    tool_versions: dict[str, str]


Outcome = Literal["passed", "regression", "cannot-tell", "no-answer"]
"""`passed`: shown the same or better by every judged measure under every load. `regression`: significantly worse by one
at least. `cannot-tell`: neither. `no-answer`: cells that are missing or void leave nothing to judge."""


class Finding(Document):
    """The candidate beside its base by one measure under one load.

    In the pair, `first` is the candidate and `second` the base: the ratio is that of the candidate over the base.
    `judged` says that the outcome rests on it. All that is judged is one family of tests, over measures and loads;
    what is reported beside it is a family by measure.
    """

    measure: Measure
    judged: bool
    pair: PairComparison


class Gate(Document):
    """The outcome of a gate, and what it rests on.

    `tests` is how many of them Holm's correction takes into account for what is judged. `reasons` are whole sentences:
    why the outcome is what it is. `blocks` is how many the protocol has. `blocks_needed` is there where the outcome is
    `cannot-tell`: with how many a candidate without any difference would pass, with the probability `power` and the
    noise that was seen; None there, too, where no protocol may have as many. `twins` are those of throughput.
    `caveats` are those of the run's report.
    """

    version: Literal[1] = 1
    run_id: str
    protocol: Name
    stack: Name
    base: Subject
    candidate: Subject
    outcome: Outcome
    reasons: tuple[str, ...]
    margin: float
    significance: float
    power: float
    tests: int
    blocks: int
    blocks_needed: int | None
    findings: tuple[Finding, ...]
    twins: tuple[TwinComparison, ...]
    caveats: tuple[str, ...]
