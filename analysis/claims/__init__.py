"""The claims of the published article, a line each as data, and their outcomes in a run."""

from analysis.claims.article import LINES
from analysis.claims.claim import TOLERANCE, Evidence, size_text, unlike_for_numbers, unlike_for_orders, unlike_host
from analysis.claims.lines import judge_claims

__all__ = [
    "LINES",
    "TOLERANCE",
    "Evidence",
    "judge_claims",
    "size_text",
    "unlike_for_numbers",
    "unlike_for_orders",
    "unlike_host",
]
