"""The gate: may a candidate take its base's place? What `lab gate --json` prints."""

from typing import Literal

from documents.base import Document, Name
from documents.report.comparison import Measure, PairComparison, TwinComparison
from documents.report.report import Subject

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
