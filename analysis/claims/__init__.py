"""What the published article claims, each line as data, and what a run and the facts about building make of it."""

from analysis.claims.article import LINES
from analysis.claims.claim import TOLERANCE
from analysis.claims.lines import judge_claims

__all__ = [
    "LINES",
    "TOLERANCE",
    "judge_claims",
]
