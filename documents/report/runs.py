"""Several runs: listed, compared, and over time."""

from datetime import datetime
from typing import Literal

from documents.base import Document, Name
from documents.report.comparison import Interval, Measure, Verdict
from documents.report.numbers import Estimate
from documents.report.report import Grade


class HistoryPoint(Document):
    """One API under one load in one run: throughput in requests a second, raw p99 in microseconds.

    `change` is the ratio of the throughput to that of the point before, and `noise` the factor up to which A/A explains
    one: what the twins of both runs scatter by, at 95%. Both are None at the first point; `noise` is where a run has
    too few twins. `outside` is whether the change is a greater one, either way. It is no verdict: what else happened
    between two runs is in no A/A.
    """

    run_id: str
    image_id: str
    blocks: int
    throughput: Estimate
    p99_us: Estimate
    change: float | None
    noise: float | None
    outside: bool | None


class HistorySeries(Document):
    """One API under one load over the runs of a group that have a valid cell of it, the oldest first."""

    scenario: Name
    api: Name
    points: tuple[HistoryPoint, ...]


class HistoryRun(Document):
    """A run of a group."""

    run_id: str
    started_at: datetime
    git_commit: str


class HistoryGroup(Document):
    """Runs that may stand beside each other, for they were measured under the same conditions; the oldest first.

    `differences` are the conditions in which they differ from the newest group, a clause each; none for that itself.
    """

    protocol: Name
    stack: Name
    runs: tuple[HistoryRun, ...]
    differences: tuple[str, ...]
    series: tuple[HistorySeries, ...]


class LeftOutRun(Document):
    """A run that isn't drawn, and why, in a sentence."""

    run_id: str
    why: str


class History(Document):
    """Runs over time in groups that may be compared, the group with the newest run first."""

    version: Literal[1] = 1
    groups: tuple[HistoryGroup, ...]
    left_out: tuple[LeftOutRun, ...]


Side = Literal["first", "second"]
"""Which of the two runs; `first` is the one that the other is compared with."""


class ComparedRun(Document):
    """One of the two runs: what it was, and how much of it counts."""

    run_id: str
    started_at: datetime
    git_commit: str
    stack: Name
    protocol: Name
    valid_cells: int
    void_cells: int
    unfinished_cells: int


class ComparedSubject(Document):
    """An API that both runs measured. What of its build changed between them is the subject of the comparison.

    `changed` names it: `image`, `sources`, `environment`. It is empty where both runs measured the same build.
    """

    api: Name
    first_image_id: str
    second_image_id: str
    changed: tuple[Literal["image", "sources", "environment"], ...]


class Change(Document):
    """One API under one load: `ratio` is that of the second run over the first, of geometric means over blocks.

    `first` and `second` are these means, in the unit of the cells' numbers. The blocks of two runs aren't paired: the
    test is Welch's, with `degrees_of_freedom`, and each run has a noise of its own, the standard deviation of its
    blocks' logs. What needs two blocks of each run is None where one of them has fewer; `reason` then says so in a
    sentence. p-values, verdict and numbers of blocks, here of each run, are those of a `PairComparison`.
    """

    api: Name
    scenario: Name
    first_blocks: int
    second_blocks: int
    first: float | None
    second: float | None
    ratio: float | None
    interval_95: Interval | None
    interval_90: Interval | None
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
    blocks_to_detect: int | None
    blocks_to_show_same: int | None


class MeasureChanges(Document):
    """All APIs under all loads that both runs measured, by one measure.

    `tests` is how many of them Holm's correction takes into account.
    """

    measure: Measure
    tests: int
    changes: tuple[Change, ...]


class RunComparison(Document):
    """Two runs beside each other.

    `differences` are the conditions in which the runs differ, a sentence each; where there are any, they were compared
    all the same by request, and every page says so in its title. `notes` are whole sentences that a reader must know.
    `margin`, `significance` and `power` are those of a run's own comparisons.
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
    measures: tuple[MeasureChanges, ...]


RunStanding = Literal["finished", "unfinished", "running", "damaged"]
"""`finished`: it came to its end. `unfinished`: it broke off, and `lab run --resume` may go on with it. `running`: a
process on this machine measures it. `damaged`: its documents can't be read."""


class ListedRun(Document):
    """A run's folder. Of a damaged one nothing is known but its name, its size and what is wrong with it.

    `cells` are those that are due by now, of which `valid_cells` count, and of the `void_cells` no attempt does; the
    others are still to be measured. `bytes` is what the folder takes on its disk. `kept` is whether it has a mark that
    no prune removes.
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
    """A run that is old enough to go, and why it doesn't, in a clause."""

    run_id: str
    why: str


class PrunedRuns(Document):
    """What `lab runs prune` removed, or with ``removed`` false would remove; `bytes` is what that takes together."""

    version: Literal[1] = 1
    removed: bool
    runs: tuple[ListedRun, ...]
    spared: tuple[SparedRun, ...]
    bytes: int
