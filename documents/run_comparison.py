"""The comparison of two runs, `compared/<id of the first>.json` in the second one's folder."""

from datetime import datetime
from typing import Literal

from documents.base import Document, Name
from documents.comparison import Interval, Measure, Verdict

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
