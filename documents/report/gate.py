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

    Attributes:
        judged: whether the outcome rests on it; all that is judged is one family of tests
        pair: `first` is the candidate, `second` the base
    """

    measure: Measure
    judged: bool
    pair: PairComparison


class Gate(Document):
    """The outcome of a gate, and what it rests on: what `lab gate --json` prints.

    Attributes:
        outcome: the exit status is 0, 1, 2 or 3
        reasons: whole sentences
        tests: how many Holm's correction takes into account for what is judged
        blocks: the protocol's
        blocks_needed: where it can't tell: with how many a candidate without any difference would pass; null also
            where 1,000 don't suffice
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
    blocks_needed: int | None
    findings: tuple[Finding, ...]
    twins: tuple[TwinComparison, ...]
    caveats: tuple[str, ...]
