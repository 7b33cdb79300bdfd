"""Runs over time, as `lab history` draws them."""

from datetime import datetime
from typing import Literal

from documents.base import Document, Name
from documents.summaries import Estimate


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
