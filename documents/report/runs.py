"""Several runs: listed, compared, and over time."""

from datetime import datetime
from typing import Literal

from documents.base import Document, Name
from documents.report.comparison import BlocksNeeded, Interval, Measure, Verdict
from documents.report.numbers import Estimate
from documents.report.report import Grade


class HistoryPoint(Document):
    """One API under one load in one run.

    Attributes:
        throughput: requests a second
        change: the throughput over that of the point before; null at the first
        ratio: of that change over the controls', as in `ComparedResult`, like the next two
    """

    run_id: str
    image_id: str
    blocks: int
    throughput: Estimate
    p99_us: Estimate
    change: float | None
    ratio: float | None
    interval: Interval | None
    verdict: Verdict | None


class HistorySeries(Document):
    """One API under one load over the runs of a group.

    Attributes:
        points: the oldest run first; those with a valid cell
    """

    scenario: Name
    api: Name
    points: tuple[HistoryPoint, ...]


class HistoryRun(Document):
    """A run of a group."""

    run_id: str
    started_at: datetime
    git_commit: str


class HistoryGroup(Document):
    """Runs that were measured under the same conditions, the oldest first.

    Attributes:
        differences: conditions in which they differ from the newest group
    """

    protocol: Name
    stack: Name
    runs: tuple[HistoryRun, ...]
    differences: tuple[str, ...]
    series: tuple[HistorySeries, ...]


class LeftOutRun(Document):
    """A run that isn't drawn.

    Attributes:
        why: a sentence
    """

    run_id: str
    why: str


class History(Document):
    """What `lab history --json` prints: runs over time, in groups that may be compared.

    Attributes:
        groups: that of the newest run first
    """

    version: Literal[1] = 1
    groups: tuple[HistoryGroup, ...]
    left_out: tuple[LeftOutRun, ...]


Side = Literal["first", "second"]
"""Which of the two runs; `first` is the one that the other is compared with."""


class ComparedRun(Document):
    """One of two runs.

    Attributes:
        protocol: its name
    """

    run_id: str
    started_at: datetime
    git_commit: str
    stack: Name
    protocol: Name
    valid_cells: int
    void_cells: int
    unfinished_cells: int


class ComparedSubject(Document):
    """An API that both runs measured.

    Attributes:
        changed: what of its build changed between them
    """

    api: Name
    first_image_id: str
    second_image_id: str
    changed: tuple[Literal["image", "sources", "environment"], ...]


class ComparedResult(Document):
    """One API under one load in two runs.

    Whatever differs between two runs is in the `change` of every API. So the verdict is on `ratio`: the change over
    that of the controls, the other APIs with the same build in both runs. A block gives the API's value over the
    geometric mean of its controls'. The blocks of two runs aren't paired: the test is Welch's. Fields from `ratio` on
    are null without a control, or without two blocks of each run that have all of them.

    Attributes:
        first_blocks: blocks with a valid cell
        first: geometric mean over blocks, in the unit of the cells' numbers
        change: `second` over `first`
        ratio: the change over the controls'
        first_noise: standard deviation of the blocks' logs, over the controls
        degrees_of_freedom: Welch's
        interval: of the ratio, at the level of Holm's method
        p_value: as in `PairComparison`, like all fields that it has too
        better: which run, where the verdict is `better`
        reason: why there is no ratio
        blocks_to_detect: of each run
    """

    api: Name
    scenario: Name
    first_blocks: int
    second_blocks: int
    first: float | None
    second: float | None
    change: float | None
    ratio: float | None
    interval_95: Interval | None
    interval_90: Interval | None
    interval: Interval | None
    first_noise: float | None
    second_noise: float | None
    degrees_of_freedom: float | None
    p_value: float | None
    p_adjusted: float | None
    p_equivalence: float | None
    verdict: Verdict
    better: Side | None
    bound_by_postgres: bool
    reason: str | None
    blocks_to_detect: BlocksNeeded | None
    blocks_to_show_same: BlocksNeeded | None


class MeasureChanges(Document):
    """All APIs under all loads that both runs measured, by one measure.

    Attributes:
        tests: how many Holm's correction takes into account
    """

    measure: Measure
    tests: int
    changes: tuple[ComparedResult, ...]


class RunComparison(Document):
    """Two runs beside each other: what `lab compare --json` prints.

    Attributes:
        first: the run that the other is compared with
        differences: conditions that differ; empty unless compared with `--anyway`
        notes: what to know before quoting a ratio
        margin: the smaller one, where the protocols' differ
        significance: two-sided, of a family
        power: what numbers of blocks are given for
        subjects: the APIs that both runs measured
        controls: those of the same build in both, against which the others are judged, and they against each other
        measures: one for each measure that is above 0 in every cell
    """

    version: Literal[1] = 1
    first: ComparedRun
    second: ComparedRun
    differences: tuple[str, ...]
    notes: tuple[str, ...]
    margin: float
    significance: float
    power: float
    subjects: tuple[ComparedSubject, ...]
    controls: tuple[Name, ...]
    measures: tuple[MeasureChanges, ...]


RunStanding = Literal["finished", "unfinished", "running", "damaged"]
"""`finished`: all its cells are measured. `unfinished`: it was interrupted; `lab run --resume` can continue it.
`running`: a process on this machine measures it. `damaged`: its documents can't be read."""


class ListedRun(Document):
    """A run's folder, as `lab runs --json` lists it. Of a damaged run little more than its name is known.

    Attributes:
        run_id: the folder's name
        kept: no prune removes it
        bytes: on the disk
        cells: that are due so far
        void_cells: without a valid attempt; the rest is still to be measured
        fault: why a damaged run can't be read
    """

    run_id: str
    standing: RunStanding
    kept: bool
    bytes: int
    started_at: datetime | None = None
    protocol: Name | None = None
    stack: Name | None = None
    cells: int | None = None
    valid_cells: int | None = None
    void_cells: int | None = None
    grade: Grade | None = None
    git_commit: str | None = None
    fault: str | None = None


class SparedRun(Document):
    """A run within the bounds of a prune that isn't removed.

    Attributes:
        why: a clause
    """

    run_id: str
    why: str


class PrunedRuns(Document):
    """What `lab runs prune --json` removed.

    Attributes:
        removed: false with `--dry-run`
        runs: the removed runs; with `--dry-run`, those that would be removed
        spared: runs within the bounds that aren't removed
        bytes: the size of `runs` on disk
    """

    version: Literal[1] = 1
    removed: bool
    runs: tuple[ListedRun, ...]
    spared: tuple[SparedRun, ...]
    bytes: int
