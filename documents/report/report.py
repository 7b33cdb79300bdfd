"""The report: a run's numbers, computed only from its raw files; and the gate that is based on it."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from documents.base import Document, Name
from documents.lab import CoreLayout, HostSize, Varied
from documents.report.comparison import BlocksNeeded, Comparison, Measure, PairComparison, TwinComparison
from documents.report.numbers import (
    CellNumbers,
    Estimate,
    OpenLoopNumbers,
    OpenLoopSummary,
    ScenarioSummary,
    Spread,
    WarmUpSummary,
)
from documents.run import Fact, HostIdentity, KnobRecord, LoadHostLook, OpenLoopRate, Scenario, Void, is_failure

ClaimKind = Literal["number", "order", "ratio", "limit", "unstated"]
"""What is claimed: an absolute number; which of two or four comes first; how many times one is the other; that
something stays within or goes beyond a limit; or nothing that has a number to test."""

ClaimOutcome = Literal["reproduced", "contradicted", "cannot-tell", "not-comparable"]
"""`reproduced` and `contradicted` are shown, each at a stated error. `cannot-tell`: what was measured allows both.
`not-comparable`: what was measured is something else than what is claimed, or nothing was."""


class PublishedLine(Document):
    """One line of the article.

    Attributes:
        says: what it says
        facts: the facts about building that answer it
    """

    name: Name
    title: str
    says: str
    facts: tuple[Fact, ...] = ()


class JudgedClaim(Document):
    """One claim and its outcome.

    Attributes:
        name: unique in its line
        says: what is claimed
        why: a sentence with the numbers
    """

    name: str
    kind: ClaimKind
    says: str
    outcome: ClaimOutcome
    why: str


class JudgedLine(Document):
    """A line of the article with all claims in it."""

    line: PublishedLine
    claims: tuple[JudgedClaim, ...]


Grade = Literal["full", "partly-controlled", "smaller", "other-tenants", "shared"]
"""How far a host's numbers can be trusted. Of several grades, the last one holds.

`full`: the article's 8 cores and 16 GB, a core layout without overlap, and every knob as a measurement wants it.
`partly-controlled`: all but the last of these. `smaller`: fewer cores or less memory, or roles other than the generator
share CPUs. `other-tenants`: other tenants of a cloud have the same cores. `shared`: the load generator shares CPUs with
what it measures.
"""


class OpenLoopReport(Document):
    """The open loop of a run.

    Attributes:
        scenario: as in the cells
        slowest: as in `open-loop-plan.json`, like `throughput` and `rates`
        cells: each valid cell
    """

    scenario: Scenario
    blocks: int
    slowest: Name | None
    throughput: float | None
    rates: tuple[OpenLoopRate, ...]
    summaries: tuple[OpenLoopSummary, ...]
    cells: tuple[OpenLoopNumbers, ...]


class PublishedNumber(Document):
    """A number of the article beside this run's.

    The article doesn't say under which load its memory was averaged: here it is the heavy one.

    Attributes:
        measure: `p99` is the corrected one that wrk prints, which comparisons call `p99_corrected`
        published: the article's: requests a second, bytes or microseconds
        measured: this run's; null without a valid cell
    """

    api: Name
    scenario: Name
    measure: Literal["throughput", "memory_mean", "p99"]
    published: float
    measured: Estimate | None


class BuildingFacts(Document):
    """What `lab facts` measured of an API's image; see `Facts`.

    Attributes:
        git_commit: the project's commit then
        same_host: measured on a host of the same identity as the run's
        build_cpus: how many CPUs the builds could use
        changed_file: in the implementation's folder
        dependencies: how many
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
    """One API as it was built. In a run that varies APIs each variant is a subject of its own.

    Attributes:
        varied: what it is a variant of; left out for an API as declared
    """

    name: Name
    source: str
    source_sha256: str
    image_id: str
    environment: dict[str, str]
    varied: Annotated[Varied | None, Field(exclude_if=lambda varied: varied is None)] = None


class VoidAttempt(Document):
    """An attempt at a cell that doesn't count.

    Attributes:
        attempt: from 1
        rate: requests a second in a cell of the open loop; null in the closed one
    """

    cell_id: str
    attempt: int
    block: int
    api: Name
    scenario: Name
    rate: int | None = None
    voids: tuple[Void, ...]

    @property
    def failed(self) -> bool:
        """Whether it is void because the API failed."""
        return is_failure(self.voids)


class VoidCell(Document):
    """A cell with no valid attempt and no attempt left.

    Attributes:
        attempts: how many were made
        rate: requests a second in a cell of the open loop; null in the closed one
        voids: of the last attempt
    """

    cell_id: str
    attempts: int
    block: int
    api: Name
    scenario: Name
    rate: int | None = None
    voids: tuple[Void, ...]


class ShortBlock(Document):
    """A block that lacks cells because no attempt at them was valid.

    Attributes:
        open_loop: a block of the open loop, which counts its blocks from 1 again
        lacking: the cells' ids
    """

    block: int
    open_loop: bool = False
    lacking: tuple[str, ...]


class LoadHostReport(Document):
    """A load host of the run.

    Attributes:
        generator: the CPUs of its generator
        system: the CPUs of its other work
        after: null until the run has ended
        differences: how it differs from the lab's host
    """

    kind: str
    generator: tuple[int, ...]
    system: tuple[int, ...]
    before: LoadHostLook
    after: LoadHostLook | None
    differences: tuple[str, ...]


class Report(Document):
    """`report.json`: everything that the pages show.

    Attributes:
        protocol: its name
        protocol_file: as in the manifest
        blocks: that the run has or will have
        budget_seconds: as in the manifest
        attempts: how many the protocol allows a cell
        margin: the share up to which two APIs are the same
        warm_up_seconds: the longest that a warm-up could last
        host: before the run
        control: how far the host's settings were controlled, such as `partly controlled: turbo, governor`
        knobs: as in `host.json`
        load_hosts: left out where there are none
        caveats: what to know before quoting a number; the first sentence of each says it in one line
        comparisons: one for each measure that is above 0 in every cell
        open_loop: null where the protocol has none, or its rates aren't known yet
        article_note: whether the article's numbers can be compared, and if not, why not
        claims: what the article says, and how this run judges it
        building: of the APIs whose images `lab facts` has measured
        cells: each valid cell
        void_attempts: each void attempt, also at cells that have a valid one
        void_cells: cells without a valid attempt, and with none left
        unfinished_cells: their ids
    """

    version: Literal[1] = 1
    run_id: str
    started_at: datetime
    git_commit: str
    stack: Name
    protocol: Name
    protocol_file: str | None
    blocks: int
    budget_seconds: int | None
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
    knobs: tuple[KnobRecord, ...]
    load_hosts: Annotated[tuple[LoadHostReport, ...], Field(exclude_if=lambda hosts: not hosts)] = ()
    postgres_settings: dict[str, str]
    caveats: tuple[str, ...]
    summaries: tuple[ScenarioSummary, ...]
    comparisons: tuple[Comparison, ...]
    open_loop: OpenLoopReport | None
    article: tuple[PublishedNumber, ...]
    article_note: str
    claims: tuple[JudgedLine, ...]
    building: tuple[BuildingFacts, ...]
    warm_ups: tuple[WarmUpSummary, ...]
    cells: tuple[CellNumbers, ...]
    void_attempts: tuple[VoidAttempt, ...]
    void_cells: tuple[VoidCell, ...]
    short_blocks: tuple[ShortBlock, ...]
    unfinished_cells: tuple[str, ...]
    tool_versions: dict[str, str]

    @property
    def generator_shares(self) -> bool:
        """Whether under the lab's core layout the load generator shares CPUs with what it measures."""
        return self.grade == "shared" if self.load_hosts else self.cores.shares("generator")

    @property
    def every_cell(self) -> tuple[CellNumbers | OpenLoopNumbers, ...]:
        """Each valid cell, those of the open loop last."""
        return (*self.cells, *(self.open_loop.cells if self.open_loop else ()))

    def cores_of(self, api: Subject) -> CoreLayout:
        """The core layout that an API was measured with: its variant's, or the lab's."""
        return api.varied.cores if api.varied is not None and api.varied.cores is not None else self.cores


Outcome = Literal["passed", "regression", "cannot-tell", "no-answer"]
"""`passed`: shown the same or better by every judged measure under every load. `regression`: significantly worse by one
at least, or the candidate failed in a cell and the base in none. `cannot-tell`: neither. `no-answer`: cells are
missing, or both failed."""

OUTCOMES: dict[Outcome, str] = {
    "regression": "regression",
    "no-answer": "no answer",
    "cannot-tell": "can't tell",
    "passed": "passed",
}
"""The outcomes in words, the worst first: a regression is shown, so it is worse than a run that shows nothing."""

GATE_STATUSES: dict[Outcome, int] = {"passed": 0, "regression": 1, "cannot-tell": 2, "no-answer": 3}
"""The exit statuses of a gate."""


class Finding(Document):
    """The candidate beside its base by one measure under one load.

    Attributes:
        judged: whether it decides the outcome; all judged comparisons are one family of tests
        pair: `first` is the candidate, `second` the base
    """

    measure: Measure
    judged: bool
    pair: PairComparison


class Gate(Document):
    """The outcome of a gate and its reasons: what `lab gate --json` prints.

    Attributes:
        outcome: the exit status is 0, 1, 2 or 3
        reasons: whole sentences
        tests: how many Holm's correction takes into account for what is judged
        blocks: the protocol's
        blocks_needed: with how many blocks an unchanged candidate would pass; null unless the outcome is
            `cannot-tell`
        findings: what is judged first
        twins: A/A of throughput, by load
        caveats: those of the run's report
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
    blocks_needed: BlocksNeeded | None
    findings: tuple[Finding, ...]
    twins: tuple[TwinComparison, ...]
    caveats: tuple[str, ...]
